"""Downloads that are whole, the right ones, and safely unpacked, or not there."""

from __future__ import annotations

import hashlib
import http.client
import logging
import os
import shutil
import socket
import stat
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

from filelock import FileLock, Timeout

from binbench._version import __version__
from binbench.errors import UserError
from binbench.files import require_space, writing
from binbench.progress import progress

logger = logging.getLogger("binbench")

ATTEMPTS = 5  # without a byte more than the best so far
TIMEOUT = 30.0  # seconds of silence
UNPACKED = 4  # times the size of the zip, for the free-disk check before anything is known of its contents
_CHUNK = 1 << 20


class Unavailable(UserError):
    """The host does not answer, or has another file than was published."""


class _BrokenOff(Exception):
    """The transfer failed in a way that may pass."""


def fetch_zip(url: str, target_folder: Path, md5: str, size: int | None = None, backoff: float = 1.0) -> Path:
    """Download the zip file at `url` and unpack its top folder, named as `target_folder` is, to `target_folder`.

    A folder that exists is left as it is. What an interrupted download left in ``<name>.zip.part`` is used. Processes
    that want the same folder wait for each other.

    Args:
        md5: of the zip file, hexadecimal.
        size: of the zip file in bytes, where known.
        backoff: seconds before the second attempt; twice as many before each further one.

    Raises:
        UserError: no network, another file than expected, an unsafe zip file, or too little disk.
    """
    if target_folder.is_dir():
        return target_folder
    parent, name = target_folder.parent, target_folder.name
    with writing(target_folder):
        parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(parent / f".{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            logger.info("%s: waiting for another process that downloads it", name)
            lock.acquire()
    try:
        # Another process may have fetched it while this one waited.
        if not target_folder.is_dir():
            part = parent / f"{name}.zip.part"
            if size is not None:
                _room(parent, (1 + UNPACKED) * size - _size_of(part), f"download and unpack {name}")
            got = _download(url, part, size, backoff)
            if got != md5:
                part.unlink()
                raise UserError(
                    f"{url} is not the published file (md5 {got}, not {md5}); it was removed: "
                    f"run the same command again, or {_elsewhere(part)}"
                )
            _unpack(part, target_folder)
            part.unlink()
    finally:
        lock.release()
    return target_folder


def _download(url: str, part: Path, size: int | None, backoff: float) -> str:
    """Make `part` the whole file at `url`, trying again where that may help; its md5, hexadecimal."""
    failures, best = 0, _size_of(part)
    while True:
        try:
            return _receive(url, part, size)
        except _BrokenOff as error:
            failures = 1 if _size_of(part) > best else failures + 1
            best = max(best, _size_of(part))
            if failures >= ATTEMPTS:
                raise _unavailable(url, part, str(error)) from error
            wait = backoff * 2 ** (failures - 1)
            logger.info("%s: %s; trying again in %.0f s", url, error, wait)
            time.sleep(wait)


def _receive(url: str, part: Path, size: int | None) -> str:
    """Append to `part` what it lacks, from the start where the server cannot send a part; the whole's md5."""
    have = _size_of(part)
    if size is not None and have >= size:
        if have == size:
            return _md5_of(part).hexdigest()
        part.unlink()
        have = 0
    response = _request(url, part, have)
    with response:
        resumed = response.status == 206
        if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            raise _unavailable(url, part, "the server sent another part than it was asked for")
        have = have if resumed else 0
        digest = _md5_of(part) if resumed else hashlib.md5(usedforsecurity=False)
        announced = response.headers.get("Content-Length")
        total = have + int(announced) if announced and announced.isdecimal() else size
        if size is not None and total != size:
            raise _unavailable(url, part, f"the file there has {total:,} bytes, not the published {size:,}")
        if total is not None:
            _room(part.parent, total - have, f"download {url}")
        name = part.name.removesuffix(".zip.part")
        with (
            writing(part),
            open(part, "ab" if resumed else "wb") as file,
            progress(f"downloading {name}", total or 0, "bytes", have) as advance,
        ):
            while chunk := _read(response):
                file.write(chunk)
                digest.update(chunk)
                have += len(chunk)
                advance(len(chunk))
    if total is not None and have < total:
        raise _BrokenOff(f"broke off after {have:,} of {total:,} bytes")
    return digest.hexdigest()


def _request(url: str, part: Path, have: int) -> Any:
    if not url.startswith(("http://", "https://")):
        raise _unavailable(url, part, "not an http or https address")
    headers = {"User-Agent": f"binbench/{__version__}"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416:
            part.unlink()
            raise _BrokenOff("the server has less than was downloaded") from error
        if error.code >= 500 or error.code in (408, 429):
            raise _BrokenOff(f"HTTP status {error.code}") from error
        raise _unavailable(url, part, f"HTTP status {error.code} ({error.reason})") from error
    except urllib.error.URLError as error:
        reason = str(getattr(error.reason, "strerror", None) or error.reason)
        if isinstance(error.reason, socket.gaierror) and error.reason.errno != socket.EAI_AGAIN:
            raise _unavailable(url, part, reason) from error
        raise _BrokenOff(reason) from error
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOff(f"{type(error).__name__}: {error}") from error


def _read(response: Any) -> bytes:
    try:
        # read1 hands out what has come, so that nothing received is lost when the connection breaks.
        return response.read1(_CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOff(f"{type(error).__name__}: {error}") from error


def _md5_of(path: Path) -> Any:
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest


def _unpack(archive: Path, target: Path) -> None:
    """Unpack the top folder of `archive` that is named like `target` to `target`, whole or not at all."""
    # Under the lock, so that what lies here is of a process that was killed.
    temporary = target.with_name(f".{target.name}.unpacking")
    try:
        with writing(target), zipfile.ZipFile(archive) as file:
            shutil.rmtree(temporary, ignore_errors=True)
            members = file.infolist()
            for member in members:
                _refuse_unsafe(archive, member)
            _room(target.parent, sum(member.file_size for member in members), f"unpack {archive}")
            file.extractall(temporary, [m for m in members if PurePosixPath(m.filename).parts[0] == target.name])
            if not (temporary / target.name).is_dir():
                raise UserError(f"{archive} holds no folder {target.name}/")
            os.replace(temporary / target.name, target)
    # RuntimeError: encrypted; NotImplementedError: an unknown compression.
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise UserError(f"{archive} cannot be unpacked: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _refuse_unsafe(archive: Path, member: zipfile.ZipInfo) -> None:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    escapes = path.is_absolute() or ".." in path.parts or not path.parts or ":" in path.parts[0]
    if escapes or stat.S_ISLNK(member.external_attr >> 16):
        what = "lies outside its folder" if escapes else "is a link"
        raise UserError(f"{archive} is not safe to unpack: {member.filename!r} {what}")


def _room(folder: Path, needed: int, purpose: str) -> None:
    require_space(folder, needed, purpose, "set BINBENCH_CACHE to a folder on another disk")


def _unavailable(url: str, part: Path, reason: str) -> Unavailable:
    return Unavailable(f"cannot download {url}: {reason}; try again later, or {_elsewhere(part)}")


def _elsewhere(part: Path) -> str:
    name = part.name.removesuffix(".zip.part")
    return f"unpack a copy of it as FOLDER/{name} and give --beir-dir FOLDER (or BINBENCH_BEIR_DIR)"


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
