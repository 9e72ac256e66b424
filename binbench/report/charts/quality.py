"""Quality by memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from binbench.records.columns import COLUMNS
from binbench.records.rows import Row
from binbench.report.charts.base import (
    BYTES_LABEL,
    finished,
    logarithmic,
    new_figure,
    one_mode,
    quality_label,
    recall_axis,
    scatter,
)
from binbench.report.charts.registry import chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@chart("recall-bytes")
def recall_by_bytes(rows: Sequence[Row]) -> Figure | None:
    """recall@10 by bytes per vector."""
    return quality_by_bytes(rows, "recall@10")


@chart("ndcg-bytes")
def ndcg_by_bytes(rows: Sequence[Row]) -> Figure | None:
    """nDCG@10 by bytes per vector."""
    return quality_by_bytes(rows, "ndcg@10")


def quality_by_bytes(rows: Sequence[Row], measure: str) -> Figure | None:
    """`measure` against bytes per vector, with the Pareto frontier and 95 % intervals."""
    shown = one_mode(row for row in rows if row[measure] is not None and row["bytes_per_vector"] is not None)
    if not shown:
        return None
    figure, axes = new_figure(shown, f"{COLUMNS[measure].label} by memory")
    scatter(axes, shown, "bytes_per_vector", measure, best_x=min)
    logarithmic(axes, "x", [row["bytes_per_vector"] for row in shown], base=2)
    axes.set_xlabel(BYTES_LABEL)
    axes.set_ylabel(quality_label(measure))
    recall_axis(axes, "y", shown, measure)
    return finished(figure, axes, shown, "bytes_per_vector", measure, min)
