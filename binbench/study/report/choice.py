"""What the page for practitioners shows: the best method for each budget, the rules of one bit, and one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from binbench.records.pairs import EQUAL
from binbench.report.render import Table
from binbench.study import plots as draw
from binbench.study.experiment import Plot
from binbench.study.regimes import MeanRow, means
from binbench.study.rows import MethodRow
from binbench.study.tables import mark, noted, number, table
from binbench.study.thresholds import X3_BITS

#: Bytes per vector that one may have to spend.
BUDGETS = (8, 16, 32, 64, 96, 128, 192, 256, 384, 768)
#: Codes of 256 bits, and what else takes as many bytes.
ONE_BIT = tuple(f"{family}{X3_BITS}" for family in ("binary", "ortho", "itq", "adapter", "adapter-itq", "adapter-mlp"))
AGAINST = tuple(f"{family}{X3_BITS // 8}" for family in ("pq", "opq"))
#: Families in the picture: a line each, or a point where they have one size.
PICTURED = (
    "float16",
    "int8",
    "int4",
    "int2",
    "pq",
    "opq",
    "rabitq",
    "sign-asym",
    "itq",
    "adapter-itq",
    "ortho",
    "binary",
)


def of(methods: Sequence[MethodRow]) -> dict[str, Any]:
    """The names that the page's template knows beside the report's."""
    rows = {name: means(methods, name) for name in dict.fromkeys(row.encoder for row in methods)}
    return {"by_budget": by_budget(rows), "one_bit": one_bit(rows), "best_rules": best_rules(rows), "means": rows}


def best(rows: Sequence[MeanRow], budget: float) -> MeanRow | None:
    """The highest mean recall@10 that so many bytes per vector buy; None where nothing is so small."""
    fitting = [row for row in rows if row.bytes_per_vector <= budget * EQUAL]
    return max(fitting, key=lambda row: (row.recall, -row.bytes_per_vector), default=None)


def by_budget(rows: dict[str, list[MeanRow]]) -> Table:
    """The best method of every encoder within each of :data:`BUDGETS`; a budget that buys nothing more has no line."""
    lines, before, shown = [], None, []
    for budget in BUDGETS:
        found = [best(own, budget) for own in rows.values()]
        if found != before:
            lines.append([f"{budget}", *(_cell(row) for row in found)])
            shown += [row for row in found if row]
        before = found
    made = table("The highest recall@10 that memory buys", ("bytes/vector, at most", *rows), lines)
    made.notes.append(
        "Mean recall@10 over the encoder's sets, its lowest in brackets, and the mean of nDCG@10 retained."
    )
    return noted(made, shown)


def _cell(row: MeanRow | None) -> str:
    if row is None:
        return "–"
    return f"`{row.method}` {row.recall:.2f} ({row.lowest:.2f}), {number(row.retention, '.0%')}{mark(row)}"


def one_bit(rows: dict[str, list[MeanRow]]) -> Table:
    """Rules of 256 bits beside PQ and OPQ of as many bytes: mean recall@10 of every encoder."""
    held = {name: {row.method: row for row in own} for name, own in rows.items()}
    names = [name for name in (*ONE_BIT, *AGAINST) if any(name in own for own in held.values())]
    lines = [
        [f"`{name}`", *(f"{own[name].recall:.3f}{mark(own[name])}" if name in own else "–" for own in held.values())]
        for name in names
    ]
    made = table(f"Mean recall@10 at {X3_BITS // 8} bytes per vector", ("method", *rows), lines)
    return noted(made, [own[name] for own in held.values() for name in names if name in own])


def best_rules(rows: dict[str, list[MeanRow]]) -> list[str]:
    """For every encoder the best of :data:`ONE_BIT` beside the best of :data:`AGAINST`, in words."""
    found = []
    for encoder, own in rows.items():
        groups = ([row for row in own if row.method in names] for names in (ONE_BIT, AGAINST))
        ends = [max(group, key=lambda row: row.recall) for group in groups if group]
        if len(ends) == 2:
            ours, theirs = (f"`{row.method}` {row.recall:.2f}{mark(row)}" for row in ends)
            found.append(f"{encoder} {ours}, {theirs}")
    return found


def picture(rows: dict[str, list[MeanRow]], path: Path) -> Plot:
    """recall@10 against bytes, a panel for each encoder; hollow where few training points flatter a method."""
    panels: dict[str, dict[str, draw.Marked]] = {}
    for encoder, known in rows.items():
        own = {family: [row for row in known if row.family == family] for family in PICTURED}
        panels[f"{encoder}, {known[0].sets if known else 0} sets"] = {
            family: [(row.bytes_per_vector, row.recall, row.flattered) for row in some]
            for family, some in own.items()
            if some
        }
    label = ("bytes per vector", "recall@10 against float")
    caption = "Mean recall@10 against bytes per vector, a panel for each encoder; hollow: trained on few points (†)."
    return draw.panels(path, panels, label, caption)
