"""Checksums behind the last byte of an HDF5 file: damage is told before HDF5's library, which it can crash, reads any.

HDF5 ignores what stands there, and removes it when another program changes the file. A file without is tried first by a
process of its own.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import struct
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from operator import eq
from pathlib import Path
from typing import IO, TYPE_CHECKING, NoReturn
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import h5py

# The length of the table before it, its checksum, and what tells a seal.
_END = struct.Struct("<II16s")
_MAGIC = b"binbench-seal-1\n"
_CHUNK = 1 << 20
#: How long HDF5 may take over the structure and the texts of a file: seconds, and bytes in each further one.
PATIENCE = 10.0
_PACE = 20e6


class Damaged(ValueError):
    """A file is not what was written."""


@contextmanager
def sealed(path: Path) -> Iterator[h5py.File]:
    """Write the HDF5 file at `path`, whatever is there, and put a seal on it when the block ends well."""
    import h5py

    with h5py.File(path, "w") as file:
        yield file
    seal(path)


def seal(path: Path) -> None:
    """Put a seal on the HDF5 file at `path`, which nobody has open: of each array of numbers, and of all the rest."""
    import h5py

    arrays: dict[str, tuple[int, int]] = {}

    def add(name: str, one: h5py.Group | h5py.Dataset) -> None:
        # Texts lie elsewhere; of them the array has the places only.
        if isinstance(one, h5py.Dataset) and one.dtype.kind != "O" and (start := one.id.get_offset()) is not None:
            arrays[name] = start, start + one.id.get_storage_size()

    with h5py.File(path, "r") as written:
        written.visititems(add)
    with open(path, "r+b") as file:
        rest = _rest(file, list(arrays.values()), file.seek(0, os.SEEK_END))
        told = {name: [*span, _crc(file, *span)] for name, span in arrays.items()}
        table = json.dumps({"arrays": told, "rest": rest}).encode()
        file.seek(0, os.SEEK_END)
        file.write(table + _END.pack(len(table), crc32(table), _MAGIC))


def examine(path: Path, is_tried: bool = True) -> None:
    """See that HDF5 can be let near the file at `path`; once for each state of it.

    Args:
        path: the file.
        is_tried: whether HDF5 tries a file without a seal in a process of its own, which takes some milliseconds; one
            that has lost its seal is tried in any case.

    Raises:
        Damaged: it differs from what was sealed or, without a seal, makes HDF5 crash or loop.
        OSError: it cannot be read.
    """
    if _sums(path, _state(path)) is None and (is_tried or _is_cut(path)):
        _try(path, _state(path))


def check_array(path: Path, name: str, values: NDArray[np.generic]) -> None:
    """See that the `values` of the array called `name` are those that were sealed, where there is a seal.

    Raises:
        Damaged: they are not.
    """
    told = (_sums(path, _state(path)) or {}).get(name)
    if told is not None and crc32(np.ascontiguousarray(values).data) != told:
        raise Damaged(f"{name!r} is not what was written")


def _state(path: Path) -> tuple[int, ...]:
    found = path.stat()
    return found.st_ino, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=4096)
def _sums(path: Path, state: tuple[int, ...]) -> Mapping[str, int] | None:
    """The checksums of the arrays of the file at `path`, all the rest of which is sound; None without a seal."""
    with open(path, "rb") as file:
        end = file.seek(0, os.SEEK_END) - _END.size
        file.seek(max(0, end))
        length, expected, magic = _END.unpack(file.read()) if end >= 0 else (0, 0, b"")
        # Damage to the seal itself is damage.
        if sum(map(eq, magic, _MAGIC)) >= len(_MAGIC) / 2:
            file.seek(max(0, end - length))
            table = file.read(length)
            if crc32(table) != expected or magic != _MAGIC:
                raise Damaged("its seal is broken")
            told = json.loads(table)
            if _rest(file, [(start, stop) for start, stop, _ in told["arrays"].values()], end - length) != told["rest"]:
                raise Damaged("it is not what was written")
            return {name: crc for name, (*_, crc) in told["arrays"].items()}
    return None


def _is_cut(path: Path) -> bool:
    """Whether the file at `path` ends elsewhere than HDF5 left it, as a seal does whatever became of it."""
    with open(path, "rb") as file:
        head = file.read(64).ljust(64)
        place = {0: 40, 1: 44}.get(head[8], 28)  # by the version of what describes the file
        return file.seek(0, os.SEEK_END) != int.from_bytes(head[place : place + 8], "little")


def _rest(file: IO[bytes], spans: Sequence[tuple[int, int]], end: int) -> int:
    """The checksum of the bytes before `end` that are in none of the `spans`."""
    at = value = 0
    for start, stop in [*sorted(spans), (end, end)]:
        value = _crc(file, at, start, value)
        at = stop
    return value


def _crc(file: IO[bytes], start: int, stop: int, value: int = 0) -> int:
    file.seek(start)
    while start < stop and (part := file.read(min(_CHUNK, stop - start))):
        value = crc32(part, value)
        start += len(part)
    return value


@lru_cache(maxsize=4096)
def _try(path: Path, state: tuple[int, ...]) -> None:
    """Have a child read the structure and the texts of the file at `path`."""
    seconds = PATIENCE + state[-1] / _PACE
    with warnings.catch_warnings():
        # h5py holds its lock over a fork, and the child uses nothing else.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _read(path)
    deadline, ended, code = time.monotonic() + seconds, 0, 0
    while not ended and time.monotonic() < deadline:
        ended, code = os.waitpid(child, os.WNOHANG)
        time.sleep(0 if ended else 0.001)
    if not ended:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise Damaged(f"HDF5 took more than {seconds:.0f} s to read what describes it")
    if os.WIFSIGNALED(code):
        raise Damaged(f"reading it ends HDF5 with {signal.Signals(os.WTERMSIG(code)).name}")


def _read(path: Path) -> NoReturn:
    """Have HDF5 go to all places that it can be led to; what it says is said again where it matters."""
    import faulthandler

    try:
        faulthandler.disable()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        _walk(path)
    finally:
        os._exit(0)


def _walk(path: Path) -> None:
    import h5py
    from h5py import h5d, h5l, h5o

    with h5py.File(path, "r") as file:
        for name in file.attrs:
            with suppress(Exception):
                file.attrs[name]
        for name in file:
            with suppress(Exception):
                if file.id.links.get_info(name.encode()).type != h5l.TYPE_HARD:
                    continue
                found = h5o.open(file.id, name.encode())
                if isinstance(found, h5d.DatasetID):
                    if found.dtype.kind == "O":
                        h5py.Dataset(found)[()]
                    elif found.get_create_plist().get_layout() == h5d.CHUNKED:
                        found.get_num_chunks()
