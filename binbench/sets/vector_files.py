"""Files of vectors, read in blocks: NumPy's, big-ann-benchmarks', TEXMEX', safetensors, HDF5 and Parquet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError, unknown
from binbench.files import path_of
from binbench.sets import Metric
from binbench.sets.embeddings import BLOCK_ROWS, EmbeddingSet, stored_blocks
from binbench.sets.neighbors import DISTANCES

Blocks = Iterator[NDArray[Any]]


@dataclass(frozen=True)
class Vectors:
    """Vectors in a file or a folder, of which only the shape has been read.

    Attributes:
        path: the file or folder.
        count, dimension: their shape.
        read: makes an iterator over blocks of (n, dimension) in row order, of the type they are stored in.
        ids: reads what the rows are called; None where the file does not say.
        distance: how the file says that it is ranked, or None.
    """

    path: Path
    count: int
    dimension: int
    read: Callable[[], Blocks]
    ids: Callable[[], list[str]] | None = None
    distance: str | None = None

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """The vectors as float32; a value too large for that becomes infinite, which no set takes."""
        for block in self.read():
            with np.errstate(over="ignore"):
                yield np.ascontiguousarray(block, dtype=np.float32)

    def ranked_by(self, metric: Metric | None) -> str:
        """The distance that is called `metric`; where that is None, what the file says, or else ``angular``.

        Raises:
            UserError: the file says one that is not supported.
        """
        distance = DISTANCES[metric] if metric else self.distance or "angular"
        if distance not in DISTANCES.values():
            raise UserError(
                f"{self.path}: distance {distance!r} is not supported; say --metric {', '.join(DISTANCES)}, "
                "if the vectors are ranked so"
            )
        return distance


def open_vectors(path: Path, member: str = "train", column: str | None = None) -> Vectors:
    """The vectors at `path`, by the ending of its name; a folder holds Parquet files.

    Args:
        member: of an HDF5 file in ann-benchmarks' layout, ``train`` or ``test``.
        column: of Parquet, or the tensor of a .safetensors file; None for the only one that holds vectors.

    Raises:
        UserError: it is not there, is damaged, or holds something else.
    """
    from binbench.sets.parquet_vectors import open_parquet

    if not path.exists():
        raise UserError(f"{path} does not exist")
    if not path.stat().st_size:
        raise UserError(f"{path} is empty: it holds no vectors")
    if path.is_dir() or path.suffix == ".parquet":
        opened = open_parquet(path, column)
    elif path.suffix == ".safetensors":
        opened = _safetensors(path, column)
    elif column is not None:
        raise UserError(f"--column {column} is for Parquet and .safetensors: {path} has no columns")
    elif path.suffix in HDF5:
        opened = _hdf5(path, member)
    elif path.suffix in _RAW:
        opened = _raw(path, *_RAW[path.suffix])
    else:
        opened = _npy(path)
    if not opened.count or not opened.dimension:
        raise UserError(f"{path} is empty: it holds no vectors")
    return opened


def _mapped(path: Path, dtype: Any, shape: tuple[int, ...], view: Callable[[], NDArray[Any]]) -> Vectors:
    """Vectors that `view` maps; mapped anew for every block, so that what was read counts no longer as in memory."""
    if len(shape) != 2 or not (dtype.kind == "f" or dtype in (np.int8, np.uint8)):
        raise UserError(f"{path} must hold a 2-D array of floats or bytes, one vector a row; it holds {dtype} {shape}")

    def read() -> Blocks:
        for start in range(0, shape[0], BLOCK_ROWS):
            yield view()[start : start + BLOCK_ROWS]

    return Vectors(path, *shape, read)


def _npy(path: Path) -> Vectors:
    def view() -> NDArray[Any]:
        try:
            # A shape that overflows is refused, but not before a warning.
            with np.errstate(over="ignore"):
                found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
            if not isinstance(found, np.ndarray):
                raise ValueError("it is an .npz archive")
        except (ValueError, OverflowError, OSError, EOFError) as error:
            raise UserError(f"{path} is not a readable .npy file: {str(error).partition(chr(10))[0]}") from error
        return found

    header = view()
    return _mapped(path, header.dtype, header.shape, view)


def _raw(path: Path, dtype: str, per_row: bool) -> Vectors:
    """Little-endian rows behind one header, count and dimension as uint32, or each behind its dimension as int32."""
    size, item = path.stat().st_size, np.dtype(dtype)
    header = np.fromfile(path, "<u4", 1 if per_row else 2).tolist()
    if len(header) < (1 if per_row else 2):
        raise UserError(f"{path} is damaged: it ends within its header, after {size} bytes")
    # Python's integers: what a header claims overflows nothing.
    dimension = header[-1]
    row = dimension * item.itemsize + (4 if per_row else 0)
    count = size // row if per_row else header[0]
    expected = count * row if per_row else 8 + count * row
    if size != expected:
        claim = f"whole rows of {dimension}" if per_row else f"{count:,} × {dimension:,}"
        raise UserError(f"{path} is damaged: its header says {claim} {item.name}, which {size:,} bytes are not")
    if not per_row:
        return _mapped(path, item, (count, dimension), lambda: np.memmap(path, item, "r", 8, (count, dimension)))
    rows = np.dtype([("dimension", "<i4"), ("vector", item, (dimension,))])

    def view() -> Blocks:
        for start in range(0, count, BLOCK_ROWS):
            block = np.memmap(path, rows, "r", shape=(count,))[start : start + BLOCK_ROWS]
            if (wrong := np.flatnonzero(block["dimension"] != dimension)).size:
                other = block["dimension"][wrong[0]]
                raise UserError(f"{path} is damaged: row {start + wrong[0]} has dimension {other}, not {dimension}")
            yield block["vector"]

    return Vectors(path, count, dimension, view)


def _safetensors(path: Path, column: str | None) -> Vectors:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            found = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (a handle, no mapping)
            shapes = {name: tuple(one.get_shape()) for name, one in found.items()}
            kinds = {name: one.get_dtype() for name, one in found.items()}
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is not a readable .safetensors file: {error}") from error
    name = choose(path, "tensor", [name for name, shape in shapes.items() if len(shape) == 2], column, list(shapes))
    count, dimension = shapes[name]
    if kinds[name] not in _TENSORS:
        raise UserError(f"{path}: tensor {name} is {kinds[name]}; {', '.join(_TENSORS)} are read")

    def read() -> Blocks:
        for start in range(0, count, BLOCK_ROWS):
            # numpy has no bfloat16.
            with safe_open(path, "pt" if kinds[name] == "BF16" else "np") as file:
                rows = file.get_slice(name)[start : min(start + BLOCK_ROWS, count)]
            yield rows.float().numpy() if kinds[name] == "BF16" else rows

    return Vectors(path, count, dimension, read)


def _hdf5(path: Path, member: str) -> Vectors:
    opened = EmbeddingSet.open(path)
    read, shape = stored_blocks(path, member)
    ids = opened.train_ids if member == "train" else opened.test_ids
    return Vectors(path, *shape, read, (lambda: ids) if ids else None, opened.distance)


def choose(path: Path, what: str, fitting: list[str], asked: str | None, known: list[str]) -> str:
    """The column or tensor to read: the one `asked` for, of those `known`, or else the only one `fitting`.

    Raises:
        UserError: there is none, or several; or it holds no vectors.
    """
    if asked is not None and asked not in known:
        raise UserError(f"{path}: {unknown(what, asked, known)}")
    if asked is not None and asked not in fitting:
        raise UserError(f"{path}: {what} {asked} holds no vectors{'; ' if fitting else ''}{_those(what, fitting)}")
    if asked is None and len(fitting) != 1:
        several = f"{_those(what, fitting)}; choose with --column" if fitting else f"no {what} holds vectors"
        raise UserError(f"{path}: {several}")
    return asked or fitting[0]


def _those(what: str, names: list[str]) -> str:
    return f"{what}s of vectors: {', '.join(names)}" if names else ""


HDF5 = (".hdf5", ".h5")
#: Value type, and whether each row has a header of its own.
_RAW = {
    ".fbin": ("<f4", False),
    ".u8bin": ("u1", False),
    ".i8bin": ("i1", False),
    ".fvecs": ("<f4", True),
    ".bvecs": ("u1", True),
}
_TENSORS = ("F64", "F32", "F16", "BF16", "I8", "U8")
#: Endings of what :func:`open_vectors` reads.
ENDINGS = (".npy", ".parquet", ".safetensors", *_RAW, *HDF5)


def holds_vectors(given: str) -> bool:
    """Whether `given` is named as a file of vectors is, or is a folder of Parquet files."""
    return given.endswith(ENDINGS) or any(path_of(given).glob("*.parquet"))
