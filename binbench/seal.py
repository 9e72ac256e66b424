"""Checksums behind the last byte of an HDF5 file: damage is told before HDF5's library, which it can crash, reads any.

HDF5 ignores what stands there, and removes it when another program changes the file. A file without is tried first by a
process of its own.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import struct
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
#: By path and state of files without a seal: how HDF5 ended that read them, nothing where it went well.
_TRIED: dict[tuple[Path, tuple[int, ...]], str] = {}


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


def examine(path: Path) -> None:
    """See that HDF5 can be let near the file at `path`; once for each state of it.

    Raises:
        Damaged: it differs from what was sealed or, without a seal, makes HDF5 crash or loop.
        OSError: it cannot be read.
    """
    state = _state(path)
    if _sums(path, state) is None:
        _try([(path, state)])
        if _TRIED[path, state]:
            raise Damaged(_TRIED[path, state])


def examine_all(paths: Iterable[Path]) -> None:
    """Do for those of `paths` that have no seal together what :func:`examine` would do one by one, and tell of none."""
    unsealed = []
    for path in paths:
        with suppress(OSError, ValueError):
            state = _state(path)
            if _sums(path, state) is None:
                unsealed.append((path, state))
    _try(unsealed)


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


def _try(files: Sequence[tuple[Path, tuple[int, ...]]]) -> None:
    """Have a child read the structure and the texts of `files`, in these states, and another after each that fails."""
    waiting = [file for file in files if file not in _TRIED]
    while waiting:
        read, said = _fork(waiting)
        _TRIED.update(dict.fromkeys(waiting[:read], ""))
        _TRIED.update(dict.fromkeys(waiting[read : read + 1], said))
        waiting = waiting[read + 1 :]


def _fork(files: Sequence[tuple[Path, tuple[int, ...]]]) -> tuple[int, str]:
    """How many of `files` HDF5 read in a child, and how the next one ended it."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # h5py holds its lock over a fork, and the child uses nothing else.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _read([path for path, _ in files], writing)
    os.close(writing)
    read, said = 0, ""
    while read < len(files):
        seconds = PATIENCE + files[read][1][-1] / _PACE
        if not select.select([reading], [], [], seconds)[0]:
            os.kill(child, signal.SIGKILL)
            said = f"HDF5 took more than {seconds:.0f} s to read what describes it"
            break
        if not (told := os.read(reading, len(files))):
            break
        read += len(told)
    os.close(reading)
    _, code = os.waitpid(child, 0)
    if read < len(files) and not said and os.WIFSIGNALED(code):
        said = f"reading it ends HDF5 with {signal.Signals(os.WTERMSIG(code)).name}"
    return read, said


def _read(paths: Sequence[Path], writing: int) -> NoReturn:
    """Have HDF5 go to all places that it can be led to; what it says is said again where it matters.

    A byte for each of `paths` goes to `writing`.
    """
    import faulthandler

    try:
        faulthandler.disable()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        for path in paths:
            with suppress(Exception):
                _walk(path)
            os.write(writing, b".")
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
