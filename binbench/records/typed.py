"""The types of what a result file holds as JSON; a file may say anything, and readers rely on these."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

_OPEN = ConfigDict(strict=True, extra="allow")


@with_config(_OPEN)
class Origin(TypedDict, total=False):
    """The set that a result was measured on."""

    dataset: str | None
    split: str | None
    source: str | None
    encoder: str | None
    encoder_spec: str | None
    encoder_revision: str | None
    weights_sha256: str | None
    query_prefix: str | None
    passage_prefix: str | None
    precision: str | None
    text_rule: str | None
    device_name: str | None
    sha256_train: str | None
    sha256_test: str | None
    max_tokens: int | None
    queries_in_train: int | None
    encode_seconds: float | None
    warnings: list[str] | None


@with_config(_OPEN)
class Machine(TypedDict, total=False):
    """What it was measured on."""

    os: str
    cpu: str
    cores: int | None
    memory_bytes: int


@with_config(_OPEN)
class Provenance(TypedDict, total=False):
    """How it came about."""

    versions: dict[str, str]
    git: str
    machine: Machine
    load: float
    date: str
    command: str


_Interval = tuple[float, float, float]


class _Comparison(TypedDict):
    queries: int
    mean_a: float
    mean_b: float
    difference: _Interval
    ratio: _Interval
    p_value: float
    wins: int
    ties: int
    losses: int


class _Figures(TypedDict):
    key: str
    made_by: str
    source: str
    versions: dict[str, int]
    names: list[str]
    means: dict[str, _Interval]


_Contrast = TypedDict("_Contrast", {"with": str, "comparison": _Comparison})


def figures(stored: Any) -> dict[str, Any] | None:
    """The summary of a result's figures, or None where that is not what `stored` is."""
    return _valid(_Figures, stored)


def contrasts(stored: Any) -> dict[str, dict[str, Any]]:
    """A result's stored comparisons by measure; none where that is not what `stored` is: they are computed anew."""
    return _valid(dict[str, _Contrast], stored) or {}


def _valid(expected: Any, stored: Any) -> Any:
    try:
        return adapter(expected).validate_python(stored)
    except ValidationError:
        return None


def adapter(kind: Any) -> TypeAdapter[Any]:
    """pydantic's view of `kind`: to JSON and, checked, back. NaN and infinities become null."""
    return _adapter(kind)


_adapter = cache(TypeAdapter[Any])
