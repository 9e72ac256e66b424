"""Figures of stored results: values worked out again by hand or by other libraries, ties, staleness, damage."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import ir_measures
import numpy as np
import pytest
from commands import snapshot
from conftest import unit
from ir_measures import AP, RR, R, nDCG
from raw import Raw
from scipy.stats import spearmanr

from binbench.errors import UserError
from binbench.harness import figures as figures_module
from binbench.harness.figures import judge, settle
from binbench.harness.jobs import Job
from binbench.harness.worker import perform
from binbench.measures.bootstrap import mean_ci
from binbench.measures.registry import MEASURES
from binbench.measures.relevance import in_trec_order
from binbench.records import Figures, Record, read
from binbench.records.store import open_record
from binbench.report.trec import write_qrels, write_run
from binbench.sets.embeddings import EmbeddingSet, write_set
from binbench.sets.prepare import EncoderOptions, Preparation


def measured(embeddings: EmbeddingSet, instance: str, folder: Path, count: int = 100) -> Path:
    """The result of `instance`, measured in this process."""
    job = Job(
        set_path=embeddings.path,
        set_name=embeddings.name,
        set_fingerprint=embeddings.fingerprint,
        instance=instance,
        count=count,
        runs=1,
        results_dir=folder,
    )
    assert perform(job) == ("ok", "")
    return job.path({})


def evaluate(path: Path, embeddings: EmbeddingSet) -> Figures:
    """The figures of the result at `path`, computed anew and read back."""
    judge(path, embeddings)
    found = open_record(path).figures
    assert found is not None
    return found


@pytest.fixture(scope="module")
def stored(small_set: EmbeddingSet, tmp_path_factory) -> dict[str, Path]:
    """Results on the small set."""
    folder = tmp_path_factory.mktemp("results")
    return {name: measured(small_set, name, folder) for name in ("float", "binary64", "pq8")}


@pytest.fixture
def binary(small_set, tmp_path) -> Path:
    """A result that a test may spoil, without figures."""
    return measured(small_set, "binary64", tmp_path / "results")


def values_of(path: Path, embeddings: EmbeddingSet) -> dict[str, np.ndarray]:
    """Every measure's values per query."""
    found = evaluate(path, embeddings)
    return {name: found.values(name) for name in found.names}


def new_set(path: Path, train, test, ids=None, qrels=None, distance="angular") -> EmbeddingSet:
    return write_set(path, train.shape, [train], test, {"distance": distance}, ids=ids, qrels=qrels)


def test_every_measure_applies_and_has_its_own_values(stored, small_set):
    figures = evaluate(stored["binary64"], small_set)
    assert list(figures.names) == list(MEASURES)
    for name in MEASURES:
        values = figures.values(name)
        assert values.shape == (20,)
        assert figures.mean(name) == pytest.approx(values.mean())
        interval = figures.interval(name)
        assert list(interval) == pytest.approx(list(mean_ci(values)))
        assert interval.low <= interval.estimate <= interval.high


def test_against_float_by_sets(stored, small_set):
    result, values = Raw(stored["binary64"]), values_of(stored["binary64"], small_set)
    similarity = small_set.test.astype(np.float64) @ small_set.train.T.astype(np.float64)
    ranking = np.argsort(-similarity, axis=1)
    for cut in (1, 5, 10, 50, 100):
        hits = [
            len(set(mine) & set(true)) / cut
            for mine, true in zip(result.neighbors[:, :cut], ranking[:, :cut], strict=True)
        ]
        np.testing.assert_allclose(values[f"recall@{cut}"], hits, atol=1e-12)
    np.testing.assert_array_equal(values["overlap@10"], values["recall@10"])
    gains = np.zeros((20, 400))
    np.put_along_axis(gains, ranking[:, :10], np.arange(10, 0, -1)[None], axis=1)
    discounts = 1 / np.log2(np.arange(2, 12))
    dcg = np.take_along_axis(gains, result.neighbors[:, :10], axis=1) @ discounts
    np.testing.assert_allclose(values["ndcg_float@10"], dcg / (np.arange(10, 0, -1) @ discounts))


