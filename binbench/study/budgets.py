"""Hours: what they may be, and what was spent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Budgets:
    """Hours on the reference device, by what they are for; of CPU for the ground truth."""

    embedding_green: float
    embedding_yellow: float
    embedding_red: float
    ground_truth_green: float
    study_cap: float


class Embedded(Protocol):
    """Whatever knows on which device its vectors were computed, and in how many hours."""

    @property
    def device(self) -> str: ...

    @property
    def hours(self) -> float | None: ...


def hours_by_device(sets: Iterable[Embedded]) -> dict[str, float]:
    """Hours of embedding, per device."""
    hours: dict[str, float] = {}
    for entry in sets:
        if entry.hours is not None:
            hours[entry.device] = hours.get(entry.device, 0.0) + entry.hours
    return hours
