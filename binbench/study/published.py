"""Figures on record, with the conditions they hold under, to check ours against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from binbench.report.render import Table
from binbench.study.rows import MethodRow
from binbench.study.tables import listing, number
from binbench.study.thresholds import AGREEMENT

DATASETS = ("scifact", "nfcorpus", "arguana", "scidocs", "fiqa", "nq", "msmarco")
#: nDCG@10 of float search on the full corpora of :data:`DATASETS` (MTEB; BEIR's test splits, MS MARCO dev).
NDCG = {
    "all-MiniLM-L6-v2": (0.64508, 0.31594, 0.50167, 0.21641, 0.36867, 0.43869, 0.36542),
    "e5-base-v2": (0.719, 0.354, 0.446, 0.187, 0.399, 0.582, 0.418),
    "bge-large-en-v1.5": (0.746, 0.381, 0.645, 0.226, 0.450, 0.550, 0.425),
}


@dataclass(frozen=True)
class Published:
    """One figure on record.

    Attributes:
        dataset, encoder: the pair; an empty dataset stands for a mean over many.
        method: ours that it is compared with.
        measure: as rows name it, or ``retention``.
        value: on record.
        conditions: what it holds under.
        comparable: False where our measurement differs by design, so that agreement is not expected.
    """

    dataset: str
    encoder: str
    method: str
    measure: str
    value: float
    conditions: str
    comparable: bool = True


_FULL = "float, full corpus"
FIGURES = [
    Published(dataset, encoder, "float", "ndcg@10", value, _FULL)
    for encoder, values in NDCG.items()
    for dataset, value in zip(DATASETS, values, strict=True)
] + [
    Published("scifact", "all-MiniLM-L6-v2", "float", measure, value, _FULL)
    for measure, value in (("qrels_recall@10", 0.78333), ("qrels_recall@100", 0.925), ("map@10", 0.59593))
]
FIGURES += [
    Published(dataset, "all-mpnet-base-v2", "float", measure, value, _FULL)
    for dataset, measure, value in (
        ("scifact", "ndcg@10", 0.6557),
        ("scifact", "qrels_recall@10", 0.79011),
        ("scifact", "qrels_recall@100", 0.94167),
        ("nfcorpus", "ndcg@10", 0.33289),
    )
]
#: Means over fifteen collections: a single collection may lie far from them.
_MEANS = "mean over 15 collections"
FIGURES += [
    Published("", encoder, method, "retention", value, f"{_MEANS}; {rule}", comparable=False)
    for encoder, method, value, rule in (
        ("all-MiniLM-L6-v2", "int8-minmax", 0.908, "int8 codes on per-dimension ranges scored directly"),
        ("all-MiniLM-L6-v2", "sign-rescore-self candidates=40", 0.938, "sign codes, ×4 re-scored by the float query"),
        ("e5-base-v2", "int8-minmax", 0.947, "int8 codes on per-dimension ranges scored directly"),
        ("e5-base-v2", "sign-rescore-self candidates=40", 0.748, "sign codes, ×4 re-scored by the float query"),
    )
]


@dataclass(frozen=True)
class Checked:
    """A figure on record beside ours; `agrees` is None where that is not to be expected."""

    set: str
    known: Published
    measured: float

    @property
    def difference(self) -> float:
        """Ours minus theirs."""
        return self.measured - self.known.value

    @property
    def agrees(self) -> bool | None:
        """Within :data:`AGREEMENT`."""
        return abs(self.difference) <= AGREEMENT if self.known.comparable else None


def checked(rows: Sequence[MethodRow], subsets: Sequence[str] = ()) -> list[Checked]:
    """Every figure on record that `rows` of methods have a counterpart for; sets named in `subsets` are left out."""
    found = []
    for known in FIGURES:
        for row in rows:
            same = known.encoder == row.encoder and known.method == row.method
            if not same or known.dataset not in ("", row.dataset) or row.set in subsets:
                continue
            value = row.retention if known.measure == "retention" else row.means[known.measure]
            if value is not None:
                found.append(Checked(row.set, known, value))
    return found


def comparison(rows: Sequence[Checked]) -> Table:
    """What :func:`checked` found, for people."""
    verdicts = {True: "yes", False: "no", None: "not comparable one to one"}
    return listing(
        f"Published figures; agreement is a difference of at most {AGREEMENT}",
        rows,
        {
            "set": lambda row: row.set,
            "method": lambda row: row.known.method,
            "measure": lambda row: row.known.measure,
            "published": lambda row: number(row.known.value, ".4f"),
            "measured": lambda row: number(row.measured, ".4f"),
            "difference": lambda row: number(row.difference, "+.4f"),
            "agrees": lambda row: verdicts[row.agrees],
            "published for": lambda row: row.known.conditions,
        },
    )
