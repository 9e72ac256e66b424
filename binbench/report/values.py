"""Figures as text for people and as JSON for programs."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from binbench.measures.bootstrap import Interval


def as_json(value: Any) -> Any:
    """Dataclasses and named tuples as mappings, sequences as lists; a figure that is not defined is null."""
    if dataclasses.is_dataclass(value):
        return {item.name: as_json(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if hasattr(value, "_asdict"):
        return {name: as_json(item) for name, item in value._asdict().items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, dict):
        return {name: as_json(item) for name, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def shown(found: Interval | None, form: str = ".3f") -> str:
    """``estimate [low, high]`` in `form`; the estimate alone where it has no limits, a dash where there is none."""
    if found is None or math.isnan(found.estimate):
        return "–"
    if math.isnan(found.low):
        return f"{found.estimate:{form}}"
    return f"{found.estimate:{form}} [{found.low:{form}}, {found.high:{form}}]"
