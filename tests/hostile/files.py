"""Files that a command line of `arguments.py` names: their bytes by their names."""

import io
from typing import Any

import numpy as np


def _npy(array: Any, save: Any = np.save) -> bytes:
    buffer = io.BytesIO()
    save(buffer, array)
    return buffer.getvalue()


_ROWS = _npy(np.ones((60, 4), np.float32))

_START = b"datasets: [synthetic-60x8]\nalgorithms: [int8]\n"
# Each list holds the one before nine times: the last one, 9 to the power of 12 values.
_BOMB = b"".join(b"%c: &%c [%s]\n" % (98 + i, 98 + i, b", ".join([b"*%c" % (97 + i)] * 9)) for i in range(12))

FILES = {
    "zip.npy": _npy(np.ones((60, 4)), np.savez),
    "negative.npy": _ROWS.replace(b"(60, 4)", b"(-6, 4)"),
    "huge.npy": _ROWS.replace(b"(60, 4), }" + b" " * 17, b"(1152921504606846976, 4), }"),
    "cut.npy": _ROWS[:500],
    "pickle.npy": _npy(np.array([{}], dtype=object)),
    "text.npy": b"1.0 2.0 3.0\n",
    "empty.npy": b"",
    "scalar.npy": _npy(np.float32(1)),
    "nan.npy": _npy(np.full((60, 4), np.nan)),
    "text.hdf5": b"1.0 2.0 3.0\n",
    "latin.yml": b"algorithms: [int8]\ndatasets: [caf\xe9]\n",
    "deep.yml": b"datasets: " + b"[" * 5000,
    "bomb.yml": b"a: &a [x, x, x, x, x, x, x, x, x]\n" + _BOMB + b"datasets: *m\nalgorithms: *m\n",
    "itself.yml": b"algorithms: [int8]\ndatasets: &a [*a]\n",
    "nul.yml": b'datasets: ["a\\0b"]\nalgorithms: [int8]\n',
    "nul-plugin.yml": _START + b'plugins: ["a\\0b"]\n',
    "float.yml": _START + b"runs: 2.0\n",
    "seed.yml": _START + b"seeds: [12345678901234567890123456]\n",
    "study-float.yml": b"tiers:\n  - datasets: [synthetic-60x8]\n    algorithms: [int8]\nruns: 2.0\n",
}
