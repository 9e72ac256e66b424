"""Speed by recall, and by memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from binbench.records.rows import Row
from binbench.report.charts.base import (
    BYTES_LABEL,
    finished,
    logarithmic,
    new_figure,
    quality_label,
    recall_axis,
    scatter,
    threads_of,
)
from binbench.report.charts.registry import chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@chart("qps-recall-single", mode="single")
@chart("qps-recall-batch", mode="batch")
def speed_by_recall(rows: Sequence[Row]) -> Figure | None:
    """Queries per second against recall@10; rows of one mode."""
    shown = [row for row in rows if row["recall@10"] is not None and row["queries_per_second"] is not None]
    if not shown:
        return None
    figure, axes = new_figure(shown, "speed by recall@10", speed=True)
    scatter(axes, shown, "recall@10", "queries_per_second", best_x=max)
    logarithmic(axes, "y", [row["queries_per_second"] for row in shown])
    axes.set_xlabel(quality_label("recall@10"))
    axes.set_ylabel(_speed_label(shown[0]))
    recall_axis(axes, "x", shown, "recall@10")
    return finished(figure, axes, shown, "recall@10", "queries_per_second", max)


@chart("qps-bytes-single", mode="single")
@chart("qps-bytes-batch", mode="batch")
def speed_by_bytes(rows: Sequence[Row]) -> Figure | None:
    """Queries per second against bytes per vector; rows of one mode."""
    shown = [row for row in rows if row["bytes_per_vector"] is not None and row["queries_per_second"] is not None]
    if not shown:
        return None
    figure, axes = new_figure(shown, "speed by memory", speed=True)
    scatter(axes, shown, "bytes_per_vector", "queries_per_second", best_x=min)
    logarithmic(axes, "x", [row["bytes_per_vector"] for row in shown], base=2)
    logarithmic(axes, "y", [row["queries_per_second"] for row in shown])
    axes.set_xlabel(BYTES_LABEL)
    axes.set_ylabel(_speed_label(shown[0]))
    return finished(figure, axes, shown, "bytes_per_vector", "queries_per_second", min)


def _speed_label(row: Row) -> str:
    return f"queries per second ({row['mode']}, {threads_of(row)}, Q = {row['queries']:,})"
