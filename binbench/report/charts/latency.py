"""Latency of single queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from binbench.records.machines import Machines
from binbench.records.rows import Row
from binbench.report.charts.base import (
    bar_height,
    bars,
    closed,
    logarithmic,
    marker_of,
    name_bars,
    new_figure,
    threads_of,
)
from binbench.report.charts.registry import chart
from binbench.report.style import looks

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@chart("latency", mode="single")
def latency(rows: Sequence[Row]) -> Figure | None:
    """Percentiles of single-query latency over all repeats, one line per method; rows of single mode."""
    names = ["latency_p50", "latency_p95", "latency_p99", "latency_p99.9"]
    shown = bars([row for row in rows if row["latency_p50"] is not None], "latency_p50")
    if not shown:
        return None
    figure, axes = new_figure(shown, "latency of single queries", height=bar_height(shown), speed=True)
    look = looks(row["family"] for row in shown)
    for y, row in enumerate(shown):
        style = look[row["family"]]
        p50, p95, p99, p999 = (1e3 * row[name] for name in names)
        axes.plot([p50, p999], [y, y], color=style.colour, lw=0.8)
        axes.plot([p50, p95], [y, y], color=style.colour, lw=4, alpha=0.5, solid_capstyle="butt")
        axes.plot(p50, y, **marker_of(style, row["undertrained"]))
        axes.plot([p99, p999], [y, y], ls="", marker="|", ms=8, color=style.colour)
    overheads = [1e3 * row["harness_overhead"] for row in shown if row["harness_overhead"]]
    harness = f"; harness itself {np.median(overheads):.2g}" if overheads else ""
    machines = Machines.of(shown)
    name_bars(axes, [row["method"] + machines.sign(row) for row in shown])
    logarithmic(axes, "x", [1e3 * row[name] for row in shown for name in names])
    axes.set_xlabel(
        f"latency (ms per query, {threads_of(shown[0])}{harness}):\nmarker p50, bar to p95, strokes p99 and p99.9"
    )
    return closed(figure, axes)
