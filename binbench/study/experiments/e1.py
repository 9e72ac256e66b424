"""E1: the embeddings, what they are and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from binbench.report.render import Table
from binbench.study import plots as draw
from binbench.study.campaign import Budgets
from binbench.study.experiment import Band, Experiment, Plot, experiment
from binbench.study.rows import SetRow, hours_by_device, is_device
from binbench.study.tables import listing, number, table

if TYPE_CHECKING:
    from binbench.study.study import Study, StudySet


@dataclass(frozen=True, kw_only=True)
class EmbeddedSet(SetRow):
    """A set that is made, with sha256 of its arrays and of the encoder's weights.

    Attributes:
        hours: device → spent on it, encodings that a forced one replaced included.
    """

    vectors: int
    queries: int
    dimension: int
    bytes: int
    sha256_train: str
    sha256_test: str
    device: str
    hours: Mapping[str, float]
    seconds_per_million: float | None
    subset: bool
    revision: str
    weights_sha256: str
    split: str
    queries_in_train: int


@dataclass(frozen=True, kw_only=True)
class Embeddings:
    """The pairs of the campaign, and the hours that they may take on the reference device."""

    made: tuple[EmbeddedSet, ...]
    missing: tuple[SetRow, ...]
    reference_device: str
    budgets: Budgets

    @property
    def hours(self) -> dict[str, float]:
        """Spent, per device."""
        return hours_by_device(row.hours for row in self.made)

    def count(self, tier: int) -> tuple[int, int]:
        """How many sets of `tier` are made, and how many are asked for."""
        made, missing = (sum(row.tier == tier for row in rows) for rows in (self.made, self.missing))
        return made, made + missing


@experiment
class E1(Experiment[Embeddings]):
    """What the vectors are and what they cost."""

    id = "e1"
    title = "Embeddings: vectors, checksums, hours"
    figures = Embeddings

    def measure(self, study: Study) -> Embeddings:
        return Embeddings(
            made=tuple(_row(entry) for entry in study.sets),
            missing=tuple(SetRow(**entry.labels()) for entry in study.asked if entry.embeddings is None),
            reference_device=study.campaign.reference_device,
            budgets=study.campaign.budgets,
        )

    def judge(self, figures: Embeddings) -> Band:
        """Tiers 1 and 2 cached within the budget of hours, on the reference device only."""
        hours, reference, budgets = figures.hours, figures.reference_device, figures.budgets
        spent = ", ".join(f"{value:.2f} h on {device}" for device, value in hours.items()) or "no hours recorded"
        tiers = {tier: figures.count(tier) for tier in (1, 2)}
        there = "; ".join(f"tier {tier}: {made} of {asked} sets" for tier, (made, asked) in tiers.items() if asked)
        if not hours or not all(is_device(device, reference) for device in hours):
            return Band("not applicable", [f"{spent}; the budget is that of the reference device ({reference})", there])
        total = sum(hours.values())
        first, second = (made == asked for made, asked in tiers.values())
        first = first and tiers[1][1] > 0
        if total > budgets.embedding_red:
            return Band("red", [f"{spent}, more than {budgets.embedding_red:g} h", there])
        if first and second and total <= budgets.embedding_green:
            return Band("green", [f"{spent}, at most {budgets.embedding_green:g} h", there])
        if first and total <= budgets.embedding_yellow:
            return Band("yellow", [f"{spent}, at most {budgets.embedding_yellow:g} h", there])
        return Band("not applicable", [f"{spent}: no band is defined for this", there])

    def tables(self, figures: Embeddings) -> list[Table]:
        found = [
            listing(
                "Embedding sets",
                figures.made,
                {
                    "set": lambda row: row.set,
                    "tier": lambda row: str(row.tier),
                    "vectors": lambda row: f"{row.vectors:,}",
                    "queries": lambda row: f"{row.queries:,}",
                    "dimension": lambda row: str(row.dimension),
                    "MB": lambda row: f"{row.bytes / 1e6:.1f}",
                    "device": lambda row: row.device,
                    "hours": lambda row: number(sum(row.hours.values()) if row.hours else None, ".3f"),
                    "s per million": lambda row: number(row.seconds_per_million, ",.0f"),
                    "corpus": lambda row: "subset" if row.subset else "full",
                },
            ),
            listing(
                "Checksums (sha256, first 16 digits)",
                figures.made,
                {
                    "set": lambda row: row.set,
                    "train": lambda row: row.sha256_train[:16],
                    "test": lambda row: row.sha256_test[:16],
                    "weights": lambda row: row.weights_sha256[:16],
                    "revision": lambda row: row.revision[:12],
                    "split": lambda row: row.split,
                },
            ),
        ]
        missing = [[row.set] for row in figures.missing]
        return [*found, table("Not made", ("set",), missing)] if missing else found

    def plots(self, figures: Embeddings, folder: Path) -> list[Plot]:
        rates = {row.set: row.seconds_per_million / 3600 for row in figures.made if row.seconds_per_million}
        if not rates:
            return []
        return [
            draw.bars(
                folder / "e1-rate.svg",
                list(rates),
                {"": list(rates.values())},
                "hours per million documents",
                "Encoding time, extrapolated to a million documents of each collection; log scale.",
                log=True,
            )
        ]


def _row(entry: StudySet) -> EmbeddedSet:
    found, vectors = entry.attributes, len(entry.vectors.train)
    seconds = found.get("encode_seconds")
    return EmbeddedSet(
        **entry.labels(),
        vectors=vectors,
        queries=len(entry.vectors.test),
        dimension=entry.vectors.train.shape[1],
        bytes=entry.vectors.path.stat().st_size,
        sha256_train=found.get("sha256_train", ""),
        sha256_test=found.get("sha256_test", ""),
        device=entry.device,
        hours=entry.hours,
        seconds_per_million=seconds / vectors * 1e6 if seconds else None,
        subset=bool(found["provenance"].get("subset")),
        revision=found.get("encoder_revision", ""),
        weights_sha256=found.get("weights_sha256", ""),
        split=found.get("split", ""),
        queries_in_train=int(found.get("queries_in_train", 0)),
    )
