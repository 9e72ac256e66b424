import json
import math
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import pytrec_eval
from numpy.random import PCG64, Generator
from sklearn.metrics import ndcg_score

from binbench.measures import relevance as module
from binbench.measures.relevance import (
    evaluate_run,
    in_trec_order,
    judged_queries,
    own_documents,
    rankings,
    relevance,
)

TREC_NAMES = {"ndcg@10": "ndcg_cut_10", "recall@10": "recall_10", "recall@100": "recall_100", "map@10": "map_cut_10"}


def padded(*rows: list[int], k: int = 100) -> np.ndarray:
    ids = np.full((len(rows), k), -1, dtype=np.int32)
    for row, documents in zip(ids, rows, strict=True):
        row[: len(documents)] = documents
    return ids


def random_case(seed: int, queries: int = 20, documents: int = 300, k: int = 100):
    random = Generator(PCG64(seed))
    ids = np.array([random.permutation(documents)[:k] for _ in range(queries)])
    qrels = np.array(
        [(q, d, random.integers(0, 4)) for q in range(queries) for d in random.permutation(documents)[:40]]
    )
    return qrels, ids


def test_one_query_by_hand():
    qrels = np.array([[0, 1, 2], [0, 2, 1], [0, 5, 1], [0, 9, 0]])
    found = relevance(qrels, padded([3, 1, 9, 5]), 1)
    ideal = 2 + 1 / math.log2(3) + 1 / 2
    assert found["ndcg@10"] == pytest.approx([(2 / math.log2(3) + 1 / math.log2(5)) / ideal])
    assert found["recall@10"] == pytest.approx([2 / 3])
    assert found["map@10"] == pytest.approx([(1 / 2 + 2 / 4) / 3])
    assert found["mrr@10"] == pytest.approx([1 / 2])


def test_cuts():
    # The only relevant document stands at rank 10, 11, 100 and 101 (from 1).
    qrels = np.array([[q, 500, 1] for q in range(4)])
    ids = padded(*([*range(rank), 500] for rank in (9, 10, 99, 100)), k=101)
    found = relevance(qrels, ids, 4)
    assert found["mrr@10"].tolist() == [0.1, 0, 0, 0]
    assert found["map@10"].tolist() == [0.1, 0, 0, 0]
    assert found["recall@10"].tolist() == [1, 0, 0, 0]
    assert found["recall@100"].tolist() == [1, 1, 1, 0]
    assert found["ndcg@10"] == pytest.approx([1 / math.log2(11), 0, 0, 0])


def test_map_divides_by_all_relevant():
    qrels = np.array([[0, d, 1] for d in range(20)])
    assert relevance(qrels, padded(list(range(10))), 1)["map@10"] == pytest.approx([1 / 2])


def test_every_judged_query_counts_and_no_other():
    # Query 0 is not judged, 1 is judged without relevant documents, 2 has no results.
    qrels = np.array([[3, 7, 1], [1, 7, 0], [2, 7, 1]])
    assert judged_queries(qrels).tolist() == [1, 2, 3]
    for values in relevance(qrels, padded([7], [7], [], [7]), 4).values():
        assert values.tolist() == [0, 0, 1]


def test_shallow_runs_lack_the_deep_measures():
    qrels = np.array([[0, 0, 1]])
    assert "recall@100" in relevance(qrels, padded([0], k=100), 1)
    assert set(relevance(qrels, padded([0], k=10), 1)) == {"ndcg@10", "recall@10", "map@10", "mrr@10"}
    assert relevance(qrels, padded([0], k=9), 1) == {}


def test_the_order_is_the_ranking_whatever_the_ids_are():
    # trec_eval would put document 9 before document 10 ("9" > "10") if their scores tied.
    qrels = np.array([[0, 10, 1]])
    assert relevance(qrels, padded([10, 9]), 1)["mrr@10"] == [1]
    assert relevance(qrels, padded([9, 10]), 1)["mrr@10"] == [1 / 2]


def test_repeats_and_padding_are_dropped():
    qrels = np.array([[0, 4, 1]])
    assert relevance(qrels, padded([8, 8, -1, 4, 4]), 1)["mrr@10"] == [1 / 2]
    assert relevance(qrels, padded([8, 4, 4]), 1)["recall@10"] == [1]
    assert list(rankings(np.array([[8, 8, -1, 4, 4], [-1] * 5]))) == [[8, 4], []]


def test_the_querys_own_document_is_dropped_before_the_cut():
    query_ids, doc_ids = ["a", "b"], [f"d{i}" for i in range(10)] + ["a"]
    assert own_documents(query_ids, doc_ids).tolist() == [10, -1]
    qrels = np.array([[0, 9, 1], [1, 9, 1]])
    ids = padded([10, *range(10)], [10, *range(10)], k=11)
    assert relevance(qrels, ids, 2, query_ids, doc_ids)["mrr@10"].tolist() == [1 / 10, 0]
    assert relevance(qrels, ids, 2)["mrr@10"].tolist() == [0, 0]


