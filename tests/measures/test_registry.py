"""The measures' definitions, the page that lists them, and what it takes to add one."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from binbench.errors import UserError
from binbench.measures import relevance, ties
from binbench.measures.answers import Answers, Ties
from binbench.measures.registry import MEASURES, Measure, compute, measure, versions
from binbench.records.columns import COLUMNS
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


def test_the_order_does_not_follow_who_imports_what_first():
    code = "import binbench.measures.ties; from binbench.measures.registry import MEASURES; print(*MEASURES)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == list(MEASURES)


def test_the_page_lists_the_definitions_word_for_word():
    table = [
        f"| `{m.name}` | {m.against} | {'larger' if m.larger_is_better else 'smaller'} | {m.definition} |"
        for m in MEASURES.values()
    ]
    listed = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert listed == table, "the table of docs/metrics.md has to be\n" + "\n".join(table)


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
    MEASURES.remove("first_is_3")


def test_a_new_measure_is_one_place(added):
    assert compute(answers())[added].tolist() == [0, 1, 0]
    assert MEASURES[added].definition == "whether row 3 comes first"
    assert list(MEASURES)[-1] == added
    assert versions()[added] == 7
    assert COLUMNS[added].description.endswith("mean over queries: whether row 3 comes first")
    assert [name for name in COLUMNS if name.startswith(added)] == [added, f"{added}_ci_low", f"{added}_ci_high"]


def test_a_measure_that_is_gone_has_no_column():
    assert "first_is_3" not in COLUMNS
    assert "first_is_3" not in MEASURES


def test_two_measures_of_one_name_are_refused(added):
    with pytest.raises(UserError, match=r"two measures are called 'recall@10'"):
        measure("recall@{k}", against="float", definition="", values=[{"k": 10}])(lambda given, k: None)


@pytest.mark.parametrize(("name", "given", "depth"), [("a@20_low", None, 20), ("b", None, 0), ("c@20", 3, 3)])
def test_the_depth_is_the_cut_in_the_name_unless_it_is_given(name, given, depth):
    measure(name, against="float", definition="", depth=given)(lambda given: None)
    try:
        assert MEASURES[name].depth == depth
    finally:
        MEASURES.remove(name)


def test_a_measure_needs_its_depth_of_answers_truth_and_judgements():
    reached = []

    def function(given: Answers) -> np.ndarray:
        reached.append(given)
        return np.zeros(3)

    against_float, against_qrels = (
        Measure("a", against, True, "", 3, 1, "a", partial(function)) for against in ("float", "qrels")
    )
    judged = answers(k=3, qrels=np.array([[0, 0, 1]]))
    # There are two exact neighbors.
    assert against_float(judged) is None
    assert against_qrels(answers(k=2, qrels=judged.qrels)) is None
    assert against_qrels(answers(k=3)) is None
    assert not reached
    assert against_qrels(judged) is not None


def test_what_several_measures_need_is_computed_once(monkeypatch):
    calls = []
    for module, name in ((relevance, "relevance"), (ties, "recall_bounds"), (ties, "ndcg_bounds")):
        original = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *given, _name=name, _original=original: calls.append(_name) or _original(*given)
        )
    many = np.tile(np.arange(100), (2, 1))
    given = answers(
        ids=many,
        distances=many / 100,
        true_ids=many,
        true_distances=many / 100,
        qrels=np.array([[0, 3, 1]]),
        own=np.full(2, -1),
        ties=Ties(many[:, :20].ravel(), -many[:, :20].ravel() / 100, np.array([0, 20, 40])),
    )
    assert set(compute(given)) == {*MEASURES} - {"score_error", "rank_correlation"}
    assert sorted(calls) == ["ndcg_bounds", "recall_bounds", "relevance"]


def test_only_those_asked_for_are_computed():
    assert list(compute(answers(), ["recall@1", "recall@50"])) == ["recall@1"]
    with pytest.raises(UserError, match=r"unknown measure 'recall@2'; did you mean"):
        compute(answers(), ["recall@2"])


def test_an_unknown_measure_suggests_the_nearest(tmp_path):
    with pytest.raises(UserError, match=r"unknown measure 'recal@10'; did you mean recall@10"):
        Figures(tmp_path, "", "", [], {}).interval("recal@10")
