"""The measures' definitions, the page that lists them, and what it takes to add one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from binbench.errors import UserError
from binbench.measures import registry
from binbench.measures.answers import Answers
from binbench.measures.registry import MEASURES, compute, measure, versions
from binbench.records.record import Figures

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
AGAINST_FLOAT = [
    *("recall@1", "recall@5", "recall@10", "recall@50", "recall@100"),
    *("overlap@10", "ndcg_float@10", "score_error", "rank_correlation"),
]
AGAINST_QRELS = ["ndcg@10", "qrels_recall@10", "qrels_recall@100", "map@10", "mrr@10"]


def answers(k: int = 2, **given: object) -> Answers:
    """Three queries over four documents on a line; the second query's answer is wrong."""
    known = {
        "ids": np.array([[0, 1, 2], [3, 0, 1], [2, 3, -1]])[:, :k],
        "distances": np.array([[0.0, 0.1, 0.2], [0.9, 0.5, 0.4], [0.0, 0.1, np.inf]])[:, :k],
        "true_ids": np.array([[0, 1], [1, 0], [2, 3]]),
        "true_distances": np.array([[0.0, 0.1], [0.4, 0.5], [0.0, 0.1]]),
        "distance": "angular",
        "scores": None,
        "ties": None,
        "qrels": None,
        "judged_everywhere": True,
        "own": np.full(3, -1),
        "query_ids": None,
        "document_ids": None,
        "distances_to": lambda query, ids: np.zeros(len(ids)),
    }
    return Answers(**known | given)  # type: ignore[arg-type]


def test_names_and_order_are_those_of_the_exports():
    bounds = [f"{name}_{end}" for name in ("recall@10", "ndcg@10") for end in ("low", "expected", "high")]
    assert list(MEASURES) == [*AGAINST_FLOAT, *AGAINST_QRELS, *bounds]
    assert [name for name, one in MEASURES.items() if one.against == "qrels"] == [*AGAINST_QRELS, *bounds[3:]]
    assert [name for name, one in MEASURES.items() if not one.larger_is_better] == ["score_error"]
    assert [one.depth for name, one in MEASURES.items() if name.startswith("recall@") and "_" not in name] == [
        *(1, 5, 10, 50, 100)
    ]


def test_the_page_lists_the_definitions_word_for_word():
    listed = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert listed == [
        f"| `{m.name}` | {m.against} | {'larger' if m.larger_is_better else 'smaller'} | {m.definition} |"
        for m in MEASURES.values()
    ]


def test_what_does_not_apply_is_absent():
    assert set(compute(answers())) == {"recall@1"}
    assert compute(answers())["recall@1"].tolist() == [1, 0, 1]
    with_scores = compute(answers(scores=np.array([[1.0, 0.9], [0.1, 0.5], [1.0, 0.9]])))
    assert set(with_scores) == {"recall@1", "score_error", "rank_correlation"}
    # The true scores are .1 and .5 as well: what is left for an affine map is nothing.
    assert with_scores["score_error"] == pytest.approx([0, 0, 0], abs=1e-12)


@pytest.fixture
def added():
    """A measure registered for one test."""

    @measure(
        "first_is_{row}", against="float", definition="whether row {row} comes first", values=[{"row": 3}], version=7
    )
    def first_is(given: Answers, row: int) -> np.ndarray:
        return (given.ids[:, 0] == row).astype(np.float64)

    yield "first_is_3"
    del registry._MEASURES["first_is_3"]


def test_a_new_measure_is_one_place(added):
    assert compute(answers())[added].tolist() == [0, 1, 0]
    assert MEASURES[added].definition == "whether row 3 comes first"
    assert list(MEASURES)[-1] == added
    assert versions()[added] == 7


def test_an_unknown_measure_suggests_the_nearest(tmp_path):
    with pytest.raises(UserError, match=r"unknown measure 'recal@10'; did you mean recall@10"):
        Figures(tmp_path, "", "", [], {}).interval("recal@10")
