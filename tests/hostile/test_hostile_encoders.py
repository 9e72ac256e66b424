"""Encoder plugins that do what they must not: one line, exit status 1, no set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import registered_meanwhile

from binbench import Encoder, UserError
from binbench.cli import main
from binbench.sets.shards import encode_batches

PRELUDE = """
import os, sys
import numpy as np
from binbench import Encoder, register_encoder

class Odd(Encoder):
    def encode(self, texts, kind):
        return np.eye(len(texts), 8, dtype=np.float32) + 1
"""

#: What a plugin does, by what is to be said of it.
CASES = {
    "ValueError: none of \\x00yours": "def encode(self, texts, kind): raise ValueError('none of \\0yours')",
    "SystemExit: 0": "def encode(self, texts, kind): sys.exit(0)",
    "os._exit(0)": "def encode(self, texts, kind): os._exit(0)",
    "TypeError": "def encode(self, texts): return np.ones((len(texts), 8))",
    "gives 8 × 30 for 30 texts, not a row of numbers for each": (
        "def encode(self, texts, kind): return np.ones((8, len(texts)))"
    ),
    "gives 30 for 30 texts": "def encode(self, texts, kind): return [1.0] * len(texts)",
    "gives one number for 30 texts": "def encode(self, texts, kind): return 1.0",
    "gives 30 × 0 for 30 texts": "def encode(self, texts, kind): return np.ones((len(texts), 0))",
    "could not convert string to float": "def encode(self, texts, kind): return [['a', 'b']] * len(texts)",
    "inhomogeneous": "def encode(self, texts, kind): return [[1.0] * (i + 1) for i in range(len(texts))]",
    "document 0": "def encode(self, texts, kind): return np.full((len(texts), 8), np.nan)",
    "the documents have dimension 8 from row 0 on, the queries 9": (
        "def encode(self, texts, kind): return np.ones((len(texts), 8 if kind == 'document' else 9))"
    ),
    "KeyError: 'weights'": "def fit(self, documents): {}['weights']",
    "RuntimeError: no weights": "def __init__(self): raise RuntimeError('no weights')",
    "not JSON serializable": "provenance = {'weights': object()}",
    "'NoneType' object is not iterable": "provenance = None",
}


@pytest.mark.parametrize("expected", CASES)
def test_one_line(
    expected: str,
    collection_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("BINBENCH_DATA", str(tmp_path / "data"))
    plugin = tmp_path / "mine.py"
    plugin.write_text(f"{PRELUDE}\nclass Mine(Odd):\n    {CASES[expected]}\nregister_encoder('odd')(Mine)\n")
    asked = ["prepare", "--dataset", str(collection_dir), "--encoder", "odd", "--plugin", str(plugin)]
    with registered_meanwhile(), pytest.raises(SystemExit) as ended:
        main(asked)
    said = capsys.readouterr()
    assert ended.value.code == 1
    assert said.out == ""
    (line,) = [line for line in said.err.splitlines() if line.startswith("binbench: ")]
    assert line == said.err.splitlines()[-1]
    assert "Traceback" not in said.err
    assert expected in line
    assert "odd" in line
    assert not list((tmp_path / "data").glob("*.hdf5"))


def test_rows_of_other_lengths_later_on() -> None:
    class Growing(Encoder):
        name = "growing"

        def encode(self, texts, kind):
            return np.ones((len(texts), 8 if "0" in texts else 9), np.float32)

    with pytest.raises(UserError, match="encoder growing gives rows of 8 numbers, and then of 9"):
        encode_batches(Growing(), [str(i) for i in range(40)], "document", lambda count: None)


def test_what_an_encoder_prints_is_no_output(
    collection_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BINBENCH_DATA", str(tmp_path / "data"))
    plugin = tmp_path / "mine.py"
    shout = "def fit(self, documents): print('loud')"
    plugin.write_text(f"{PRELUDE}\nclass Mine(Odd):\n    {shout}\nregister_encoder('odd')(Mine)\n")
    with registered_meanwhile(), pytest.raises(SystemExit) as ended:
        main(["prepare", "--dataset", str(collection_dir), "--encoder", "odd", "--plugin", str(plugin)])
    said = capsys.readouterr()
    assert not ended.value.code
    assert said.out.splitlines() == [str(tmp_path / "data" / "tiny-odd.hdf5")]
    assert "loud" in said.err
