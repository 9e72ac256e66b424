import ir_measures
import numpy as np
import pytest
from ir_measures import AP, RR, R, nDCG
from numpy.random import PCG64, Generator

from binbench import UserError
from binbench.measures.relevance import judged_queries, relevance
from binbench.report.trec import write_qrels, write_run

MEASURES = {"ndcg@10": nDCG @ 10, "recall@10": R @ 10, "recall@100": R @ 100, "map@10": AP @ 10, "mrr@10": RR @ 10}


def test_lines(tmp_path):
    doc_ids, query_ids = ["d0", "d1", "q1", "Ünï"], ["q0", "q1"]
    write_run(tmp_path / "run", np.array([[3, 0, 3, -1], [2, 1, 0, -1]]), query_ids, doc_ids, "binary256")
    assert (tmp_path / "run").read_text(encoding="utf-8").splitlines() == [
        "q0 Q0 Ünï 1 4 binary256",
        "q0 Q0 d0 2 3 binary256",
        "q1 Q0 d1 1 4 binary256",
        "q1 Q0 d0 2 3 binary256",
    ]
    write_qrels(tmp_path / "qrels", np.array([[1, 0, 2], [0, 3, 0]]), query_ids, doc_ids)
    assert (tmp_path / "qrels").read_text(encoding="utf-8").splitlines() == ["q1 0 d0 2", "q0 0 Ünï 0"]


def test_ir_measures_gives_our_figures(tmp_path):
    random = Generator(PCG64(6))
    queries, documents, k = 30, 400, 120
    ids = np.array([random.permutation(documents)[:k] for _ in range(queries)])
    ids[3] = -1
    ids[4, 5:] = -1
    ids[5, 8] = ids[5, 2]
    # Queries 20 and later are not judged; query 7 has no relevant document.
    qrels = np.array([(q, d, random.integers(0, 4)) for q in range(20) for d in random.permutation(documents)[:60]])
    qrels[qrels[:, 0] == 7, 2] = 0
    # Every third query is a document too, ranked first for its own query.
    doc_ids = [f"doc{d}" for d in range(documents)]
    query_ids = [doc_ids[q] if q % 3 == 0 else f"query{q}" for q in range(queries)]
    ids[6] = np.insert(ids[6][ids[6] != 6], 0, 6)[:k]

    write_run(tmp_path / "run", ids, query_ids, doc_ids, "test")
    write_qrels(tmp_path / "qrels", qrels, query_ids, doc_ids)
    read_qrels = list(ir_measures.read_trec_qrels(str(tmp_path / "qrels")))
    read_run = list(ir_measures.read_trec_run(str(tmp_path / "run")))
    theirs = {
        (value.query_id, str(value.measure)): value.value
        for value in ir_measures.iter_calc(list(MEASURES.values()), read_qrels, read_run)
    }
    means = ir_measures.calc_aggregate(list(MEASURES.values()), read_qrels, read_run)
    ours = relevance(qrels, ids, queries, query_ids, doc_ids)
    for name, measure in MEASURES.items():
        expected = [theirs[query_ids[q], str(measure)] for q in judged_queries(qrels)]
        np.testing.assert_allclose(ours[name], expected, atol=1e-6)
        assert ours[name].mean() == pytest.approx(means[measure], abs=1e-6)
        assert 0 < ours[name].mean() < 1


@pytest.mark.parametrize("bad", ["two words", "tab\tid", "", " padded", "line\n", "no\u00a0break"])
def test_names_the_format_cannot_express_are_refused(tmp_path, bad):
    path, ids = tmp_path / "out", np.array([[0]])
    for arguments in [([bad], ["d"], "tag"), (["q"], [bad], "tag"), (["q"], ["d"], bad)]:
        with pytest.raises(UserError, match="cannot stand in a TREC file"):
            write_run(path, ids, *arguments)
    with pytest.raises(UserError, match="document id"):
        write_qrels(path, np.array([[0, 0, 1]]), ["q"], [bad])
    assert not path.exists()


def test_a_failed_write_leaves_nothing(tmp_path):
    with pytest.raises(ValueError, match="zip"):
        write_run(tmp_path / "run", np.array([[0], [0]]), ["q"], ["d"], "tag")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="cannot write"):
        write_run(tmp_path, np.array([[0]]), ["q"], ["d"], "tag")
