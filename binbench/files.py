"""Files that are whole or not there."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from binbench.errors import UserError

# In the names of temporary files: a number tells a process on one machine only.
_HOST = re.sub(r"\W", "", os.uname().nodename)[:32]


def path_of(text: str | os.PathLike[str]) -> Path:
    """The path that a user means by `text`, ``~`` expanded.

    Raises:
        UserError: no path can be called that.
    """
    try:
        path = Path(text).expanduser()
        os.lstat(path)
    except RuntimeError:
        raise UserError(f"{text}: there is no user of that name, and so no home folder") from None
    except ValueError:  # a NUL, or half of a surrogate pair
        raise UserError(f"{str(text)[:100]!r} holds a character that no path can have") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise UserError(f"{str(text)[:100]}… is too long for the name of a file") from None
    return path


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` and rename it to `path` when the block ends well; otherwise remove it.

    Raises:
        UserError: the folder cannot be written, the disk is full, or a folder is there.
    """
    with writing(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "", str(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        temporary = path.with_name(f".{path.name[:100]}.{_HOST}-{os.getpid()}.tmp")
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder beside `path` that becomes `path` when the block ends well, and is removed otherwise.

    Raises:
        UserError: `path` is there already, or cannot be written.
    """
    if path.exists():
        raise UserError(f"{path} is there already; remove it, or name another folder")
    temporary = path.with_name(f".{path.name}.tmp")
    with writing(path):
        # What lies there is of a process that was killed.
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        try:
            yield temporary
            temporary.rename(path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@cache
def _sweep(folder: Path) -> None:
    """Remove what processes of this machine that were killed left half written in `folder`."""
    for left in folder.glob(f".*.{_HOST}-*.tmp"):
        try:
            os.kill(int(left.stem.rpartition("-")[2]), 0)
        except ProcessLookupError:
            left.unlink(missing_ok=True)
        except (ValueError, OSError, OverflowError):
            continue  # not ours, or alive under another user


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the file system's refusals while `path` is written into one-line errors."""
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT) or "No space left" in str(error):
            raise UserError(
                f"cannot write {path}: the disk is full; free some space and run the same command again"
            ) from error
        raise UserError(f"cannot write {path}: {reason}") from error


def file_in(folder: Path | None, name: str) -> Path | None:
    """The file of the stored `name` in `folder`; None where there is none, or `name` leads elsewhere."""
    try:
        path = folder and folder / name
        return path if path and path.name == name and path.is_file() else None
    except (OSError, ValueError):  # a name that no file can have
        return None


def sha256_of(path: Path) -> str:
    """The hexadecimal sha256 of a file's bytes."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def require_space(folder: Path, needed: int, purpose: str, otherwise: str = "name a folder on another disk") -> None:
    """See that the disk of `folder`, which may be still to be made, has room for `needed` bytes.

    Raises:
        UserError: it has not.
    """
    free = shutil.disk_usage(next(one for one in (folder, *folder.absolute().parents) if one.is_dir())).free
    if needed > free:
        raise UserError(
            f"not enough disk to {purpose}: {needed / 1e9:.1f} GB needed, {free / 1e9:.1f} GB free in {folder}; "
            f"free some, or {otherwise}"
        )