def test_scores_by_scipy_and_polyfit(stored, small_set):
    result, values = Raw(stored["pq8"]), values_of(stored["pq8"], small_set)
    true, own = 1 - result.distances.astype(np.float64), result.array("scores").astype(np.float64)
    np.testing.assert_allclose(
        values["rank_correlation"], [spearmanr(a, b).statistic for a, b in zip(true, own, strict=True)]
    )
    slope, offset = np.polyfit(own.ravel(), true.ravel(), 1)
    errors = np.abs(slope * own + offset - true).mean(axis=1) / np.abs(true).mean(axis=1)
    np.testing.assert_allclose(values["score_error"], errors, rtol=1e-6)
    exact = evaluate(stored["float"], small_set)
    assert exact.mean("score_error") < 1e-6
    assert list(exact.interval("rank_correlation")) == pytest.approx([1, 1, 1], abs=1e-6)


def test_recall_over_the_orders_of_ties_by_counting(stored, small_set):
    values = values_of(stored["binary64"], small_set)
    algorithm_scores = full_scores("binary64", small_set)
    neighbours = np.argsort(-(small_set.test @ small_set.train.T), axis=1)[:, :10]
    for query, (scores, near) in enumerate(zip(algorithm_scores, neighbours, strict=True)):
        bar = np.sort(scores)[-10]
        sure, tied = set(np.flatnonzero(scores > bar)), set(np.flatnonzero(scores == bar))
        free, found = 10 - len(sure), len(tied & set(near))
        base = len(sure & set(near))
        assert values["recall@10_low"][query] == pytest.approx((base + max(0, free - (len(tied) - found))) / 10)
        assert values["recall@10_high"][query] == pytest.approx((base + min(free, found)) / 10)
        assert values["recall@10_expected"][query] == pytest.approx((base + free * found / len(tied)) / 10)
    for measure in ("recall@10", "ndcg@10"):
        assert (values[f"{measure}_low"] <= values[measure] + 1e-12).all()
        assert (values[measure] <= values[f"{measure}_high"] + 1e-12).all()
    assert (values["recall@10_low"] < values["recall@10_high"]).any()


def full_scores(name: str, embeddings: EmbeddingSet) -> np.ndarray:
    """(Q, N) a method's score of every document."""
    from binbench.plugins.registry import ALGORITHMS

    algorithm = ALGORITHMS.get(name).create(dimension=embeddings.train.shape[1], seed=0)
    algorithm.fit(embeddings.train)
    ids, scores = algorithm.query(embeddings.test, len(embeddings.train))
    full = np.empty_like(scores)
    np.put_along_axis(full, ids, scores, axis=1)
    return full


@pytest.fixture
def own_set(tmp_path, rng) -> EmbeddingSet:
    """Every query is a document too, as in ArguAna, and two others are relevant."""
    train = unit(rng.standard_normal((200, 8)))
    names = [f"d{i}" for i in range(200)]
    order = np.argsort(-(train[:15] @ train.T), axis=1)
    qrels = np.array([(q, order[q, rank], 1) for q in range(15) for rank in (4, 11)], np.int32)
    return new_set(tmp_path / "own.hdf5", train, train[:15], (names, names[:15]), qrels)


def test_a_query_s_own_document_is_dropped_before_ndcg_and_its_bounds(own_set, tmp_path):
    values = values_of(measured(own_set, "binary64", tmp_path, count=50), own_set)
    ndcg = {end: values[f"ndcg@10_{end}"] for end in ("low", "expected", "high")}
    discounts = 1 / np.log2(np.arange(2, 12))
    for query, scores in enumerate(full_scores("binary64", own_set)):
        relevant = np.zeros(200)
        relevant[own_set.qrels[own_set.qrels[:, 0] == query, 1]] = 1
        others = np.delete(np.arange(200), query)
        for end, sign in (("low", 1), ("high", -1)):
            order = others[np.lexsort((sign * relevant[others], -scores[others]))][:10]
            expected = relevant[order] @ discounts / discounts[:2].sum()
            assert ndcg[end][query] == pytest.approx(expected)
    assert (ndcg["low"] <= ndcg["expected"]).all()
    assert (ndcg["expected"] <= ndcg["high"]).all()
    # The query itself, which is nearest, takes no place from the others.
    assert evaluate(measured(own_set, "float", tmp_path, count=50), own_set).mean("qrels_recall@10") == 0.5


