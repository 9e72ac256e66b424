"""Tables of what codes are worth beside retrieval: sentence similarity and classification."""

from __future__ import annotations

import math
from collections.abc import Sequence

from binbench.measures.bootstrap import Interval
from binbench.measures.correlation import Correlation
from binbench.report.render import made, show
from binbench.report.values import shown
from binbench.tasks.classification import ClassFigures, Task
from binbench.tasks.similarity import PairFigures


def show_similarity(title: str, rows: Sequence[PairFigures]) -> None:
    """Print a row for each method: Spearman's and Pearson's coefficients × 100, the bias of the angle in degrees."""
    header = ("method", "bytes/vector", "code ~ human", "float ~ human", "code ~ float", "angle bias (°)")
    lines = []
    for row in rows:
        found = row.figures
        if found is None:
            lines.append([row.name, row.status, *[""] * 4])
            continue
        pairs = (found.code_human, found.float_human, found.code_float)
        lines.append([row.name, f"{row.bytes_per_vector:g}", *map(_correlation, pairs), _degrees(found.angle_bias)])
    show([made(f"{title}; Spearman's / Pearson's coefficient × 100", header, lines, notes=_remarks(rows))])


def show_classes(task: Task, rows: Sequence[ClassFigures]) -> None:
    """Print a row for each method and classifier, with the accuracy's difference from float and its 95 % interval."""
    columns = ("accuracy", "float", "difference", "p", "macro-F1", "float")
    lines = [[row.name, row.status, *[""] * 7] for row in rows if row.status != "ok"]
    lines += [
        [
            row.name,
            f"{row.bytes_per_vector:g}",
            found.classifier,
            f"{found.code_accuracy:.3f}",
            f"{found.float_accuracy:.3f}",
            shown(found.accuracy.difference, "+.3f"),
            f"{found.accuracy.p_value:.4f}",
            f"{found.code_macro_f1:.3f}",
            f"{found.float_macro_f1:.3f}",
        ]
        for row in rows
        for found in row.figures
    ]
    title = f"{task.name}: {task.classes} classes, {len(task.train):,} to learn, {len(task.test):,} to test"
    show([made(title, ("method", "bytes/vector", "classifier", *columns), lines, notes=_remarks(rows))])


def _remarks(rows: Sequence[PairFigures | ClassFigures]) -> list[str]:
    return [f"{row.name}: {note}" for row in rows for note in [row.reason] * bool(row.reason) + row.notes]


def _correlation(found: Correlation) -> str:
    return f"{100 * found.spearman:.2f} / {100 * found.pearson:.2f}"


def _degrees(bias: Interval | None) -> str:
    return shown(None if bias is None else Interval(*map(math.degrees, bias)), "+.2f")
