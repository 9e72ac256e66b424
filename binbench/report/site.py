"""A static site of results: an overview, a page per set and per method; readable from ``file://``, nothing remote."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from binbench._version import __version__
from binbench.errors import UserError
from binbench.files import atomic
from binbench.plugins.registry import ALGORITHMS
from binbench.records.column import Column
from binbench.records.columns import CI_HIGH, CI_LOW, COLUMNS, interval
from binbench.records.rows import Row
from binbench.records.rows import rows as read_rows
from binbench.records.select import filtered, groups, ordered, whole
from binbench.report.export import write_csv, write_jsonl
from binbench.report.style import Look, distinct, looks

#: Columns of the tables; the chart and the details offer all figures.
SHOWN = ("bytes_per_vector", "index_bytes", "recall@10", "ndcg@10", "retention", "queries_per_second", "build_seconds")
#: Conditions without which a rate means nothing.
CONDITIONS = ("mode", "threads", "queries", "documents", "k", "max_train", "seed")
_FIGURES = [
    column
    for column in COLUMNS.values()
    if column.kind in ("integer", "number")
    and column.group in ("quality", "memory", "speed")
    and not column.name.endswith((CI_LOW, CI_HIGH))
]
#: What the overview asks of each set: a figure, and how much of it one wants to keep.
GOALS = (("retention", 0.95), ("recall@10", 0.9), ("recall@10", 0.7))


@dataclass(frozen=True)
class Page:
    """A page of rows that have their set or their method in common.

    Attributes:
        kind: ``set`` or ``method``.
        name: of the set or the family; names the file too.
        rows: what it shows.
        by: the column whose values are told apart by colour and filtered by.
        summary: one line; empty for none.
        facts: label → text.
    """

    kind: str
    name: str
    rows: list[Row]
    by: str
    summary: str
    facts: dict[str, str]

    @property
    def href(self) -> str:
        """Its address below the site's root."""
        return f"{self.kind}s/{quote(self.name)}.html"


