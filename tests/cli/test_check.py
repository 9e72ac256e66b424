"""`binbench check` from the command line: a good method, a bad file, a name that is none."""

from __future__ import annotations

from pathlib import Path

from commands import binbench, refused

GOOD = '''
import numpy as np
from binbench import Algorithm, Footprint, register


@register("plain")
class Plain(Algorithm):
    """Exact search by numpy."""

    def __init__(self, dimension, seed=0):
        self.dimension = dimension

    def fit(self, train):
        self.train_ = np.array(train)

    def query(self, queries, k):
        k_ = min(k, len(self.train_))
        scores = np.stack([self.train_ @ query for query in queries])
        ids = np.argsort(-scores, axis=1, kind="stable")[:, :k_]
        scores = np.take_along_axis(scores, ids, 1).astype(np.float32)
        margin = ((0, 0), (0, k - k_))
        return np.pad(ids, margin, constant_values=-1), np.pad(scores, margin, constant_values=-np.inf)

    def footprint(self):
        return Footprint(codes=4 * self.dimension)
'''


def test_conforming_method(tmp_path: Path) -> None:
    done = binbench("check", "binary64", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert lines[0] == "binary64"
    assert len(lines) > 10
    assert all(line.startswith("  ok") for line in lines[1:])


def test_plugin_files(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    bad = GOOD.replace('"plain"', '"greedy"').replace("codes=4 *", "codes=1 *")
    (tmp_path / "bad.py").write_text(bad)
    assert binbench("check", "good.py", cwd=tmp_path).returncode == 0
    done = binbench("check", "good.py", "bad.py", cwd=tmp_path)
    refused(done, "1 of 2 do not conform: greedy breaks bytes-honest")
    assert "BROKEN  bytes-honest" in done.stdout


def test_method_that_kills_its_process(tmp_path: Path) -> None:
    killer = GOOD.replace('"plain"', '"killer"').replace(
        "self.train_ = np.array(train)", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    )
    (tmp_path / "killer.py").write_text(killer)
    refused(binbench("check", "killer.py", cwd=tmp_path), "killer breaks fits")


def test_unknown_name(tmp_path: Path) -> None:
    refused(binbench("check", "binray64", cwd=tmp_path), "did you mean binary64")
