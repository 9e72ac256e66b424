"""The measures a stored result is judged by: names and definitions, in the order they are shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Cuts at which recall against the float ranking is taken.
CUTOFFS = (1, 5, 10, 50, 100)
#: The cut of every other measure against the float ranking and of the tie bounds.
CUT = 10


@dataclass(frozen=True)
class Measure:
    """One measure, defined per query.

    Attributes:
        name: as in :attr:`binbench.harness.evaluation.Figures.values`.
        against: what it compares with: the exact ``float`` ranking, or relevance judgements (``qrels``).
        larger_is_better: False for errors.
        definition: one line.
    """

    name: str
    against: Literal["float", "qrels"]
    larger_is_better: bool
    definition: str


def _bounds(measure: str, against: Literal["float", "qrels"]) -> list[Measure]:
    meanings = {"low": "lowest", "expected": "expected", "high": "highest"}
    return [
        Measure(f"{measure}_{end}", against, True, f"the {meaning} {measure} over all orders of documents that tie")
        for end, meaning in meanings.items()
    ]


#: Name → measure.
MEASURES: dict[str, Measure] = {
    measure.name: measure
    for measure in [
        *(
            Measure(
                f"recall@{cut}",
                "float",
                True,
                f"share of the first {cut} results whose true distance is at most the true "
                f"{'nearest' if cut == 1 else f'{cut}-th nearest'} distance + 1e-6; each document counts once",
            )
            for cut in CUTOFFS
        ),
        Measure("overlap@10", "float", True, "documents that the two top tens share, over 10; ties are not honoured"),
        Measure(
            "ndcg_float@10",
            "float",
            True,
            "nDCG@10 with gain 10 − r for the document of float rank r (from 0) and discount log2(rank + 2)",
        ),
        Measure(
            "score_error",
            "float",
            False,
            "mean absolute error of the returned documents' scores, brought to the true scale by one affine map for "
            "the whole run, over the mean absolute true score",
        ),
        Measure(
            "rank_correlation",
            "float",
            True,
            "Spearman's ρ of scores and true scores over the returned documents; undefined where all scores tie",
        ),
        Measure("ndcg@10", "qrels", True, "trec_eval's ndcg_cut_10: linear gains, discount log2(rank + 1) from rank 1"),
        Measure("qrels_recall@10", "qrels", True, "trec_eval's recall_10: share of all relevant documents found"),
        Measure("qrels_recall@100", "qrels", True, "trec_eval's recall_100: share of all relevant documents found"),
        Measure(
            "map@10", "qrels", True, "trec_eval's map_cut_10: average precision, divided by all relevant documents"
        ),
        Measure("mrr@10", "qrels", True, "1 / rank of the first relevant document, 0 beyond rank 10"),
        *_bounds("recall@10", "float"),
        *_bounds("ndcg@10", "qrels"),
    ]
}
