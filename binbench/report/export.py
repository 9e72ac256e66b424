"""Rows as files for other programs: CSV, JSON Lines, Parquet, and TREC runs."""

from __future__ import annotations

import csv
import json
import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.files import atomic, file_in
from binbench.records.column import Column
from binbench.records.columns import COLUMNS
from binbench.records.rows import Row
from binbench.records.rows import rows as read_rows
from binbench.records.select import filtered
from binbench.records.store import REMEDY, member
from binbench.sets.embeddings import EmbeddingSet
from binbench.texts import file_name

logger = logging.getLogger("binbench")

Format = Literal["csv", "jsonl", "parquet", "trec"]
FORMATS: tuple[Format, ...] = ("csv", "jsonl", "parquet", "trec")


def export(
    results_dir: Path,
    output: Path,
    to: Format = "csv",
    data_dir: Path | None = None,
    *,
    filters: Sequence[str] = (),
) -> list[Path]:
    """Write the results below `results_dir`, every column of :data:`binbench.records.columns.COLUMNS`.

    Args:
        results_dir: root of the result files.
        output: the file to write; for ``trec`` a folder.
        to: the format.
        data_dir: where the embedding sets live, for the ids in TREC files; see :func:`binbench.records.rows.rows`.
        filters: see :func:`binbench.records.select.filtered`.

    Returns:
        The files written.

    Raises:
        UserError: no results, none that passes the filters, or for ``trec`` no set at hand.
    """
    rows = filtered(read_rows(results_dir, data_dir), filters)
    if not rows:
        raise UserError(f"no result passes {' and '.join(filters)}")
    if to == "trec":
        return write_trec(rows, output, data_dir)
    WRITERS[to](rows, output)
    return [output]


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """One line per row; missing values are empty, lists and mappings JSON."""
    with atomic(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows([_text(column, row[name]) for name, column in COLUMNS.items()] for row in rows)


def write_jsonl(rows: Sequence[Row], path: Path) -> None:
    """One object per line; missing values are null."""
    with atomic(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(dict(row), ensure_ascii=False) + "\n" for row in rows)


def write_parquet(rows: Sequence[Row], path: Path) -> None:
    """Typed columns with their descriptions; missing values are null, lists and mappings JSON text."""
    import pyarrow
    from pyarrow.parquet import write_table

    types = {
        "text": pyarrow.string(),
        "integer": pyarrow.int64(),
        "number": pyarrow.float64(),
        "boolean": pyarrow.bool_(),
        "json": pyarrow.string(),
    }
    fields = [
        pyarrow.field(name, types[column.kind], metadata={"description": column.description, "unit": column.unit})
        for name, column in COLUMNS.items()
    ]
    arrays = [
        pyarrow.array([_json_as_text(column, row[name]) for row in rows], field.type)
        for (name, column), field in zip(COLUMNS.items(), fields, strict=True)
    ]
    with atomic(path) as temporary:
        write_table(pyarrow.Table.from_arrays(arrays, schema=pyarrow.schema(fields)), temporary)


def write_trec(rows: Sequence[Row], folder: Path, data_dir: Path | None) -> list[Path]:
    """A run per result with answers, and the judgements if there are any, in a folder per set or subset of one.

    Results whose set is not at hand, or no longer the one they were measured on, are left out with a warning.

    Raises:
        UserError: no result could be written.
    """
    from binbench.harness.answers import subset_of
    from binbench.measures.relevance import in_trec_order
    from binbench.report.trec import write_qrels, write_run

    written: list[Path] = []
    sets: dict[str, EmbeddingSet | None] = {}
    for row in rows:
        if row["status"] != "ok":
            continue
        if row["set"] not in sets:
            found = file_in(data_dir, f"{row['set']}.hdf5")
            sets[row["set"]] = EmbeddingSet.open(found) if found else None
        embeddings = sets[row["set"]]
        if embeddings is None or embeddings.fingerprint != row["fingerprint"]:
            logger.warning("%s: its embedding set %s is not at hand; no TREC run", row["file"], row["set"])
            continue
        place, qrels = folder / file_name(row["set"]), embeddings.qrels
        if subset := subset_of(row.record, embeddings):
            place, qrels = place / f"documents={subset.documents}", subset.qrels
        queries = embeddings.test_ids or [f"q{i}" for i in range(len(embeddings.test))]
        documents = embeddings.train_ids or [f"d{i}" for i in range(len(embeddings.train))]
        unusual = {"threads": row["threads"] if row["threads"] > 1 else None, "max_train": row["max_train"]}
        told = "".join(f"_{name}={value}" for name, value in unusual.items() if value is not None)
        tag = re.sub(r"\s+", "_", f"{row['method']}_seed={row.record.stored_seed}{told}_{row['mode']}")
        path = place / f"k{row['k']}" / f"{file_name(tag)}.run"
        try:
            ids, distances = _ranked(row, len(queries), len(documents))
        except UserError as error:
            logger.error("%s", error)
            continue
        write_run(path, in_trec_order(ids, distances, documents), queries, documents, tag)
        written.append(path)
        if qrels is not None and place / "qrels" not in written:
            write_qrels(place / "qrels", qrels, queries, documents)
            written.append(place / "qrels")
    if not written:
        raise UserError("no TREC run written: no result is ok and has its embedding set at hand; see --data-dir")
    return written


def _ranked(row: Row, queries: int, documents: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """A result's ids and distances, (queries, k) each.

    Raises:
        UserError: it is damaged.
    """
    path = row.record.path
    ids, distances = (member(path, name, (queries, row["k"])) for name in ("neighbors", "distances"))
    if ids is None or distances is None or ids.min() < -1 or ids.max() >= documents:
        raise UserError(f"{path} is damaged: it names documents that its set does not have; {REMEDY}")
    return ids, distances


WRITERS: dict[str, Callable[[Sequence[Row], Path], None]] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "parquet": write_parquet,
}


def _json_as_text(column: Column, value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if column.kind == "json" and value is not None else value


def _text(column: Column, value: Any) -> Any:
    if column.kind == "boolean" and value is not None:
        return "true" if value else "false"
    return _json_as_text(column, value)
