"""Tables of what codes are worth beside retrieval: sentence similarity and classification."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from binbench.measures.bootstrap import Interval
from binbench.measures.correlation import Correlation
from binbench.tasks.classification import ClassFigures, Task
from binbench.tasks.similarity import PairFigures


def show_similarity(title: str, rows: Sequence[PairFigures]) -> None:
    """Print a row for each method: Spearman's and Pearson's coefficients × 100, the bias of the angle in degrees."""
    table = _table("method", "bytes/vector", "code ~ human", "float ~ human", "code ~ float", "angle bias (°)")
    for row in rows:
        found = row.figures
        if found is None:
            table.add_row(row.name, row.status)
            continue
        table.add_row(
            row.name,
            f"{row.bytes_per_vector:g}",
            *(_correlation(c) for c in (found.code_human, found.float_human, found.code_float)),
            _degrees(found.angle_bias),
        )
    _print(f"{title}; Spearman's / Pearson's coefficient × 100", table, rows)


def show_classes(task: Task, rows: Sequence[ClassFigures]) -> None:
    """Print a row for each method and classifier, with the accuracy's difference from float and its 95 % interval."""
    columns = ("accuracy", "float", "difference", "p", "macro-F1", "float")
    table = _table("method", "bytes/vector", "classifier", *columns)
    for row in rows:
        if row.status != "ok":
            table.add_row(row.name, row.status)
        for found in row.figures:
            difference = found.accuracy.difference
            table.add_row(
                row.name,
                f"{row.bytes_per_vector:g}",
                found.classifier,
                f"{found.code_accuracy:.3f}",
                f"{found.float_accuracy:.3f}",
                f"{difference.estimate:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]",
                f"{found.accuracy.p_value:.4f}",
                f"{found.code_macro_f1:.3f}",
                f"{found.float_macro_f1:.3f}",
            )
    _print(
        f"{task.name}: {task.classes} classes, {len(task.train):,} to learn, {len(task.test):,} to test", table, rows
    )


def as_json(rows: Sequence[PairFigures | ClassFigures]) -> list[dict[str, Any]]:
    """The rows as JSON values; a figure that is not defined is null."""
    return [_plain(row) for row in rows]


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if hasattr(value, "_asdict"):
        return {name: _plain(item) for name, item in value._asdict().items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _table(*columns: str) -> Table:
    table = Table()
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left", no_wrap=True)
    return table


def _print(title: str, table: Table, rows: Sequence[PairFigures | ClassFigures]) -> None:
    console = Console(width=None if sys.stdout.isatty() else 200)
    console.print(title, highlight=False)
    console.print(table)
    for row in rows:
        for note in [row.reason] * bool(row.reason) + row.notes:
            console.print(f"{row.name}: {note}", highlight=False)


def _correlation(found: Correlation) -> str:
    return f"{100 * found.spearman:.2f} / {100 * found.pearson:.2f}"


def _degrees(bias: Interval | None) -> str:
    if bias is None:
        return "–"
    mean, low, high = (math.degrees(value) for value in bias)
    return f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]"
