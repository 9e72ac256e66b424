"""Several sets beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from binbench.records.rows import Row
from binbench.records.select import groups
from binbench.report.charts.base import logarithmic, new_figure, one_mode, plain, quality_label, recall_axis, scatter
from binbench.report.charts.registry import chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ACROSS = 3


@chart("sets", over_sets=True)
def recall_by_set(rows: Sequence[Row]) -> Figure | None:
    """recall@10 by bytes per vector, one panel per set and the same axes on all; where there are several sets."""
    known = [row for row in rows if row["recall@10"] is not None and row["bytes_per_vector"] is not None]
    parts = [(key, one_mode(part)) for key, part in groups(known, ["set", "fingerprint"])]
    if len(parts) < 2:
        return None
    shown = [row for _, part in parts for row in part]
    down = -(-len(parts) // _ACROSS)
    figure, first = new_figure(shown, "recall@10 by memory, set by set", height=1.4 + 3.4 * down)
    title = first.get_title("left")
    first.remove()
    panels = figure.subplots(down, min(_ACROSS, len(parts)), sharex=True, sharey=True, squeeze=False).flat
    entries: dict[str, Any] = {}
    for axes, ((name, _), part) in zip(panels, parts, strict=False):
        plain(axes)
        scatter(axes, part, "bytes_per_vector", "recall@10", best_x=min)
        logarithmic(axes, "x", [row["bytes_per_vector"] for row in shown], base=4)
        axes.set_xlabel("bytes per vector")
        recall_axis(axes, "y", shown, "recall@10")
        axes.set_title(f"{name}\nN = {part[0]['documents']:,}", loc="left", fontsize=9)
        entries |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    for axes in list(panels)[len(parts) :]:
        axes.remove()
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold")
    figure.supylabel(quality_label("recall@10"), fontsize=9.5)
    figure.legend(list(entries.values()), list(entries), loc="outside right upper", frameon=False, fontsize=8)
    return figure
