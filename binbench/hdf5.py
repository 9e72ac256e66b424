"""HDF5 files that others may have written: the one place that opens them for reading; what is wrong is one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.seal import Damaged, check_array, examine
from binbench.texts import message

if TYPE_CHECKING:
    import h5py
    from h5py.h5d import DatasetID


#: How many bytes one stored byte can stand for where an array is compressed: what deflate does to zeros.
_DEFLATED = 1032
#: Bytes of one text in an array: its length, and the place where it lies.
_REFERENCE = 16


@contextmanager
def opened(path: Path, remedy: str) -> Iterator[h5py.File]:
    """Open the file at `path`; within, only read from it.

    Args:
        path: the file.
        remedy: what to do about a damaged one.

    Raises:
        UserError: it cannot be opened, or what is read is damaged, in whatever way; ends with the `remedy`.
    """
    import h5py

    try:
        examine(path)
        file = h5py.File(path, "r")
    except Damaged as error:
        raise UserError(f"{path} is damaged: {error}; {remedy}") from error
    except Exception as error:
        what = error.strerror if isinstance(error, OSError) and error.errno else None
        raise UserError(f"{path} is not a readable HDF5 file{f' ({what})' if what else ''}; {remedy}") from error
    with file:
        try:
            yield file
        except UserError:
            raise
        # h5py answers damage with errors of any kind, and what does not fit into memory was never stored here.
        except Exception as error:
            raise UserError(f"{path} is damaged: {message(error) or type(error).__name__}; {remedy}") from error


def attributes_of(file: h5py.File) -> dict[str, Any]:
    """The attributes of `file`, scalars as Python's; several times faster than h5py's own way."""
    from h5py import h5a, h5t, string_dtype

    text, numbers = h5t.py_create(string_dtype()), (h5t.TypeIntegerID, h5t.TypeFloatID, h5t.TypeEnumID)
    found: dict[str, Any] = {}
    held: Any
    for name in file.attrs:
        attribute = h5a.open(file.id, name.encode("utf-8", "surrogateescape"))
        kind, room = attribute.get_type(), attribute.get_storage_size()
        # What is read goes to where there is room for one value; to ask how many there are takes longer.
        if isinstance(kind, h5t.TypeStringID) and kind.is_variable_str() and room == _REFERENCE:
            held = np.zeros((), object)
            attribute.read(held, text)
            found[name] = held[()].decode("utf-8", "surrogateescape") if held[()] else ""
        elif isinstance(kind, numbers) and room == kind.get_size():
            held = np.zeros((), kind.dtype)
            attribute.read(held, kind)
            found[name] = held.item()
        else:
            found[name] = file.attrs[name]
    return found


def look(file: h5py.File, name: str, shape: Sequence[int | None], kinds: str = "iuf") -> DatasetID | None:
    """The array called `name`, looked at but not read; None where there is none.

    Args:
        file: open for reading.
        name: of a member of its root.
        shape: what it must be, None for any length.
        kinds: numpy's letters of the types that it may have.

    Raises:
        ValueError: it lies in another file, is no array, of another shape or type, or larger than what is stored of it.
    """
    from h5py import check_string_dtype, h5d, h5l, h5o

    if not file.id.links.exists(name.encode()):
        return None
    if file.id.links.get_info(name.encode()).type != h5l.TYPE_HARD:
        raise ValueError(f"{name!r} is a link to another place")
    found = h5o.open(file.id, name.encode())
    if not isinstance(found, h5d.DatasetID):
        raise ValueError(f"{name!r} is no array")
    most = 1
    if found.get_offset() is None:  # not, as most do, in one piece in this file
        made = found.get_create_plist()
        if made.get_external_count() or made.get_layout() == h5d.VIRTUAL:
            raise ValueError(f"{name!r} lies in another file")
        most = _DEFLATED if made.get_layout() == h5d.CHUNKED else 1
    kind, there = found.dtype, found.shape  # each asks HDF5 anew
    if kind.kind not in kinds or (kind.kind == "O" and not check_string_dtype(kind)):
        raise ValueError(f"{name!r} holds {kind}")
    if not fits(there, shape):
        expected = ", ".join("any" if length is None else str(length) for length in shape)
        raise ValueError(f"{name!r} has the shape {there}, not ({expected})")
    if prod(there) * kind.itemsize > most * found.get_storage_size():
        raise ValueError(f"{name!r} is larger than what is stored of it")
    return found


def fits(shape: Sequence[int] | None, wanted: Sequence[int | None]) -> bool:
    """Whether `shape` is as `wanted`, where None stands for any length."""
    return (
        shape is not None
        and len(shape) == len(wanted)
        and all(one in (None, there) for there, one in zip(shape, wanted, strict=True))
    )


def array(file: h5py.File, name: str, shape: Sequence[int | None], kinds: str = "iuf") -> NDArray[Any] | None:
    """The values of :func:`look`."""
    import h5py

    found = look(file, name, shape, kinds)
    if found is None:
        return None
    values = np.asarray(h5py.Dataset(found)[()])
    check_array(Path(file.filename), name, values)
    return values