def site(output: Path, results_dir: Path, data_dir: Path | None = None, *, filters: Sequence[str] = ()) -> list[Path]:
    """Write the site of the results below `results_dir` into the folder `output`.

    Args:
        output: made where it does not exist; files of an earlier site are replaced.
        results_dir: root of the result files.
        data_dir: where the embedding sets live; see :func:`binbench.records.rows.rows`.
        filters: see :func:`binbench.records.select.filtered`.

    Returns:
        The pages, the overview first.

    Raises:
        UserError: no results, none that passes the filters, or a folder that cannot be written.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    rows = filtered(read_rows(results_dir, data_dir), filters)
    if not rows:
        raise UserError(f"no result passes {' and '.join(filters)}")
    # Subsets of a set are no rivals of the whole; who wants to see them says so by a filter.
    rows = ordered(whole(rows), ["set", "-bytes_per_vector"])
    sets, methods = _set_pages(rows), _method_pages(rows)
    environment = Environment(
        loader=PackageLoader("binbench.report", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"version": __version__, "COLUMNS": COLUMNS, "interval": interval, "cell": _cell}
    written = []

    def write(template: str, href: str, **context: Any) -> None:
        path = output / href
        depth = href.count("/")
        with atomic(path) as temporary:
            text = environment.get_template(template).render(root="../" * depth, sets=sets, methods=methods, **context)
            temporary.write_text(text, encoding="utf-8")
        written.append(path)

    write("overview.html", "index.html", goals=_goals(sets), problems=_problems(rows), dates=_dates(rows))
    for page in sets + methods:
        path = f"{page.kind}s/{page.name}.html"
        write("page.html", path, page=page, data=_data(page), shown=_shown(page), dates=_dates(page.rows))
        _downloads(output / "data" / f"{page.kind}s", page.name, page.rows)
    _downloads(output / "data", "results", rows)
    _assets(output / "assets")
    return written


def _set_pages(rows: Sequence[Row]) -> list[Page]:
    pages = []
    prints = {name: len({row["fingerprint"] for row in part} - {None}) for (name,), part in groups(rows, ["set"])}
    for (name, fingerprint, documents), part in groups(rows, ["set", "fingerprint", "documents"]):
        known = next((row for row in part if row["documents"] is not None), part[0])
        facts = {
            label: COLUMNS[column].show(known[column])
            for label, column in (
                ("dataset", "dataset"),
                ("split", "split"),
                ("encoder", "encoder"),
                ("distance", "distance"),
                ("documents", "documents"),
                ("dimension", "dimension"),
                ("queries", "queries"),
                ("subset of the corpus", "subset"),
                ("queries among the documents", "queries_in_train"),
                ("fingerprint of the vectors", "fingerprint"),
            )
            if known[column] not in (None, "")
        }
        # Other vectors under the same name are another set.
        title = f"{name}-{fingerprint}" if prints[name] > 1 else name
        title += f"-{documents}" if known.record.is_subset else ""
        pages.append(Page("set", title, part, "family", "", facts))
    return pages


def _method_pages(rows: Sequence[Row]) -> list[Page]:
    summaries = {family.name: family.summary.replace("`", "") for family in ALGORITHMS.families()}
    return [
        Page("method", family, part, "set", summaries.get(family, ""), {})
        for (family,), part in groups(ordered(rows, ["family"]), ["family"])
    ]


def _goals(pages: Iterable[Page]) -> dict[str, list[Row | None]]:
    """For each set, the row with the fewest bytes per vector that reaches each of :data:`GOALS`."""
    found: dict[str, list[Row | None]] = {}
    for page in pages:
        found[page.name] = []
        for name, least in GOALS:
            reached = [row for row in page.rows if (row[name] or 0) >= least and row["bytes_per_vector"] is not None]
            found[page.name].append(
                min(reached, key=lambda row: (row["bytes_per_vector"], -row["recall@10"]), default=None)
            )
    return found


def _problems(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["status"] != "ok"]


def _dates(rows: Iterable[Row]) -> str:
    days = sorted({row["date"][:10] for row in rows if row["date"]})
    return " to ".join(dict.fromkeys([days[0], days[-1]])) if days else ""


def _shown(page: Page) -> list[Column]:
    conditions = [name for name in CONDITIONS if name in ("mode", "threads", "queries") or _varies(page.rows, name)]
    lead = ["method"] if page.kind == "set" else ["set", "method"]
    return [COLUMNS[name] for name in [*lead, *SHOWN[:-1], *conditions, SHOWN[-1], "status"]]


def _varies(rows: Iterable[Row], name: str) -> bool:
    return len({row[name] for row in rows}) > 1


def _cell(column: Column, row: Row) -> str:
    shown = column.show(row[column.name])
    limits = interval(row, column.name) if column.name == "retention" else None
    return f"{shown} [{', '.join(column.show(limit).rstrip('%') for limit in limits)}]" if limits else shown


def _data(page: Page) -> dict[str, Any]:
    """What the page's script draws from, column by column; six digits are more than any chart shows."""
    answered = [row["status"] == "ok" for row in page.rows]
    figures = [one for one in _FIGURES if any(row[one.name] is not None for row in page.rows)]
    with_ci = [one.name for one in figures if any(interval(row, one.name) for row in page.rows)]
    names = [one.name for one in figures] + [name + end for name in with_ci for end in (CI_LOW, CI_HIGH)]
    values: dict[str, list[Any]] = {name: [_short(row[name]) for row in page.rows] for name in names}
    texts = ("method", "instance", "set", "family", "status", "reproduce", "date", *CONDITIONS)
    values |= {name: [row[name] for row in page.rows] for name in texts}
    made = looks if page.by == "family" else distinct
    return {
        "by": page.by,
        "figures": [
            {"name": one.name, "label": one.label, "axis": one.axis, "better": one.better, "group": one.group}
            for one in figures
        ],
        "values": values,
        "notes": ["; ".join(row["notes"]) for row in page.rows],
        "filters": [name for name in CONDITIONS if _varies(page.rows, name)],
        "looks": _as_json(made(row[page.by] for row in page.rows)),
        "drawable": answered,
    }


def _short(value: float | int | None) -> float | int | None:
    return value if value is None or isinstance(value, int) else float(f"{value:.6g}")


def _as_json(found: Mapping[str, Look]) -> dict[str, dict[str, str]]:
    return {name: {"colour": look.colour, "symbol": look.symbol} for name, look in found.items()}


def _downloads(folder: Path, name: str, rows: Sequence[Row]) -> None:
    write_csv(rows, folder / f"{name}.csv")
    write_jsonl(rows, folder / f"{name}.jsonl")


def _assets(folder: Path) -> None:
    from importlib.resources import files

    from plotly.offline import get_plotlyjs

    pages = files("binbench.report").joinpath("pages")
    for name, text in (
        ("plotly.min.js", get_plotlyjs()),
        *((name, pages.joinpath(name).read_text(encoding="utf-8")) for name in ("site.css", "site.js")),
    ):
        with atomic(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
