"""What the report is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from binbench.study.experiment import Plot, Record
from binbench.study.switches import Switch


@dataclass(frozen=True)
class Material:
    """Everything the report is made of.

    Attributes:
        campaign: its name.
        hypotheses: id → statement.
        asked: (dataset, encoder) pairs of the campaign.
        records: experiments by id.
        switches: the kill-switches.
        methods: a row per set and method (:func:`binbench.study.retrieval.method_rows`).
        troubles: set → what has no result there, one line each.
        log: what the last run stored.
        plots: drawn for the report itself.
    """

    campaign: str
    hypotheses: Mapping[str, str] = field(default_factory=dict)
    asked: Sequence[tuple[str, str]] = ()
    records: Mapping[str, Record] = field(default_factory=dict)
    switches: Sequence[Switch] = ()
    methods: Sequence[dict[str, Any]] = ()
    troubles: Mapping[str, Sequence[str]] = field(default_factory=dict)
    log: Mapping[str, Any] = field(default_factory=dict)
    plots: Sequence[Plot] = ()


def image(plot: Plot) -> str:
    """`plot` in Markdown, its caption below it."""
    return f"![{plot.caption}]({plot.file})\n\n*{plot.caption}*"


def sentence(parts: Iterable[str]) -> str:
    """`parts` as one sentence."""
    text = "; ".join(part.rstrip(".") for part in parts if part)
    return f"{text[:1].upper()}{text[1:]}." if text else ""
