"""The machines that rows were timed on: timings of different kinds never stand side by side unmarked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from binbench.records.column import Column
from binbench.records.rows import Row
from binbench.records.seeds import SeedsRow

_SIGNS = "†‡§¶"


@dataclass(frozen=True)
class Machines:
    """Kinds of machines, each a processor and a number of cores.

    Attributes:
        usual: the kind that most rows were timed on.
        signs: of each other kind.
    """

    usual: str
    signs: Mapping[str, str]

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Machines:
        """Those that the timings of `rows` are from."""
        return cls.among(_kind(row) for row in rows if row["status"] == "ok")

    @classmethod
    def among(cls, kinds: Iterable[str], signs: str = _SIGNS) -> Machines:
        """Those of `kinds`, one for each row, told apart by `signs`."""
        counts = Counter(kinds)
        usual, *others = sorted(counts, key=lambda kind: (-counts[kind], kind)) or [""]
        return cls(usual, {kind: signs[i % len(signs)] * (i // len(signs) + 1) for i, kind in enumerate(others)})

    def sign(self, row: Row) -> str:
        """Of the kind that `row` was timed on; empty for the usual one."""
        return self.signs.get(_kind(row), "") if row["status"] == "ok" else ""

    def beside(self, column: Column, row: Row) -> str:
        """What stands beside the value of `column`."""
        return self.sign(row) if timed(column) and row[column.name] is not None else ""

    @property
    def note(self) -> str:
        """What the signs mean; empty where there is one kind."""
        told = "; ".join(f"{sign} timed on {kind}" for kind, sign in self.signs.items())
        return told and f"{told}; the others on {self.usual}"


def timed(column: Column) -> bool:
    """Whether the values of `column` are times or rates, and so depend on the machine."""
    return column.group == "speed" and column.unit != ""


def kind_of(machines: Iterable[Mapping[str, Any]]) -> str:
    """What `machines`, each with a ``cpu`` and its ``cores``, are called together: all kinds among them."""
    return " and ".join(sorted({f"{one['cpu']}, {one['cores']} cores" for one in machines}))


def _kind(row: Row) -> str:
    return kind_of(row.members if isinstance(row, SeedsRow) else [row])
