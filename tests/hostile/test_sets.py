"""Every damage of `sets.py` is one line, in whatever verb, and never a traceback or a row of figures."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import unit
from hostile.sets import CASES

from binbench.cli import main
from binbench.errors import UserError
from binbench.seal import seal
from binbench.sets.embeddings import EmbeddingSet, write_set


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A set that is as it should be."""
    rng = np.random.Generator(np.random.PCG64(7))
    train, test = unit(rng.standard_normal((60, 8))), unit(rng.standard_normal((6, 8)))
    ids = [f"d{i}" for i in range(60)], [f"q{i}" for i in range(6)]
    qrels = np.array([(i, i, 1) for i in range(3)], np.int32)
    path = tmp_path_factory.mktemp("set") / "set.hdf5"
    write_set(path, train.shape, [train], test, {"distance": "angular", "identity": {}}, ids=ids, qrels=qrels)
    return path.read_bytes()


def said(line: list[str], capsys) -> str:
    """The one line that a command line ends in."""
    with pytest.raises(SystemExit) as exit_:
        main(line)
    assert exit_.value.code == 1
    [error] = capsys.readouterr().err.splitlines()
    return error


@pytest.mark.parametrize("case", CASES)
def test_one_line(case, whole, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("set.hdf5").write_bytes(whole)
    damage, message = CASES[case]
    with h5py.File("set.hdf5", "r+") as file:
        damage(file)
    seal(Path("set.hdf5"))
    error = said(["run", "--dataset", "set.hdf5", "--algorithm", "float", "--count", "5"], capsys)
    assert error.startswith("binbench: set.hdf5")
    assert message in error
    assert not list(tmp_path.glob("results/*/*"))


@pytest.mark.parametrize("is_sealed", [True, False])
def test_flipped_bytes_are_told_or_do_no_harm(is_sealed, whole, tmp_path):
    """Of a sealed set all are told; of another those that matter to how it is read."""
    path, told = tmp_path / "set.hdf5", []
    path.write_bytes(whole)
    if not is_sealed:
        h5py.File(path, "r+").close()
    content = path.read_bytes()
    places = range(0, len(content) if is_sealed else 800, 101 if is_sealed else 23)
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        path.write_bytes(damaged)
        try:
            found = EmbeddingSet.open(path)
            found.check()
            found.check_vectors()
            assert (found.train.shape, found.test.shape) == ((60, 8), (6, 8))
        except UserError as error:
            told.append(str(error))
    assert len(told) == len(places) if is_sealed else len(told) > 5
    assert not any("\n" in message for message in told)


def test_another_program_s_file_may_hold_what_it_likes(whole, tmp_path, monkeypatch):
    """Of a file in ann-benchmarks' layout only the vectors count."""
    monkeypatch.chdir(tmp_path)
    with h5py.File("foreign.hdf5", "w") as file:
        file["train"], file["test"] = np.eye(8) + 1, np.eye(8)[:3] + 1
        file["neighbors"], file["distances"] = np.zeros((3, 2, 2)), "none"
        file.attrs["provenance"], file.attrs["identity"] = 7, "{"
    with pytest.raises(SystemExit) as exit_:
        main(["prepare", "--dataset", "foreign.hdf5"])
    assert exit_.value.code == 0
