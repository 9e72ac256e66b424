"""Results as pandas frames, and frames' rows as results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from binbench.errors import UserError, unknown
from binbench.records.rows import Row, rows
from binbench.records.select import whole

if TYPE_CHECKING:
    from pandas import DataFrame


def stored(results_dir: Path, paths: Sequence[Path]) -> DataFrame:
    """The results at `paths`, below `results_dir`."""
    # Paths of a run are resolved; those of rows are relative to the folder.
    return frame_of(rows(results_dir.resolve(), None, paths), results_dir)


def frame_of(rows: Sequence[Row], results_dir: Path) -> DataFrame:
    """`rows` with the columns of docs/columns.md, their units and the results' folder in ``attrs``."""
    from pandas import DataFrame, Series

    from binbench.records.columns import COLUMNS

    types = {"text": "str", "integer": "Int64", "number": "float64", "boolean": "boolean", "json": "object"}
    frame = DataFrame(
        {name: Series([row[name] for row in rows], dtype=types[column.kind]) for name, column in COLUMNS.items()}
    )
    frame.attrs["units"] = {name: column.unit for name, column in COLUMNS.items() if column.unit}
    frame.attrs["results_dir"] = str(results_dir.resolve())
    return frame


def rows_of(frame: DataFrame) -> list[Row]:
    """The stored results that the frame's rows stand for."""
    if "file" not in frame or "results_dir" not in frame.attrs:
        raise UserError(
            "this frame does not say where its results are; keep the column file, and set "
            'frame.attrs["results_dir"] where pandas dropped it'
        )
    folder = Path(frame.attrs["results_dir"])
    return rows(folder, None, [folder / file for file in frame["file"]]) if len(frame) else []


def the_one(rows: Sequence[Row], name: str) -> Row:
    """The row of the method or instance `name`, in any mode, because figures do not depend on it."""
    from binbench.report.charts.base import one_mode

    rows = whole(rows)
    found = one_mode([row for row in rows if name in (row["method"], row["instance"])])
    places = {(row["set"], row["fingerprint"], row["documents"], row["k"]) for row in rows}
    if not found:
        raise unknown("method of the frame", name, {row["method"] for row in rows})
    if len(found) > 1 or len(places) > 1:
        held = ", ".join(sorted({f"{row['set']} {row['method']} k={row['k']} seed={row['seed']}" for row in rows}))
        raise UserError(
            f"compare needs one result of {name}, of one set, subset and k; choose from the frame's rows: {held}"
        )
    return found[0]
