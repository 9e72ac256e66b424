"""Methods at equal bytes per vector."""

from __future__ import annotations

from collections.abc import Sequence
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
    """recall@10 of the binary families over that of PQ at equal bytes, with paired 95 % intervals."""
    shown_once = {row.record.path: row for row in one_mode(rows)}
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
    for place, (family, members) in enumerate(by_family(shown)):
        style, files = look[family], {row["file"] for row in members}
        points = sorted((held, *value) for held, row, value in compared if row["file"] in files)
        held, middle, low, high = map(np.array, zip(*points, strict=True))
        # Methods stand beside each other, so that their intervals can be told apart.
        x = held * 2 ** (0.09 * (place - (len(look) - 1) / 2))
        errors = np.nan_to_num(np.stack([middle - low, high - middle]).clip(min=0))
        axes.errorbar(x, middle, errors, label=family, lw=1, elinewidth=1, capsize=2, **marker_of(style))
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