def test_with_ten_results_and_own_documents_bounds_of_ndcg_are_not_given(own_set, tmp_path):
    figures = evaluate(measured(own_set, "binary64", tmp_path, count=10), own_set)
    assert figures.mean("ndcg@10_low") is None
    assert figures.mean("recall@10_low") is not None


def test_more_equal_documents_than_neighbours_are_stored(tmp_path, rng):
    train = np.concatenate([np.tile(unit(rng.standard_normal((1, 8))), (150, 1)), unit(rng.standard_normal((50, 8)))])
    embeddings = new_set(tmp_path / "same.hdf5", train, train[:1] * np.float32(1))
    figures = evaluate(measured(embeddings, "binary64", tmp_path, count=100), embeddings)
    # Any ten of the 150 are right.
    found = [figures.mean(f"recall@10{end}") for end in ("", "_low", "_expected", "_high")]
    assert found == pytest.approx([1, 1, 1, 1])
    assert figures.mean("ndcg@10") is None


def test_queries_without_a_value_are_left_out_of_means(small_set, tmp_path):
    judged = small_set.qrels[small_set.qrels[:, 0] < 5]
    path = tmp_path / "few.hdf5"
    embeddings = new_set(path, small_set.train, small_set.test, (small_set.train_ids, small_set.test_ids), judged)
    result = measured(embeddings, "binary64", tmp_path)
    with h5py.File(result, "a") as file:
        for name, empty in (("neighbors", -1), ("distances", np.inf), ("scores", -np.inf)):
            file[name][1] = empty
    figures = evaluate(result, embeddings)
    ndcg, correlation = figures.values("ndcg@10"), figures.values("rank_correlation")
    # Judged but without results: 0. Not judged: no value.
    assert ndcg[1] == 0
    for measure in ("ndcg@10", "ndcg@10_low", "mrr@10"):
        assert np.flatnonzero(np.isnan(figures.values(measure))).tolist() == list(range(5, 20))
    assert figures.mean("ndcg@10") == pytest.approx(ndcg[:5].mean())
    assert figures.values("recall@10")[1] == 0
    assert np.flatnonzero(np.isnan(correlation)).tolist() == [1]
    answered = np.delete(correlation, 1)
    assert figures.mean("rank_correlation") == pytest.approx(answered.mean())
    assert list(figures.interval("rank_correlation")) == pytest.approx(list(mean_ci(answered)))


def test_euclidean_scores_have_no_error_in_float(tmp_path, rng):
    train, test = rng.standard_normal((2, 120, 6)).astype(np.float32)
    embeddings = new_set(tmp_path / "l2.hdf5", train, test[:9], distance="euclidean")
    figures = evaluate(measured(embeddings, "float", tmp_path, count=20), embeddings)
    assert figures.mean("score_error") < 1e-5
    assert figures.mean("recall@10") == 1
    assert figures.mean("recall@50") is None
    assert not any(measure.against == "qrels" for name, measure in MEASURES.items() if name in figures.names)


def test_measures_beyond_k_are_absent(small_set, tmp_path):
    figures = evaluate(measured(small_set, "binary64", tmp_path, count=5), small_set)
    assert list(figures.names) == ["recall@1", "recall@5", "score_error", "rank_correlation"]
    assert figures.mean("recall@10") is None
    with pytest.raises(UserError, match=r"unknown measure 'recal@10'; did you mean recall@10"):
        figures.mean("recal@10")


def settled(path: Path, embeddings: EmbeddingSet, **options) -> Record:
    """The record at `path` below ``results``, judged where it has to be."""
    results_dir = path.parents[3]
    records, troubles = settle(results_dir, [path], {embeddings.name: embeddings}, **options)
    assert troubles == []
    return records[0]


