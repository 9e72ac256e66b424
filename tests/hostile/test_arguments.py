"""Every command line of `arguments.py` ends in one line that says what is wrong, and writes nothing."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from conftest import registered_meanwhile
from hostile.arguments import CASES
from hostile.files import FILES

from binbench.cli import main

LONG = {"long": "x" * 5000, "digits": "1" * 5000}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the cases run."""
    path = tmp_path_factory.mktemp("hostile")
    rows = np.random.Generator(np.random.PCG64(7)).standard_normal((60, 4)).astype(np.float32)
    np.save(path / "docs.npy", rows)
    np.save(path / "queries.npy", rows[:5] + 1)
    (path / "folder.hdf5").mkdir()
    for name, content in FILES.items():
        (path / name).write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(path)
        assert ended("run --algorithm float --count 5 --train docs.npy --queries queries.npy") == 0
    return path


def ended(line: str) -> object:
    """The exit status of a command line."""
    with registered_meanwhile(), pytest.raises(SystemExit) as exit_:
        main(shlex.split(line.format(**LONG)))
    return exit_.value.code


@pytest.mark.parametrize("line", CASES)
def test_one_line(line, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert ended(line) in (1, 2)
    [said] = capsys.readouterr().err.splitlines()
    assert said.startswith("binbench: ")
    assert CASES[line] in said
    assert len(said) < 600
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert {p for p in after if not p.name.startswith(".")} == {p for p in before if not p.name.startswith(".")}


def test_paths_may_hold_commas(folder, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("BINBENCH_DATA", str(tmp_path))
    (tmp_path / "a,b, c.hdf5").write_bytes((folder / "data" / "docs.hdf5").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert ended("prepare --dataset synthetic-60x8,'a,b, c.hdf5',synthetic-70x8") == 0
    assert [Path(line).name for line in capsys.readouterr().out.splitlines()] == [
        "synthetic-60x8.hdf5",
        "a,b, c.hdf5",
        "synthetic-70x8.hdf5",
    ]
