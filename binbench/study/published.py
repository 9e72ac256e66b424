"""Figures on record, with the conditions they hold under, to check ours against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from binbench.report.render import Table
from binbench.study.experiment import number, table

DATASETS = ("scifact", "nfcorpus", "arguana", "scidocs", "fiqa", "nq", "msmarco")
#: nDCG@10 of float search on the full corpora of :data:`DATASETS` (MTEB; BEIR's test splits, MS MARCO dev).
NDCG = {
    "all-MiniLM-L6-v2": (0.64508, 0.31594, 0.50167, 0.21641, 0.36867, 0.43869, 0.36542),
    "e5-base-v2": (0.719, 0.354, 0.446, 0.187, 0.399, 0.582, 0.418),
    "bge-large-en-v1.5": (0.746, 0.381, 0.645, 0.226, 0.450, 0.550, 0.425),
}
#: Two runs of one model agree to this; published figures have three to five digits.
AGREEMENT = 0.002


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
#: Means over fifteen collections: a single collection may lie far from them.
_MEANS = "mean over 15 collections"
FIGURES += [
    Published("", encoder, method, "retention", value, f"{_MEANS}; {rule}", comparable=False)
    for encoder, method, value, rule in (
        ("all-MiniLM-L6-v2", "int8-minmax", 0.908, "int8 codes on per-dimension ranges scored directly"),
        ("all-MiniLM-L6-v2", "sign-rescore-self candidates=4", 0.938, "sign codes, ×4 re-scored by the float query"),
        ("e5-base-v2", "int8-minmax", 0.947, "int8 codes on per-dimension ranges scored directly"),
        ("e5-base-v2", "sign-rescore-self candidates=4", 0.748, "sign codes, ×4 re-scored by the float query"),
    )
]


def checked(rows: Sequence[dict[str, Any]], subsets: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Every figure on record that `rows` of methods have a counterpart for; sets named in `subsets` are left out."""
    found = []
    for known in FIGURES:
        for row in rows:
            same = known.encoder == row["encoder"] and known.method == row["method"]
            if not same or known.dataset not in ("", row["dataset"]) or row["set"] in subsets:
                continue
            value = row.get(known.measure)
            if value is not None:
                found.append(
                    {
                        "set": row["set"],
                        "method": known.method,
                        "measure": known.measure,
                        "published": known.value,
                        "measured": value,
                        "difference": value - known.value,
                        "agrees": abs(value - known.value) <= AGREEMENT if known.comparable else None,
                        "conditions": known.conditions,
                    }
                )
    return found


def comparison(rows: Sequence[dict[str, Any]]) -> Table:
    """What :func:`checked` found, for people."""
    verdicts = {True: "yes", False: "no", None: "not comparable one to one"}
    return table(
        f"Published figures; agreement is a difference of at most {AGREEMENT}",
        ("set", "method", "measure", "published", "measured", "difference", "agrees", "published for"),
        [
            [
                row["set"],
                row["method"],
                row["measure"],
                number(row["published"], ".4f"),
                number(row["measured"], ".4f"),
                number(row["difference"], "+.4f"),
                verdicts[row["agrees"]],
                row["conditions"],
            ]
            for row in rows
        ],
    )