@pytest.fixture
def calls(monkeypatch) -> list[Path]:
    """The results that are judged."""
    found: list[Path] = []
    judged = figures_module.judge

    def noted(path, *given):
        found.append(path)
        judged(path, *given)

    monkeypatch.setattr(figures_module, "judge", noted)
    return found


def test_figures_are_computed_once_and_kept_with_the_result(binary, small_set, calls):
    first = settled(binary, small_set)
    assert calls == [binary]
    before = binary.stat().st_mtime_ns
    again = settled(binary, small_set)
    assert calls == [binary]
    assert binary.stat().st_mtime_ns == before
    for name in MEASURES:
        assert again.interval(name) == first.interval(name)
        np.testing.assert_array_equal(again.values(name), first.values(name))
    settled(binary, small_set, force=True)
    assert calls == [binary, binary]


@pytest.mark.parametrize("count", [5, 100])
def test_what_is_settled_is_not_written_again(small_set, tmp_path, count):
    """With five results per query there is nothing that methods are compared by."""
    paths = [measured(small_set, name, tmp_path / "results", count) for name in ("float", "binary64")]
    sets = {small_set.name: small_set}
    records, _ = settle(tmp_path / "results", paths, sets)
    assert {bool(record.stored_contrasts) for record in records} == {count == 100}
    before = snapshot(tmp_path / "results")
    settle(tmp_path / "results", paths, sets)
    assert snapshot(tmp_path / "results") == before


def test_a_result_does_not_grow_by_being_judged(binary, small_set):
    sizes = []
    for _ in range(5):
        settled(binary, small_set, force=True)
        sizes.append(binary.stat().st_size)
    # The first time puts members in another order.
    assert len(set(sizes[1:])) == 1
    assert sizes[1] < 1.01 * sizes[0]


def members(path: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """Every array and every attribute of a file: types, shapes and contents, bit for bit."""
    with h5py.File(path) as file:
        arrays = {name: repr((file[name].dtype, file[name].shape)).encode() + file[name][:].tobytes() for name in file}
        return arrays, {name: repr((type(value), value)).encode() for name, value in file.attrs.items()}


def without_dataset(file: h5py.File) -> None:
    del file["figures"]


def without_a_row(file: h5py.File) -> None:
    rows = file["figures"][:-1]
    del file["figures"]
    file["figures"] = rows


def without_attribute(file: h5py.File) -> None:
    del file.attrs["figures"]


def of_another_form(text: str):
    def spoil(file: h5py.File) -> None:
        file.attrs["figures"] = text

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [
        *(without_dataset, without_a_row, without_attribute),
        *map(of_another_form, ("{}", "[]", "null", "3", '{"schema": 3, "means": {}}')),
    ],
)
def test_damaged_figures_are_computed_anew(binary, small_set, calls, spoil):
    first = settled(binary, small_set)
    whole = members(binary)
    with h5py.File(binary, "a") as file:
        spoil(file)
    (spoilt,) = read(binary.parents[3])
    assert (spoilt.status, spoilt.mean("ndcg@10")) == ("ok", None)
    again = settled(binary, small_set)
    assert calls == [binary, binary]
    assert again.mean("ndcg@10") == first.mean("ndcg@10") > 0
    assert members(binary) == whole


def test_the_mean_of_every_measure_is_that_of_its_own_values(binary, small_set):
    """The order in which values are stored is that of the names beside them."""
    record = settled(binary, small_set)
    stored = Raw(binary)
    assert len(stored["figures"]["names"]) == len(stored.array("figures")) == len(MEASURES)
    for name, values in zip(stored["figures"]["names"], stored.array("figures"), strict=True):
        assert record.mean(name) == pytest.approx(np.nanmean(values)), name
        np.testing.assert_array_equal(record.values(name), values)


