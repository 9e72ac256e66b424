"""Build time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from binbench.records.machines import Machines
from binbench.records.rows import Row
from binbench.records.select import groups
from binbench.report.charts.base import (
    bar_height,
    bars,
    closed,
    logarithmic,
    marker_of,
    name_bars,
    new_figure,
    one_mode,
)
from binbench.report.charts.registry import chart
from binbench.report.style import looks

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@chart("build-time")
def build_time(rows: Sequence[Row]) -> Figure | None:
    """Seconds to train and encode, one bar per instance."""
    built = one_mode(row for row in rows if row["build_seconds"] is not None)
    # All query arguments share one build.
    shown = bars([part[0] for _, part in groups(built, ["instance", "seed"])], "build_seconds")
    if not shown:
        return None
    figure, axes = new_figure(shown, "build time", height=bar_height(shown), speed=True)
    look = looks(row["family"] for row in shown)
    seconds = [row["build_seconds"] for row in shown]
    for y, row in enumerate(shown):
        style = look[row["family"]]
        axes.plot([0, row["build_seconds"]], [y, y], color=style.colour, lw=1.2, alpha=0.6)
        axes.plot(row["build_seconds"], y, **marker_of(style, row["undertrained"]))
        axes.annotate(
            f"{row['build_seconds']:.3g}",
            (row["build_seconds"], y),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
    machines = Machines.of(shown)
    name_bars(axes, [row["instance"] + machines.sign(row) for row in shown])
    logarithmic(axes, "x", seconds)
    axes.set_xlim(right=max(max(seconds) * 2, 1e-3))
    axes.set_xlabel("build time (s: training and encoding)")
    return closed(figure, axes)
