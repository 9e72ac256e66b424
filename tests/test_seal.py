"""Seals: HDF5 files whose every byte is vouched for, and files without, which a process of its own tries first."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest

from binbench import seal
from binbench.errors import UserError
from binbench.hdf5 import array, attributes_of, opened

ARRAYS = {"numbers": np.arange(300, dtype=np.float32).reshape(30, 10), "few": np.arange(3, dtype=np.int16)}


def read(path: Path) -> tuple[list[bytes], object]:
    """All that the file at `path` holds."""
    with opened(path, "get it again") as file:
        arrays = [array(file, name, (None,) * one.ndim) for name, one in ARRAYS.items()]
        texts = array(file, "texts", (None,), "O")
        return [one.tobytes() for one in arrays if one is not None], [attributes_of(file), *texts.tolist()]  # type: ignore[union-attr]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with seal.sealed(tmp_path / "file.hdf5") as file:
        for name, one in ARRAYS.items():
            file[name] = one
        file["texts"] = ["first", "second"]
        file.attrs["said"] = "x" * 50
        file["elsewhere"] = h5py.ExternalLink("/nowhere", "/")
    return tmp_path / "file.hdf5"


def test_other_programs_see_no_seal(path: Path) -> None:
    with h5py.File(path) as file:
        assert set(file) == {"numbers", "few", "texts", "elsewhere"}
        assert file["numbers"][:].tolist() == ARRAYS["numbers"].tolist()
        assert file.userblock_size == 0
    assert path.read_bytes().endswith(b"binbench-seal-1\n")


def test_every_byte_counts(path: Path) -> None:
    whole, expected = path.read_bytes(), read(path)
    assert expected[0] == [one.tobytes() for one in ARRAYS.values()]
    for place in range(0, len(whole), 11):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"is damaged: .*; get it again"):
            read(path)
    for length in range(len(whole) - 400, len(whole), 13):
        path.write_bytes(whole[:length])
        # Of the seal itself little may be left; what it is for is whole then.
        with suppress(UserError):
            assert read(path) == expected


def test_what_is_changed_by_means_of_hdf5_is_read(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["few"][1] = 7
    assert not path.read_bytes().endswith(b"binbench-seal-1\n")
    assert read(path)[0][1] == np.array([0, 7, 2], np.int16).tobytes()


@pytest.mark.parametrize(
    ("does", "said"),
    [
        (lambda path: os.kill(os.getpid(), signal.SIGSEGV), "reading it ends HDF5 with SIGSEGV"),
        (lambda path: time.sleep(60), "HDF5 took more than 0 s to read what describes it"),
    ],
)
def test_what_has_no_seal_is_tried(does, said, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seal, "_walk", does)
    monkeypatch.setattr(seal, "PATIENCE", 0.2)
    forked, fork = [], os.fork
    monkeypatch.setattr(os, "fork", lambda: forked.append(fork()) or forked[-1])
    read(path)
    h5py.File(path, "r+").close()
    with pytest.raises(UserError, match=f"is damaged: {said}; get it again"):
        read(path)
    assert len(forked) == 1
    with pytest.raises(ChildProcessError):
        os.waitpid(forked[0], os.WNOHANG)


def test_of_many_without_a_seal_each_has_its_own_fate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One child reads them all, and another goes on after each that HDF5 cannot stand."""
    paths = [tmp_path / f"{number}.hdf5" for number in range(6)]
    for path in paths[:5]:
        h5py.File(path, "w").close()
    fates = {"1.hdf5": lambda: os.kill(os.getpid(), signal.SIGSEGV), "3.hdf5": lambda: time.sleep(60)}
    monkeypatch.setattr(seal, "_walk", lambda path: fates.get(path.name, bool)())
    monkeypatch.setattr(seal, "PATIENCE", 0.2)
    forked, fork = [], os.fork
    monkeypatch.setattr(os, "fork", lambda: forked.append(fork()) or forked[-1])
    seal.examine_all(paths)
    assert len(forked) == 3
    for name in (0, 2, 4):
        seal.examine(paths[name])
    for name, said in ((1, "SIGSEGV"), (3, "more than 0 s")):
        with pytest.raises(seal.Damaged, match=said):
            seal.examine(paths[name])
    with pytest.raises(FileNotFoundError):
        seal.examine(paths[5])
    assert len(forked) == 3


def test_zeros_for_the_end_of_a_file_are_no_seal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a power cut."""
    monkeypatch.setattr(seal, "_walk", lambda path: os.kill(os.getpid(), signal.SIGSEGV))
    path.write_bytes(path.read_bytes()[:-1000] + bytes(1000))
    with pytest.raises(seal.Damaged, match="SIGSEGV"):
        seal.examine(path)