def test_what_was_measured_is_left_as_it_was_bit_for_bit(binary, small_set):
    arrays, attributes = members(binary)
    assert {"times", "neighbors", "distances", "scores", "repeat_seconds", "tied_ids"} <= arrays.keys()
    settled(binary, small_set)
    settled(binary, small_set, force=True)
    judged = members(binary)
    assert judged[0].keys() - arrays.keys() == {"figures"}
    assert judged[1].keys() - attributes.keys() == {"figures", "contrasts"}
    assert {name: judged[0][name] for name in arrays} == arrays
    assert {name: judged[1][name] for name in attributes} == attributes


def test_another_definition_makes_figures_stale(binary, small_set, calls, monkeypatch):
    settled(binary, small_set)
    monkeypatch.setattr(figures_module, "_definitions", lambda: "another")
    settled(binary, small_set)
    assert calls == [binary, binary]


def test_new_judgements_give_new_figures(small_set, tmp_path, calls):
    path = tmp_path / "small.hdf5"
    shutil.copy(small_set.path, path)
    embeddings = EmbeddingSet.open(path)
    result = measured(embeddings, "binary64", tmp_path / "results")
    before = settled(result, embeddings)
    with h5py.File(path, "a") as file:
        file["qrels"][:, 2] = 0
    after = settled(result, EmbeddingSet.open(path))
    assert len(calls) == 2
    assert before.mean("ndcg@10") > 0
    assert after.mean("ndcg@10") == 0
    assert after.mean("recall@10") == before.mean("recall@10")


def test_results_that_the_set_cannot_judge_are_refused(stored, own_set):
    with pytest.raises(UserError, match="was measured on other vectors"):
        judge(stored["float"], own_set)


def test_a_result_without_answers_is_refused(binary, small_set, calls):
    with h5py.File(binary, "a") as file:
        file.attrs["status"], file.attrs["reason"] = "timeout", "took too long"
    before = members(binary)
    with pytest.raises(UserError, match=r"has no answers \(timeout: took too long\)"):
        judge(binary, small_set)
    calls.clear()
    assert settled(binary, small_set).figures is None
    assert calls == []
    assert members(binary) == before


def test_a_result_without_its_answers_is_named(binary, small_set):
    with h5py.File(binary, "a") as file:
        del file["distances"]
    with pytest.raises(UserError, match="is damaged: it has no 'distances'"):
        judge(binary, small_set)
    (record,), _ = settle(binary.parents[3], [binary], {small_set.name: small_set})
    assert (record.status, record.figures) == ("unreadable", None)
    assert record.reason.startswith(f"{binary} is damaged: it has no 'distances'")


def test_ir_measures_gives_the_figures_of_a_real_run(beir_dir, tmp_path, monkeypatch):
    monkeypatch.setenv("BINBENCH_BEIR_DIR", str(beir_dir))
    if not (beir_dir / "nfcorpus").is_dir():
        pytest.skip("nfcorpus is not among the real collections")
    from binbench.sets.corpus import SourceOptions

    source = SourceOptions.from_environment()
    embeddings = Preparation("nfcorpus", EncoderOptions("lsa32"), source, tmp_path).run()
    result = measured(embeddings, "binary64", tmp_path)
    figures = evaluate(result, embeddings)
    answers = Raw(result)
    ranking = in_trec_order(answers.neighbors, answers.distances, embeddings.train_ids)
    write_run(tmp_path / "run", ranking, embeddings.test_ids, embeddings.train_ids, "binary64")
    write_qrels(tmp_path / "qrels", embeddings.qrels, embeddings.test_ids, embeddings.train_ids)
    theirs = ir_measures.calc_aggregate(
        [nDCG @ 10, R @ 10, R @ 100, AP @ 10, RR @ 10],
        list(ir_measures.read_trec_qrels(str(tmp_path / "qrels"))),
        list(ir_measures.read_trec_run(str(tmp_path / "run"))),
    )
    names = {"nDCG@10": "ndcg@10", "R@10": "qrels_recall@10", "R@100": "qrels_recall@100", "AP@10": "map@10"}
    for measure, value in theirs.items():
        assert figures.mean(names.get(str(measure), "mrr@10")) == pytest.approx(value, abs=1e-6)
        assert value > 0.001
