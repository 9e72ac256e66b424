"""Records as rows of columns."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from binbench.records.columns import COLUMNS
from binbench.records.record import Record
from binbench.records.store import below, read

logger = logging.getLogger("binbench")


class Row(Mapping[str, Any]):
    """A record as a row: column name → value, text, number, truth value, list or mapping; None where there is none."""

    def __init__(self, record: Record, file: str) -> None:
        """`file` is the result's path below the results folder."""
        self.record = record
        self.file = file
        self._known: dict[str, Any] = {"file": file}

    def __getitem__(self, name: str) -> Any:
        if name not in self._known:
            self._known[name] = _plain(COLUMNS[name].get(self.record))
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COLUMNS)

    def __len__(self) -> int:
        return len(COLUMNS)


def rows(results_dir: Path, data_dir: Path | None = None, paths: Iterable[Path] | None = None) -> list[Row]:
    """The results below `results_dir`, or those at `paths`, as rows.

    Args:
        results_dir, paths: see :func:`binbench.records.store.read`.
        data_dir: where embedding sets live: rows that were measured on other vectors than are there now say so.

    Raises:
        UserError: there are no results.

    A file that cannot be read is a row too, and an error that is logged.
    """
    records = read(results_dir, paths, data_dir)
    for record in records:
        if record.status == "unreadable":
            logger.error("%s", record.reason)
    return [Row(record, below(results_dir, record.path)) for record in records]


def _plain(value: Any) -> Any:
    """`value` as JSON can hold it: infinity and NaN are no figures."""
    if isinstance(value, float) and not isfinite(value):
        return None
    return value.item() if hasattr(value, "item") else value