def test_equality_with_pytrec_eval_called_directly(monkeypatch):
    monkeypatch.setattr(module, "BATCH", 7)
    qrels, ids = random_case(1)
    shuffled = Generator(PCG64(2)).permutation(qrels)
    found = relevance(shuffled, ids, len(ids))
    direct_qrels: dict[str, dict[str, int]] = {}
    for query, document, grade in qrels:
        direct_qrels.setdefault(f"q{query}", {})[f"d{document}"] = int(grade)
    run = {f"q{q}": {f"d{d}": 1 / (1 + rank) for rank, d in enumerate(row)} for q, row in enumerate(ids)}
    direct = pytrec_eval.RelevanceEvaluator(direct_qrels, set(TREC_NAMES.values())).evaluate(run)
    for name, trec_name in TREC_NAMES.items():
        np.testing.assert_array_equal(found[name], [direct[f"q{q}"][trec_name] for q in range(len(ids))])
    shallow = {q: dict(list(documents.items())[:10]) for q, documents in run.items()}
    truncated = pytrec_eval.RelevanceEvaluator(direct_qrels, {"recip_rank"}).evaluate(shallow)
    np.testing.assert_array_equal(found["mrr@10"], [truncated[f"q{q}"]["recip_rank"] for q in range(len(ids))])


def test_equality_with_scikit_learns_ndcg():
    documents = 60
    qrels, ids = random_case(3, documents=documents, k=documents)
    grades, scores = np.zeros((len(ids), documents)), np.zeros((len(ids), documents))
    grades[qrels[:, 0], qrels[:, 1]] = qrels[:, 2]
    np.put_along_axis(scores, ids, -np.arange(documents, dtype=float)[None], axis=1)
    expected = [ndcg_score(g[None], s[None], k=10) for g, s in zip(grades, scores, strict=True)]
    np.testing.assert_allclose(relevance(qrels, ids, len(ids))["ndcg@10"], expected, atol=1e-12)


def test_raw_scores_tie_by_document_id_descending():
    qrels = {"q": {"a": 1}, "unanswered": {"a": 1}}
    assert evaluate_run(qrels, {"q": {"a": 1.0, "b": 1.0}})["q"]["mrr@10"] == 1 / 2
    assert evaluate_run(qrels, {"q": {"b": 1.0, "a": 1.0}})["unanswered"]["recall@10"] == 0
    assert evaluate_run(qrels, {})["q"] == dict.fromkeys(module.TREC_NAMES, 0.0)


def test_shared_golden_vector():
    if not (beir := os.environ.get("BINBENCH_BEIR_DIR")):
        pytest.skip("BINBENCH_BEIR_DIR is not set")
    path = Path(beir).parent / "golden" / "metrics.json"
    if not path.is_file():
        pytest.skip(f"{path.name} is not there")
    golden = json.loads(path.read_text())
    raw = evaluate_run(golden["qrels"], golden["run"])["q1"]
    ours = {"ndcg@10": "ndcg_cut_10", "map@10": "map_cut_10", "mrr@10": "recip_rank"}
    for name, trec_name in ours.items():
        assert raw[name] == pytest.approx(golden["expected"][trec_name], abs=1e-6)
    # The same order, made explicit by rank.
    rows = {document: row for row, document in enumerate(golden["trec_order"])}
    qrels = np.array([[0, rows[document], grade] for document, grade in golden["qrels"]["q1"].items()])
    ranked = relevance(qrels, padded([rows[document] for document in golden["trec_order"]]), 1)
    for name, trec_name in ours.items():
        assert ranked[name] == pytest.approx([golden["expected"][trec_name]], abs=1e-6)


def test_memory_is_that_of_a_batch():
    def peak(queries: int) -> int:
        ids = np.tile(np.arange(1000, dtype=np.int32), (queries, 1))
        qrels = np.stack([np.arange(queries), np.full(queries, 50), np.ones(queries, int)], axis=1)
        tracemalloc.start()
        try:
            relevance(qrels, ids, queries)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1)  # imports pytrec_eval
    assert peak(4 * module.BATCH) < 1.2 * peak(module.BATCH)


def test_mistakes_are_refused():
    with pytest.raises(ValueError, match="ids has 1 rows for 2 queries"):
        relevance(np.array([[0, 0, 1]]), padded([0]), 2)
    with pytest.raises(ValueError, match="query rows 0 to 5 of 1 queries"):
        relevance(np.array([[0, 0, 1], [5, 0, 1]]), padded([0]), 1)
    assert relevance(np.empty((0, 3), int), padded([0]), 1)["ndcg@10"].shape == (0,)


def test_equal_distances_side_by_side_are_ordered_as_trec_eval_does() -> None:
    """pytrec_eval, given the true scores, is the judge."""
    names = ["b", "a", "d10", "d9", "c"]
    ids = np.array([[0, 1, 2, 3, 4], [4, 3, 2, -1, -1]])
    distances = np.array([[0.1, 0.1, 0.3, 0.3, 0.5], [0.2, 0.2, 0.2, np.inf, np.inf]])
    ordered = in_trec_order(ids, distances, names)
    assert ordered.tolist() == [[0, 1, 3, 2, 4], [3, 2, 4, -1, -1]]
    qrels = {"q": {"d9": 2, "a": 1}}
    by_score = {"q": {names[row]: 1 - distance for row, distance in zip(ids[0], distances[0], strict=True)}}
    by_rank = {"q": {names[row]: float(-rank) for rank, row in enumerate(ordered[0])}}
    assert evaluate_run(qrels, by_score) == evaluate_run(qrels, by_rank)
