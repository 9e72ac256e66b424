"""Vectors in a column of a Parquet file, or of a folder of such files, read in blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.sets.vector_files import Vectors, choose

if TYPE_CHECKING:
    import pyarrow

#: Rows read at once: fewer than elsewhere, for what pyarrow needs to unpack them is several times as large.
BATCH_ROWS = 2048
#: Columns that are taken for ids, the first that there is; upper case is the same.
_IDS = re.compile(r"_?id|(doc|document|corpus|query|row|item)[_-]?id|uuid|key", re.IGNORECASE)


def parquet_files(path: Path) -> list[Path]:
    """`path`, or the Parquet files in the folder `path` by name."""
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


def open_parquet(path: Path, column: str | None) -> Vectors:
    """The vectors in `column`, None for the only one that holds lists of numbers; shards follow each other by name.

    Raises:
        UserError: a file is damaged or lacks the column, or its vectors have another dimension.
    """
    files = parquet_files(path)
    if not files:
        raise UserError(f"{path} holds no .parquet files")
    schemas = [_schema(file) for file in files]
    names = schemas[0][0].names
    fitting = [field.name for field in schemas[0][0] if _is_vector(field.type)]
    column = choose(files[0], "column", fitting, column, names)
    id_column = next((field.name for field in schemas[0][0] if _is_id(field)), None)
    wanted = [column, *([id_column] if id_column else [])]
    for file, (schema, _) in zip(files, schemas, strict=True):
        for name in wanted:
            if name not in schema.names:
                raise UserError(f"{file} has no column {name}, which {files[0].name} has")
        if not _is_vector(schema.field(column).type):
            raise UserError(f"{file}: column {column} holds no vectors, as it does in {files[0].name}")
    count = sum(rows for _, rows in schemas)
    first = next((block for file in files for block in _lists(file, column, rows=1)), np.empty((0, 0)))

    def read() -> Iterator[NDArray[Any]]:
        for file in files:
            yield from _lists(file, column, first.shape[1])

    def ids() -> list[str]:
        found: list[str] = []
        for file in files:
            for batch in _batches(file, id_column or ""):
                if batch.null_count:
                    raise UserError(f"{file}: a value of the id column {id_column} is null")
                found += map(str, batch.to_pylist())
        return found

    return Vectors(path, count, first.shape[1], read, ids if id_column else None)


def _schema(file: Path) -> tuple[pyarrow.Schema, int]:
    import pyarrow.parquet

    with reading(file):
        metadata = pyarrow.parquet.read_metadata(file)
        return metadata.schema.to_arrow_schema(), metadata.num_rows


def _is_vector(kind: pyarrow.DataType) -> bool:
    from pyarrow import types

    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return is_list and (
        types.is_floating(kind.value_type) or types.is_int8(kind.value_type) or types.is_uint8(kind.value_type)
    )


def _is_id(field: pyarrow.Field) -> bool:
    from pyarrow import types

    texts = types.is_string, types.is_large_string, types.is_integer
    return bool(_IDS.fullmatch(field.name)) and any(fits(field.type) for fits in texts)


def _batches(file: Path, column: str, rows: int = 0) -> Iterator[pyarrow.Array]:
    import pyarrow.parquet

    # Buffered, so that a column chunk, which may be all of the file, is not read at once.
    with reading(file), pyarrow.parquet.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False) as opened:
        for batch in opened.iter_batches(batch_size=rows or BATCH_ROWS, columns=[column], use_threads=False):
            yield batch.column(0)


def _lists(file: Path, column: str, dimension: int | None = None, rows: int = 0) -> Iterator[NDArray[Any]]:
    """Blocks of (n, `dimension`) from one file, of so many `rows`, 0 for as many as everywhere.

    A `dimension` of None is that of its first row.
    """
    start = 0
    for batch in _batches(file, column, rows):
        lengths = batch.value_lengths().fill_null(-1).to_numpy(zero_copy_only=False)
        if dimension is None:
            dimension = max(0, int(lengths[0]))
        if (wrong := np.flatnonzero(lengths != dimension)).size:
            has = lengths[wrong[0]]
            problem = f"has dimension {has}, not {dimension}" if has >= 0 else "is null"
            raise UserError(f"{file}: row {start + wrong[0]} of column {column} {problem}")
        yield batch.flatten().to_numpy(zero_copy_only=False).reshape(len(batch), dimension)
        start += len(batch)


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """What pyarrow refuses while `file` is read, in one line."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise UserError(f"{file} is not a readable Parquet file: {reason}") from error
