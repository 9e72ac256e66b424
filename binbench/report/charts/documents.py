"""Quality as a corpus grows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from binbench.records.rows import Row
from binbench.records.select import groups
from binbench.report.charts.base import logarithmic, marker_of, new_figure, one_mode, quality_label, recall_axis
from binbench.report.charts.registry import chart
from binbench.report.labels import place_labels
from binbench.report.style import looks

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@chart("recall-documents", across=True)
def recall_by_documents(rows: Sequence[Row]) -> Figure | None:
    """recall@10 against the documents searched: subsets of one set, one line per method, the mean over seeds."""
    measured = [row for row in rows if row["recall@10"] is not None and row["documents"]]
    sizes = groups(measured, ["documents"])
    if len(sizes) < 2:
        return None
    shown = [row for _, part in sizes for row in one_mode(part)]
    figure, axes = new_figure(shown, "recall@10 as the corpus grows")
    look = looks(row["family"] for row in shown)
    ends, points = [], []
    for (method,), members in groups(shown, ["method"]):
        line = sorted(
            (size, float(np.mean([row["recall@10"] for row in part])))
            for (size,), part in groups(members, ["documents"])
        )
        style = marker_of(look[members[0]["family"]], any(row["undertrained"] for row in members))
        axes.plot(*zip(*line, strict=True), lw=1.2, label=method, **style)
        ends.append((*line[-1], method))
        points += line
    logarithmic(axes, "x", [size for (size,), _ in sizes])
    recall_axis(axes, "y", shown, "recall@10")
    axes.margins(x=0.12)
    axes.set_xlabel("documents searched (nested random subsets, judged documents first)")
    axes.set_ylabel(quality_label("recall@10").replace("mean and 95 % CI", "mean"))
    place_labels(axes, sorted(ends, key=lambda end: -end[1]), points)
    return figure
