"""Methods at equal bytes per vector."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from binbench.records.pairs import BASELINE, budgets, ratio
from binbench.records.rows import Row
from binbench.report.charts.base import BYTES_LABEL, add_legend, by_family, logarithmic, marker_of, new_figure, one_mode
from binbench.report.charts.registry import chart
from binbench.report.style import looks

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@chart("iso-memory")
def iso_memory(rows: Sequence[Row]) -> Figure | None:
    """recall@10 over that of PQ at equal bytes per vector, within 2 %, with paired 95 % intervals."""
    shown_once = {row.record.path: row for row in one_mode(row for row in rows if not row["outweighed"])}
    compared = [
        (budget.bytes_per_vector, shown_once[record.path], value)
        for budget in budgets(row.record for row in shown_once.values())
        for record in budget.records
        if budget.baseline is not None
        and record.seed in (None, budget.baseline.seed)
        and (value := ratio(record, budget.baseline, "recall@10")) is not None
    ]
    if not compared:
        return None
    shown = [row for _, row, _ in compared]
    figure, axes = new_figure(shown, f"recall@10 relative to {BASELINE} at equal bytes per vector")
    look = looks(row["family"] for row in shown)
    places = beside([(held, row["bytes_per_vector"], row["family"]) for held, row, _ in compared])
    for family, _ in by_family(shown):
        points = sorted(
            (x, *value, row["undertrained"])
            for x, (_, row, value) in zip(places, compared, strict=True)
            if row["family"] == family
        )
        axes.plot([point[0] for point in points], [point[1] for point in points], color=look[family].colour, lw=1)
        for x, middle, low, high, hollow in points:
            errors = np.nan_to_num([[middle - low], [high - middle]]).clip(min=0)
            label = None if family in axes.get_legend_handles_labels()[1] else family
            axes.errorbar(
                x, middle, errors, label=label, ls="", elinewidth=1, capsize=2, **marker_of(look[family], hollow)
            )
    axes.axhline(1, color="0.3", lw=1)
    axes.annotate(
        f"= {BASELINE}", (1, 1), xycoords=("axes fraction", "data"), xytext=(4, -3), textcoords="offset points"
    )
    logarithmic(axes, "x", [held for held, _, _ in compared], base=2)
    axes.set_xlabel(BYTES_LABEL)
    axes.set_ylabel(f"recall@10 ÷ recall@10 of {BASELINE}")
    axes.set_ylim(0, max(1.2, *(1.05 * value.high for *_, value in compared if np.isfinite(value.high))))
    add_legend(figure, axes)
    return figure


def beside(points: Sequence[tuple[float, float, str]]) -> list[float]:
    """Where to draw points of (budget, bytes per vector, family), so that intervals at one budget can be told apart.

    Those of a budget stand around it in the order of their true bytes, less than half the way to the next off.
    """
    sizes = sorted({held for held, _, _ in points if held > 0})
    gaps = [np.log2(b / a) for a, b in pairwise(sizes)]
    reach = min([0.3, *(0.4 * gap for gap in gaps)])
    found = []
    for held, true, family in points:
        there = sorted({(b, name) for h, b, name in points if h == held})
        place = there.index((true, family)) - (len(there) - 1) / 2
        found.append(held * 2 ** (reach * place / max(1, (len(there) - 1) / 2)))
    return found
