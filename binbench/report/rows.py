"""Tidy rows from result files: one per (set, instance, query arguments, seed, mode, k), kept in one index file."""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from binbench._version import __version__
from binbench.errors import UserError
from binbench.files import atomic
from binbench.harness.evaluation import EVALUATION_SCHEMA, Comparison, compare_results, evaluate, kept_figures
from binbench.harness.results import Result
from binbench.report.columns import CI_HIGH, CI_LOW, COLUMNS, ROW_SCHEMA, Row, Source
from binbench.report.reproduce import reproduce
from binbench.report.sets import Sets

logger = logging.getLogger("binbench")

#: Below the results folder; opening a thousand HDF5 files takes seconds, reading this a fraction of one.
INDEX = ".rows.json"
RETENTION = "ndcg@10"


@dataclass
class _Entry:
    """A row with what it was made from: stamps of its result file, of its set, and of the float result."""

    row: Row
    stamp: str
    set_stamp: str
    reference: str = ""


def collect(results_dir: Path, sets: Sets, paths: Iterable[Path] | None = None) -> list[Row]:
    """The rows of the results below `results_dir`, or of those at `paths`, in that order.

    What was computed before is taken from the folder's index. Figures of results whose set is absent come from there or
    from beside the result; where they are nowhere, they are None. A file that cannot be read becomes a row with the
    status ``unreadable``.

    Raises:
        UserError: there are no results.
    """
    found = list(_files(results_dir)) if paths is None else [str(path.relative_to(results_dir)) for path in paths]
    if not found:
        raise UserError(f"no results below {results_dir}; `binbench run` makes some, --results-dir names their folder")
    index = _Index(results_dir)
    entries = [_entry(results_dir, file, index, sets) for file in found]
    _add_retention(results_dir, entries, _reference_candidates(results_dir, found, entries, index, sets), index, sets)
    if paths is None:
        index.drop_all_but(found)
    index.save()
    return [entry.row for entry in entries]


def compare_rows(results_dir: Path, sets: Sets, a: Row, b: Row, measure: str) -> Comparison | None:
    """Row `a` against row `b`, paired by query; None where their set is absent or the measure does not apply."""
    embeddings = sets.get(a["set"])
    if embeddings is None or a.get(measure) is None or b.get(measure) is None:
        return None
    try:
        ours, theirs = (_open(results_dir / row["file"]) for row in (a, b))
        return compare_results(ours, theirs, measure, embeddings)
    except UserError as error:
        logger.debug("%s", error)
        return None


class _Index:
    """Entries by file, in one JSON file below the results folder; a broken or older one counts as empty."""

    def __init__(self, results_dir: Path) -> None:
        self._path = results_dir / INDEX
        self._changed = False
        self.entries: dict[str, _Entry] = {}
        try:
            stored = json.loads(self._path.read_text())
            if stored["schema"] == _schema():
                self.entries = {file: _Entry(**entry) for file, entry in stored["entries"].items()}
        except (OSError, ValueError, KeyError, TypeError):
            pass

    def put(self, file: str, entry: _Entry) -> None:
        self.entries[file] = entry
        self._changed = True

    def touch(self) -> None:
        self._changed = True

    def drop_all_but(self, files: Sequence[str]) -> None:
        kept = set(files)
        gone = [file for file in self.entries if file not in kept]
        for file in gone:
            del self.entries[file]
        self._changed |= bool(gone)

    def save(self) -> None:
        if not self._changed:
            return
        content = {"schema": _schema(), "entries": {file: vars(entry) for file, entry in self.entries.items()}}
        try:
            with atomic(self._path) as temporary:
                temporary.write_text(json.dumps(content))
        except UserError as error:
            logger.debug("rows are not kept: %s", error)


def _schema() -> str:
    facts = [ROW_SCHEMA, EVALUATION_SCHEMA, __version__, *COLUMNS]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


def _files(results_dir: Path) -> Iterator[str]:
    """Result files below `results_dir`, by path; os.walk is several times faster than rglob and sort on paths."""
    names = [
        os.path.join(folder, name)
        for folder, _, files in os.walk(results_dir)
        for name in files
        if name.endswith(".hdf5") and not name.startswith(".")
    ]
    yield from (os.path.relpath(name, results_dir) for name in sorted(names, key=_by_number))


def _by_number(path: str) -> list[Any]:
    """Sort key that puts pq8 before pq16."""
    digits = "".join(c if c.isdigit() else " " for c in path).split()
    letters = "".join(" " if c.isdigit() else c for c in path).split()
    return [part for pair in zip(letters, [*map(int, digits), 0], strict=False) for part in pair]


