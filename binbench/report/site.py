"""A static site of results: an overview, a page per set and per method; readable from ``file://``, nothing remote."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from binbench._version import __version__
from binbench.errors import UserError
from binbench.files import atomic
from binbench.plugins.registry import ALGORITHMS
from binbench.records.column import Column
from binbench.records.columns import CI_HIGH, CI_LOW, COLUMNS, interval
from binbench.records.machines import Machines, timed
from binbench.records.rows import Row
from binbench.records.rows import rows as read_rows
from binbench.records.select import filtered, groups, ordered, whole
from binbench.report.charts.registry import charts
from binbench.report.export import write_csv, write_jsonl
from binbench.report.leaderboard import findings, goals, standings, within
from binbench.report.plot import save
from binbench.report.style import Look, distinct, looks
from binbench.texts import file_name

#: Columns of the tables; the chart and the details offer all figures.
SHOWN = ("bytes_per_vector", "index_bytes", "recall@10", "ndcg@10", "retention", "queries_per_second", "build_seconds")
#: Those of them that a narrow screen shows; a press on the method shows all.
NARROW = ("set", "method", "bytes_per_vector", "recall@10")
#: Conditions without which a rate means nothing.
CONDITIONS = ("mode", "threads", "queries", "documents", "k", "max_train", "seed")
#: Those of them of which a page shows one value at a time: what they tell apart is never in one chart or frontier.
APART = ("mode", "threads", "k", "max_train")
_FIGURES = [
    column
    for column in COLUMNS.values()
    if column.kind in ("integer", "number")
    and column.group in ("quality", "memory", "speed")
    and not column.name.endswith((CI_LOW, CI_HIGH))
]


@dataclass(frozen=True)
class Page:
    """A page of rows that have their set or their method in common.

    Attributes:
        kind: ``set`` or ``method``.
        name: of the set or the family.
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
    def file(self) -> str:
        """What its files are called, without folder and ending."""
        return file_name(self.name)

    @property
    def href(self) -> str:
        """Its address below the site's root."""
        return f"{self.kind}s/{quote(self.file)}.html"


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
    environment.globals |= {"version": __version__, "COLUMNS": COLUMNS, "interval": interval}
    written = []

    def write(template: str, href: str, **context: Any) -> None:
        path = output / href
        depth = href.count("/")
        with atomic(path) as temporary:
            text = environment.get_template(template).render(root="../" * depth, sets=sets, methods=methods, **context)
            temporary.write_text(text, encoding="utf-8")
        written.append(path)

    by_set = {page.name: page.rows for page in sets}
    boards = within(standings(by_set))
    write(
        "overview.html",
        "index.html",
        goals={name: goals(part) for name, part in by_set.items()},
        findings=findings(by_set, boards),
        picture=_picture(rows, output / "assets" / "picture.svg"),
        problems=_problems(rows),
        dates=_dates(rows),
    )
    places = {page.name: page.href for page in methods}
    write("leaderboard.html", "leaderboard.html", boards=boards, places=places, dates=_dates(rows))
    write("measured.html", "measured.html", facts=_measured(rows), measures=_measures(rows), dates=_dates(rows))
    for page in sets + methods:
        path, machines = f"{page.kind}s/{page.file}.html", Machines.of(page.rows)
        write(
            "page.html",
            path,
            page=page,
            data=_data(page, machines),
            shown=_shown(page),
            narrow=NARROW,
            apart=_told(page.rows, APART),
            cell=partial(_cell, machines),
            machines=machines,
            dates=_dates(page.rows),
        )
        _downloads(output / "data" / f"{page.kind}s", page.file, page.rows)
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


def _picture(rows: Sequence[Row], path: Path) -> str:
    """Draw the first picture that a stranger sees; what it shows, in words, or nothing where there is nothing."""
    answered = [row for row in rows if row["status"] == "ok"]
    for kind in ("sets", "recall-bytes"):
        for _, part in charts()[kind].parts(answered):
            if (figure := charts()[kind](part)) is not None:
                save(figure, path, "svg")
                return charts()[kind].summary.partition(",")[0].rstrip(".")
    return ""


def _measured(rows: Sequence[Row]) -> dict[str, str]:
    """Under which conditions: label → values."""
    names = ("binbench_version", "git", "cpu", "cores", "os", "python_version", "mode", "threads", "k", "runs", "seed")
    found = {}
    for name in names:
        values = [part[0][name] for _, part in groups(rows, [name]) if part[0][name] is not None]
        if values:
            found[COLUMNS[name].label] = ", ".join(COLUMNS[name].show(value) for value in values[:6])
    return found


def _measures(rows: Sequence[Row]) -> list[Column]:
    """The figures that any row has, whose definitions a reader may want."""
    return [one for one in _FIGURES if any(row[one.name] is not None for row in rows)]


def _problems(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["status"] != "ok"]


def _dates(rows: Iterable[Row]) -> str:
    days = sorted({row["date"][:10] for row in rows if row["date"]})
    return " to ".join(dict.fromkeys([days[0], days[-1]])) if days else ""


def _shown(page: Page) -> list[Column]:
    """What every table shows, and conditions that vary: it fits between the page's edges."""
    lead = ["method"] if page.kind == "set" else ["set", "method"]
    return [COLUMNS[name] for name in [*lead, *SHOWN, *_told(page.rows, ["seed"])]]


def _told(rows: Sequence[Row], names: Collection[str]) -> list[str]:
    """Those conditions among `names` in which `rows` differ."""
    return [name for name in CONDITIONS if name in names and _varies(rows, name)]


def _varies(rows: Iterable[Row], name: str) -> bool:
    # A method without a seed stands beside those of every seed.
    return len({row[name] for row in rows} - ({None} if name == "seed" else set())) > 1


def _cell(machines: Machines, column: Column, row: Row) -> str:
    shown = column.show(row[column.name]) + machines.beside(column, row)
    limits = interval(row, column.name) if column.name == "retention" else None
    return f"{shown} [{', '.join(column.show(limit).rstrip('%') for limit in limits)}]" if limits else shown


def _data(page: Page, machines: Machines) -> dict[str, Any]:
    """What the page's script draws from, column by column; six digits are more than any chart shows."""
    figures = [one for one in _FIGURES if any(row[one.name] is not None for row in page.rows)]
    with_ci = [one.name for one in figures if any(interval(row, one.name) for row in page.rows)]
    names = [one.name for one in figures] + [name + end for name in with_ci for end in (CI_LOW, CI_HIGH)]
    values: dict[str, list[Any]] = {name: [_short(row[name]) for row in page.rows] for name in names}
    texts = (
        "method",
        "instance",
        "set",
        "family",
        "status",
        "reproduce",
        "date",
        "undertrained",
        "outweighed",
        *CONDITIONS,
    )
    values |= {name: [row[name] for row in page.rows] for name in texts}
    values["machine"] = [machines.sign(row) for row in page.rows]
    made = looks if page.by == "family" else distinct
    return {
        "by": page.by,
        "figures": [
            {name: getattr(one, name) for name in ("name", "label", "axis", "better", "group")} | {"timed": timed(one)}
            for one in figures
        ],
        "values": values,
        "notes": ["; ".join(row["notes"]) for row in page.rows],
        "filters": [name for name in CONDITIONS if _varies(page.rows, name)],
        "apart": APART,
        "machines": machines.note,
        "looks": _as_json(made(row[page.by] for row in page.rows)),
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
