"""Tables of text from rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

from binbench.report.render import Table
from binbench.study.rows import MARK, MARKED, Estimate, MethodRow, Pair

if TYPE_CHECKING:
    from binbench.records.machines import Machines

R = TypeVar("R")

#: How cells of numbers begin; an empty cell (``''``) is one too.
_NUMERIC = ("", *"0123456789+-–")


def table(title: str, header: Sequence[str], lines: Sequence[Sequence[str]]) -> Table:
    """A table whose columns of numbers, the first excepted, stand right."""
    right = [i > 0 and all(line[i][:1] in _NUMERIC for line in lines) for i in range(len(header))]
    return Table(title, list(header), right, [list(line) for line in lines])


def listing(title: str, rows: Iterable[R], columns: Mapping[str, Callable[[R], str]]) -> Table:
    """A table with a line for each of `rows`, and for each column its name and what it says of a row."""
    return table(title, list(columns), [[cell(row) for cell in columns.values()] for row in rows])


def number(value: float | None, form: str = ".3f") -> str:
    """`value` in `form`, or a dash."""
    return "–" if value is None else f"{value:{form}}"


def estimate(found: Estimate | None, form: str = ".3f") -> str:
    """``value [low, high]``, or a dash."""
    return "–" if found is None else f"{found.value:{form}} [{number(found.low, form)}, {number(found.high, form)}]"


class Flattered(Protocol):
    """What says whether it rests on such codebooks."""

    @property
    def flattered(self) -> bool: ...


def mark(row: Flattered) -> str:
    """The sign of :data:`MARKED` where it applies."""
    return f" {MARK}" if row.flattered else ""


def noted(made: Table, rows: Iterable[Flattered], timed: Machines | None = None) -> Table:
    """`made`, with the sign of :data:`MARKED` explained below it where one of `rows` bears it, and those of `timed`."""
    made.notes += [f"{MARKED}."] if any(row.flattered for row in rows) else []
    made.notes += [f"{timed.note}."] if timed and timed.note else []
    return made


class Timed(Protocol):
    """What says on what kind of machine it was timed."""

    @property
    def machine(self) -> str: ...


def timed_on(rows: Iterable[Timed]) -> Machines:
    """The kinds of machines that the times of `rows` are from, with signs of which none is :data:`MARK`."""
    from binbench.records.machines import Machines

    return Machines.among((row.machine for row in rows), "‡§¶")


def seconds(timed: Machines, row: Timed, value: float | None, form: str) -> str:
    """A time or a rate, with the sign of the machine that it is from where that is not the usual one."""
    return number(value, form) + ("" if value is None else timed.signs.get(row.machine, ""))


def quality_table(rows: Iterable[MethodRow], title: str) -> Table:
    """The recalls, nDCG@10, bytes and times of `rows`."""
    rows = list(rows)
    timed = timed_on(rows)
    made = listing(
        title,
        sorted(rows, key=lambda row: (row.tier, row.set, row.bytes_per_vector, row.method)),
        {
            "set": lambda row: row.set,
            "method": lambda row: f"{row.method}{mark(row)}",
            "bytes/vector": lambda row: f"{row.bytes_per_vector:g}",
            "recall@10 [95 % CI]": lambda row: estimate(row.intervals["recall@10"]),
            "nDCG@10 [95 % CI]": lambda row: estimate(row.intervals["ndcg@10"]),
            "retention": lambda row: number(row.retention, ".1%"),
            "queries/s": lambda row: seconds(timed, row, row.queries_per_second, ",.0f"),
            "recall@1": lambda row: number(row.means["recall@1"]),
            "@5": lambda row: number(row.means["recall@5"]),
            "@50": lambda row: number(row.means["recall@50"]),
            "@100": lambda row: number(row.means["recall@100"]),
            "overlap@10": lambda row: number(row.means["overlap@10"]),
            "build s": lambda row: seconds(timed, row, row.build_seconds, ".2f"),
            "SD over seeds": lambda row: f"{number(row.spread.get('recall@10'))} ({row.seeds})",
        },
    )
    return noted(made, rows, timed)


def iso_table(pairs: Iterable[Pair]) -> Table:
    """Binary against PQ at equal bytes."""
    pairs = list(pairs)
    made = listing(
        "Binary against PQ at equal bytes per vector, paired by query (95 % bootstrap intervals)",
        pairs,
        {
            "set": lambda pair: pair.set,
            "bytes": lambda pair: f"{pair.bytes}",
            "binary recall@10": lambda pair: number(pair.binary),
            "PQ recall@10": lambda pair: f"{number(pair.pq)}{mark(pair)}",
            "ratio": lambda pair: estimate(pair.ratio, ".2f"),
            "difference": lambda pair: estimate(pair.difference, "+.3f"),
            "p (Holm)": lambda pair: number(pair.corrected, ".4f"),
            "nDCG@10 ratio": lambda pair: estimate(pair.ndcg_ratio, ".2f"),
            "speed ratio": lambda pair: number(pair.speed_ratio, ".1f"),
        },
    )
    made.notes = [f"p of the paired randomization test, by Holm's method among {len(pairs)} comparisons."]
    return noted(made, pairs)