def _entry(results_dir: Path, file: str, index: _Index, sets: Sets) -> _Entry:
    try:
        status = (results_dir / file).stat()
    except OSError as error:
        raise UserError(f"{results_dir / file} cannot be read: {error.strerror}") from error
    stamp = f"{status.st_mtime_ns}:{status.st_size}"
    kept = index.entries.get(file)
    if kept and kept.stamp == stamp and sets.stamp(kept.row["set"]) in ("", kept.set_stamp):
        return kept
    row = _row(results_dir, file, sets)
    entry = _Entry(row, stamp, sets.stamp(row["set"]))
    index.put(file, entry)
    return entry


def _open(path: Path) -> Result:
    """The result at `path`; reading its attributes takes longest, and a comparison needs them again."""
    return Result(path, _attributes(path, path.stat().st_mtime_ns))


@lru_cache(maxsize=4096)
def _attributes(path: Path, mtime: int) -> dict[str, Any]:
    return Result.open(path).attributes


def _row(results_dir: Path, file: str, sets: Sets) -> Row:
    try:
        result = _open(results_dir / file)
        name = result["dataset"]
    except (UserError, KeyError, ValueError) as error:
        return _unreadable(file, str(error))
    embeddings = sets.get(name)
    notes: list[str] = list(result.attributes.get("facts", {}).get("notes", []))
    figures = None
    if embeddings and embeddings.fingerprint != result.attributes.get("set_fingerprint"):
        embeddings = None
        notes.append(f"measured on other vectors than {name} holds now")
    if result.status == "ok":
        figures = evaluate(result, embeddings) if embeddings else kept_figures(result)
        if figures is None:
            notes.append("no figures: its embedding set is not at hand")
    source = Source(
        result.attributes,
        embeddings.attributes if embeddings else {},
        (len(embeddings.train), *embeddings.test.shape) if embeddings else None,
        figures,
        {"file": file, "reproduce": reproduce(result.attributes, embeddings.attributes if embeddings else {})},
    )
    row = {name: _plain(column.get(source)) for name, column in COLUMNS.items()}
    return row | {"notes": notes}


def _unreadable(file: str, reason: str) -> Row:
    """A row that says so, with what the path tells."""
    parts = Path(file).parts
    family = parts[-2].removesuffix("-batch") if len(parts) > 1 else ""
    known: Row = {
        "set": parts[0],
        "family": family,
        "instance": Path(file).stem.split("_")[0],
        "method": Path(file).stem,
        "k": int(parts[1]) if len(parts) > 2 and parts[1].isdigit() else None,
        "mode": "batch" if len(parts) > 1 and parts[-2].endswith("-batch") else "single",
        "status": "unreadable",
        "reason": reason,
        "notes": [],
        "file": file,
    }
    return dict.fromkeys(COLUMNS) | known


def _plain(value: Any) -> Any:
    """`value` as JSON can hold it: infinity and NaN are no figures."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _reference_candidates(
    results_dir: Path, found: Sequence[str], entries: Sequence[_Entry], index: _Index, sets: Sets
) -> list[_Entry]:
    """Float results: those among `entries`, and those beside them that were not asked for."""
    groups = {tuple(Path(file).parts[:2]) for file in found if len(Path(file).parts) > 2}
    beside = {
        str(path.relative_to(results_dir))
        for group in groups
        for folder in ("float-batch", "float")
        for path in results_dir.joinpath(*group, folder).glob("float_*.hdf5")
    }
    more = [_entry(results_dir, file, index, sets) for file in sorted(beside - set(found))]
    return [e for e in [*entries, *more] if e.row["instance"] == "float" and e.row["status"] == "ok"]


def _add_retention(
    results_dir: Path, entries: Sequence[_Entry], references: Sequence[_Entry], index: _Index, sets: Sets
) -> None:
    by_group: dict[tuple[Any, ...], _Entry] = {}
    for entry in references:
        by_group.setdefault(_comparable(entry.row), entry)
    for entry in entries:
        reference = by_group.get(_comparable(entry.row))
        if entry.row["status"] != "ok":
            continue
        key = f"{reference.row['file']}:{reference.stamp}" if reference else ""
        if entry.reference != key:
            entry.row |= _retention(results_dir, entry.row, reference.row if reference else None, sets)
            entry.reference = key
            index.touch()


def _comparable(row: Row) -> tuple[Any, ...]:
    """Results with equal values answer the same question; float answers alike in either mode and with any seed."""
    return row["set"], row["fingerprint"], row["k"]


def _retention(results_dir: Path, row: Row, reference: Row | None, sets: Sets) -> Row:
    names = ("retention", f"retention{CI_LOW}", f"retention{CI_HIGH}", "retention_p_value")
    none: Row = dict.fromkeys(names)
    if reference is None or row[RETENTION] is None or not reference[RETENTION]:
        return none
    found = compare_rows(results_dir, sets, row, reference, RETENTION)
    if found is None:
        return none | {"retention": row[RETENTION] / reference[RETENTION]}
    return dict(zip(names, map(_plain, (*found.ratio, found.p_value)), strict=True))
