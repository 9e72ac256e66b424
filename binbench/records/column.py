"""What a column is: a name, a kind, where its value is in a record, and how it is shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from binbench.records.record import Record

Kind = Literal["text", "integer", "number", "boolean", "json"]
Get = Callable[[Record], Any]


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        name: in exports, filters and options.
        group: under which it is documented.
        unit: empty for texts and shares.
        description: one line.
        kind: of its values.
        get: its value, from a record.
        label: in tables and plots.
        spec: the format specification of numbers in tables.
        better: whether larger or smaller values are better, where either is.
    """

    name: str
    group: str
    unit: str
    description: str
    kind: Kind
    get: Get
    label: str
    spec: str
    better: Literal["larger", "smaller", ""] = ""

    @property
    def axis(self) -> str:
        """The label with the unit, unless that is part of it."""
        return f"{self.label} ({self.unit})" if self.unit and self.unit not in self.label else self.label

    def show(self, value: Any) -> str:
        """`value` as tables show it; a dash for None."""
        if value is None:
            return "–"
        if self.kind == "json":
            return ", ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else ", ".join(value)
        if self.kind == "boolean":
            return "yes" if value else "no"
        return str(value) if self.kind == "text" else format(value, self.spec)


_SPECS = {"integer": ",d", "number": ".4g"}


def column_of(
    group: str,
    name: str,
    kind: Kind,
    get: Get | str,
    description: str,
    unit: str = "",
    label: str = "",
    spec: str = "",
    better: Literal["larger", "smaller", ""] = "",
) -> Column:
    getter = _field(get) if isinstance(get, str) else get
    label, spec = label or name.replace("_", " "), spec or _SPECS.get(kind, "")
    return Column(name, group, unit, description, kind, getter, label, spec, better)


def _field(path: str) -> Get:
    """A value of the record by its dotted path, through attributes and mappings; None where there is none."""
    first, *rest = path.split(".")

    def get(record: Record) -> Any:
        value = getattr(record, first)
        for key in rest:
            value = value.get(key) if isinstance(value, Mapping) else getattr(value, key, None)
        return value

    return get


def readable(field: str) -> Get:
    """A field that has a default, which a file that cannot be read has not."""
    return lambda record: None if record.status == "unreadable" else getattr(record, field)
