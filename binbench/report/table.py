"""Results as tables: one per set, k, mode and threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from binbench.errors import UserError
from binbench.records.column import Column
from binbench.records.columns import column, interval
from binbench.records.machines import Machines, timed
from binbench.records.pairs import BASELINE, budgets
from binbench.records.record import Record
from binbench.records.rows import Row
from binbench.records.rows import rows as read_rows
from binbench.records.seeds import SeedsRow, pooled, ratio
from binbench.records.select import APART, filtered, groups, ordered
from binbench.report import render
from binbench.report.render import FORMATS, Format, Table
from binbench.report.values import shown

DEFAULT_COLUMNS = (
    "method",
    "bytes_per_vector",
    "total_mb",
    "recall@10",
    "ndcg@10",
    "retention",
    "queries_per_second",
    "build_seconds",
)
ISO_COLUMNS = ("bytes_per_vector", "method", "recall@10", "ndcg@10", "retention")


@dataclass(frozen=True)
class TableOptions:
    """What a table shows.

    Attributes:
        format: None for rich on a terminal and plain elsewhere.
        columns: names of columns; none for the usual ones.
        sort: names of columns, ``-`` before those that go down; none for the larger indexes first.
        filters: see :func:`binbench.records.select.filtered`.
        group_by: columns whose values get tables of their own.
        ci: show every figure's 95 % interval, not only retention's.
        wide: on a terminal, show all columns, also those that do not fit.
        iso_memory: only numbers of bytes per vector that several methods share, each compared with PQ.
        by_seed: a row for each seed, instead of one with the mean over the seeds of a method.
        documents: also project the memory of indexes over so many documents.
    """

    format: Format | None = None
    columns: Sequence[str] = ()
    sort: Sequence[str] = ()
    filters: Sequence[str] = ()
    group_by: Sequence[str] = ()
    ci: bool = False
    iso_memory: bool = False
    wide: bool = False
    by_seed: bool = False
    documents: int | None = None


@dataclass
class _Marks:
    """Notes shown once below a table and pointed to from its rows."""

    notes: list[str] = field(default_factory=list)

    def __call__(self, notes: Sequence[str]) -> str:
        self.notes += [note for note in notes if note not in self.notes]
        return "".join(f" [{self.notes.index(note) + 1}]" for note in notes)


def table(results_dir: Path, data_dir: Path | None = None, options: TableOptions | None = None) -> str:
    """The results below `results_dir` as text.

    Args:
        results_dir: root of the result files.
        data_dir: where their embedding sets live; see :func:`binbench.records.rows.rows`.
        options: what to show, and how.

    Raises:
        UserError: there are no results, none passes the filters, or a column or filter makes no sense.
    """
    options = options or TableOptions()
    if options.format and options.format not in FORMATS:
        raise UserError(f"unknown format {options.format!r}; there are {', '.join(FORMATS)}")
    chosen = [column(name) for text in options.columns for name in text.split(",")]
    rows = filtered(read_rows(results_dir, data_dir), options.filters)
    if not rows:
        raise UserError(f"no result passes {' and '.join(options.filters)}")
    rows = rows if options.by_seed else pooled(rows)
    rows = ordered(rows, options.sort or ["-bytes_per_vector", *(["method", "documents"] if _sizes(rows) else [])])
    group_by = [name for text in options.group_by for name in text.split(",")]
    # Subsets of a set's documents stand below one another, told apart by a column, and are compared in themselves only.
    apart = [*APART, "documents"] if options.iso_memory else APART
    parts = groups(ordered(rows, apart), [*apart, *group_by])
    shared = _shared_names(rows)
    if options.iso_memory:
        made = [_iso_memory(part, shared, chosen, options) for _, part in parts]
        tables = [one for one in made if one is not None]
        if not tables:
            raise UserError("no two methods take the same bytes per vector; run more of them")
    else:
        tables = [_table(part, shared, chosen, options, group_by) for _, part in parts]
    return render.render(tables, options.format or render.usual_format(), options.wide)


def show(records: Sequence[Record]) -> None:
    """Print tables of `records` on stdout, in the given order."""
    rows = [Row(record, str(record.path)) for record in records]
    shared = _shared_names(rows)
    tables = [_table(part, shared, [], TableOptions(), []) for _, part in groups(rows, APART)]
    render.show(tables)


def _sizes(rows: Sequence[Row]) -> list[int]:
    """The numbers of documents that `rows` of one set were measured on, smallest first; none where these do not differ.

    Where several sets are asked about, of any of them.
    """
    for _, part in groups(rows, ["set", "fingerprint"]):
        sizes = sorted({row["documents"] for row in part if row["documents"] is not None})
        if len(sizes) > 1:
            return sizes
    return []


def _shared_names(rows: Sequence[Row]) -> set[str]:
    """Names of sets that stand for different vectors here."""
    fingerprints: dict[str, set[str | None]] = {}
    for row in rows:
        fingerprints.setdefault(row["set"], set()).add(row["fingerprint"])
    return {name for name, found in fingerprints.items() if len(found - {None}) > 1}


def title(row: Row, rows: Sequence[Row], shared: set[str]) -> str:
    """What the rows of one table have in common."""
    parts = []
    if row["documents"] is not None:
        sizes, total = _sizes(rows) or [row["documents"]], row["set_documents"] or row["documents"]
        counted = ", ".join(f"{size:,}" for size in sizes) + f" of {total:,}" * (sizes != [total])
        parts.append(f"{counted} documents × {row['dimension']}, {row['queries']:,} queries")
    parts += [f"k = {row['k']}", str(row["mode"])]
    if row["threads"] is not None:
        parts.append(f"{row['threads']} thread{'s' if row['threads'] > 1 else ''}")
    if row["max_train"]:
        parts.append(f"learned from at most {row['max_train']:,}")
    seeds = {one["seed"] for one in rows if one["seed"] is not None}
    if len(seeds) == 1:
        parts.append(f"seed {seeds.pop()}")
    if row["set"] in shared:
        parts.append(f"vectors {row['fingerprint']}")
    if row["subset"] and row["documents"] == row["set_documents"]:
        parts.append("a subset of the corpus")
    if row["queries_in_train"]:
        parts.append(f"{row['queries_in_train']} queries occur among the documents")
    return f"{row['set']}: {', '.join(parts)}"


def _table(
    rows: Sequence[Row], shared: set[str], chosen: Sequence[Column], options: TableOptions, group_by: Sequence[str]
) -> Table:
    columns = list(chosen) or [column(name) for name in DEFAULT_COLUMNS]
    if not chosen and len({row["seed"] for row in rows} - {None}) > 1:
        columns.insert(1, column("seed"))
    if not chosen and _sizes(rows):
        columns.insert(1, column("documents"))
    first = next((row for row in rows if row["documents"] is not None), rows[0])
    heading = title(first, rows, shared) + "".join(f", {name} {column(name).show(first[name])}" for name in group_by)
    return _filled(heading, columns, rows, options, [])


def _iso_memory(rows: Sequence[Row], shared: set[str], chosen: Sequence[Column], options: TableOptions) -> Table | None:
    found = budgets(row.record for row in rows)
    if not found:
        return None
    columns = list(chosen) or [column(name) for name in ISO_COLUMNS]
    by_path = {row.record.path: row for row in rows}
    members = [by_path[record.path] for budget in found for record in budget.records]
    sections = [len(budget.records) for budget in found]
    made = _filled(f"{title(rows[0], rows, shared)}, equal bytes per vector", columns, members, options, sections)
    made.header.append(f"recall@10 ÷ {BASELINE}")
    made.right.append(True)
    bases = [
        None if budget.baseline is None else by_path[budget.baseline.path] for budget in found for _ in budget.records
    ]
    cells = [ratio(row, base, "recall@10") for row, base in zip(members, bases, strict=True)]
    for line, cell in zip(made.lines, cells, strict=True):
        line.append(shown(cell, ".2f"))
    return made


def _filled(
    heading: str, columns: Sequence[Column], rows: Sequence[Row], options: TableOptions, sections: Sequence[int]
) -> Table:
    marks = _Marks()
    named = {"method", "instance"} & {one.name for one in columns}
    machines = Machines.of(rows if any(map(timed, columns)) else ())
    lines = []
    for row in rows:
        line = [_cell(one, row, options.ci) + machines.beside(one, row) for one in columns]
        if named:
            place = next(i for i, one in enumerate(columns) if one.name in named)
            line[place] += marks(row["notes"])
        lines.append(line)
    header = [_header(one, rows) for one in columns]
    right = [one.kind in ("integer", "number") for one in columns]
    if any(row["status"] != "ok" for row in rows) and not {"status", "reason"} & {one.name for one in columns}:
        header.append("status")
        right.append(False)
        for line, row in zip(lines, rows, strict=True):
            line.append("ok" if row["status"] == "ok" else f"{row['status']}: {row['reason']}")
    notes = [*(f"[{i}] {note}" for i, note in enumerate(marks.notes, 1)), *filter(None, [machines.note])]
    made = Table(heading, header, right, lines, notes, list(sections))
    if options.documents is not None:
        _project(made, rows, options.documents)
    return made


def _project(made: Table, rows: Sequence[Row], documents: int) -> None:
    """Add what the index of each row would take over `documents` documents, behind what it takes over its own."""
    held = [(row["bytes_per_vector"], row["shared_bytes"]) for row in rows]
    cells = ["–" if size is None else f"{(documents * size + shared) / 1e9:,.4g}" for size, shared in held]
    totals = [i for i, name in enumerate(made.header) if name == column("total_mb").label]
    place = totals[0] + 1 if totals else len(made.header)
    for line, cell in zip([made.header, *made.lines], [f"GB at {documents:,}\ndocuments", *cells], strict=True):
        line.insert(place, cell)
    made.right.insert(place, True)
    made.notes.append(
        f"GB at {documents:,} documents: as many times bytes/vector, and what is held once. The other figures are of "
        "the documents measured: recall falls as a corpus grows"
    )


def _header(one: Column, rows: Sequence[Row]) -> str:
    label = f"{one.label} [95 % CI]" if one.name == "retention" else one.axis.replace(" (", "\n(")
    if one.name != "queries_per_second":
        return label
    # A rate means nothing without what it was measured with.
    queries = next((row["queries"] for row in rows if row["queries"] is not None), None)
    threads = next((row["threads"] for row in rows if row["threads"] is not None), None)
    return f"{label}\n(Q={queries}, {rows[0]['mode']}, {threads} thr.)"


def _cell(one: Column, row: Row, ci: bool) -> str:
    value = row[one.name]
    shown = one.show(value)
    if value is not None and isinstance(row, SeedsRow) and (spread := row.spread(one.name)) is not None:
        shown += f" ± {one.show(spread)}"
    limits = interval(row, one.name) if ci or one.name == "retention" else None
    if value is None or limits is None:
        return shown
    return f"{shown} [{', '.join(one.show(limit).rstrip('%') for limit in limits)}]"
