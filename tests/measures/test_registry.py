"""The measures' definitions, and the page that lists them."""

from __future__ import annotations

from pathlib import Path

from binbench.harness.measures import CUTOFFS, MEASURES
from binbench.measures import relevance

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_every_measure_of_both_families_is_defined():
    assert list(MEASURES) == [measure.name for measure in MEASURES.values()]
    against_qrels = {f"qrels_{name}" if name.startswith("recall") else name for name in relevance.MEASURES}
    defined = {name for name, measure in MEASURES.items() if measure.against == "qrels"}
    assert defined == against_qrels | {"ndcg@10_low", "ndcg@10_expected", "ndcg@10_high"}
    assert {f"recall@{cut}" for cut in CUTOFFS} == {name for name in MEASURES if name.startswith("recall@")} - {
        f"recall@10_{end}" for end in ("low", "expected", "high")
    }
    assert [name for name, measure in MEASURES.items() if not measure.larger_is_better] == ["score_error"]


def test_the_page_lists_the_definitions_word_for_word():
    listed = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert listed == [
        f"| `{m.name}` | {m.against} | {'larger' if m.larger_is_better else 'smaller'} | {m.definition} |"
        for m in MEASURES.values()
    ]
