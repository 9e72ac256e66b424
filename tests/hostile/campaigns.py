"""Campaign files that a command line of `arguments.py` names: their bytes by their names."""

_START = b"datasets: [synthetic-60x8]\nalgorithms: [int8]\n"
# Each list holds the one before nine times: the last one, 9 to the power of 12 values.
_BOMB = b"".join(b"%c: &%c [%s]\n" % (98 + i, 98 + i, b", ".join([b"*%c" % (97 + i)] * 9)) for i in range(12))

FILES = {
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
