"""Records against each other: by hand from their values, stored and kept, at equal bytes."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import h5py
import numpy as np
import pytest
from measured import Stored, by_method, job, rows_of
from raw import Raw
from scipy.stats import bootstrap

from binbench.errors import UserError
from binbench.harness.figures import evaluate, judge, settle
from binbench.harness.jobs import Job
from binbench.harness.worker import perform
from binbench.measures.comparison import compare as compare_values
from binbench.measures.registry import MEASURES
from binbench.records import Record, compare, read
from binbench.records.pairs import baseline_of, budgets, ratio, retention
from binbench.records.record import Sizes
from binbench.sets.embeddings import EmbeddingSet, write_set


def by_name(stored: Stored, batch: bool = True) -> dict[str, Record]:
    return {record.method: record for record in read(stored.results_dir) if record.batch == batch}


@pytest.fixture
def records(stored: Stored) -> dict[str, Record]:
    """Results in batch mode, settled."""
    return by_name(stored)


def settled(stored: Stored, *jobs: Job) -> None:
    """Measure `jobs` and settle their results, as one `binbench run` does: it knows of no others."""
    for one in jobs:
        assert perform(one) == ("ok", "")
    embeddings = stored.embeddings
    paths = [one.path({}) for one in jobs]
    assert settle(stored.results_dir, paths, {embeddings.name: embeddings})[1] == []


def changed(one: Job, **conditions: object) -> Job:
    return Job(**dict(one) | conditions)


def test_records_are_compared_by_query(records):
    found = compare(records["int8"], records["binary64"], "recall@10")
    assert found is not None
    difference = np.mean(records["int8"].values("recall@10") - records["binary64"].values("recall@10"))
    assert found.difference.estimate == pytest.approx(difference)
    assert found.queries == found.wins + found.ties + found.losses == 20


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("method", ["binary64", "pq8"])
def test_a_comparison_with_float_by_hand(records, method, measure):
    """From the values in the files alone; what was stored and what is computed when asked."""
    found = compare(records[method], records["float"], measure)
    files = [Raw(records[name].path) for name in (method, "float")]
    if any(measure not in file["figures"]["names"] for file in files):
        assert found is None
        return
    mine, theirs = (file.array("figures")[file["figures"]["names"].index(measure)] for file in files)
    both = ~(np.isnan(mine) | np.isnan(theirs))
    mine, theirs = mine[both], theirs[both]
    assert found.queries == both.sum() == 20
    assert (found.mean_a, found.mean_b) == pytest.approx((np.mean(mine), np.mean(theirs)))
    assert found.difference.estimate == pytest.approx(np.mean(mine - theirs))
    assert found.ratio.estimate == pytest.approx(mine.sum() / theirs.sum())
    larger, smaller = np.sum(mine - theirs > 1e-9), np.sum(theirs - mine > 1e-9)
    better, worse = (larger, smaller) if measure != "score_error" else (smaller, larger)
    assert (found.wins, found.ties, found.losses) == (better, 20 - better - worse, worse)


def test_interval_and_p_value_of_a_stored_comparison_by_scipy_and_enumeration(records):
    pq8, exact = records["pq8"], records["float"]
    assert Raw(pq8.path)["contrasts"].keys() == {"recall@10", "ndcg@10"}
    found = compare(pq8, exact, "ndcg@10")
    mine, theirs = pq8.values("ndcg@10"), exact.values("ndcg@10")
    differences = (mine - theirs)[mine != theirs]
    assert 1 < len(differences) < 10
    sums = [abs(np.dot(signs, differences)) for signs in product([1, -1], repeat=len(differences))]
    assert found.p_value == np.mean([total >= abs(differences.sum()) - 1e-9 for total in sums])
    for interval, statistic in (
        (found.difference, lambda a, b, axis: (a - b).mean(axis=axis)),
        (found.ratio, lambda a, b, axis: a.mean(axis=axis) / b.mean(axis=axis)),
    ):
        expected = bootstrap(
            (mine, theirs), statistic, paired=True, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1)
        ).confidence_interval
        assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high), abs=0.004)


def test_stored_comparisons_are_taken_and_are_those_of_the_values(records, monkeypatch):
    binary, exact = records["binary64"], records["float"]
    mine, theirs = (record.values("ndcg@10") for record in (binary, exact))
    assert set(Raw(binary.path)["contrasts"]) == {"recall@10", "ndcg@10"}
    monkeypatch.setattr("binbench.records.pairs.paired", None)
    assert compare(binary, exact, "ndcg@10") == compare_values(mine, theirs)
    with pytest.raises(TypeError):
        compare(binary, exact, "map@10")


def test_other_comparisons_are_computed_once(records, monkeypatch):
    found = compare(records["binary64"], records["pq8"], "map@10")
    assert found == compare_values(records["binary64"].values("map@10"), records["pq8"].values("map@10"))
    monkeypatch.setattr("binbench.records.pairs.paired", None)
    assert compare(records["binary64"], records["pq8"], "map@10") == found


def test_a_comparison_with_another_reference_is_not_taken(stored, records):
    """float measured anew with other answers: what was stored no longer holds."""
    path = records["float"].path
    before = records["binary64"].stored_contrasts["ndcg@10"]["with"]
    with h5py.File(path, "a") as file:
        for name in ("neighbors", "distances"):
            file[name][:10] = np.roll(file[name][:10], 10, axis=1)
    judge(path, stored.embeddings)
    kept, theirs = read(stored.results_dir, [records["binary64"].path, path])
    assert kept.stored_contrasts["ndcg@10"]["with"] == before != theirs.figures.key
    found = compare(kept, theirs, "ndcg@10")
    assert found == compare_values(kept.values("ndcg@10"), theirs.values("ndcg@10"))
    # The three relevant documents are the first three.
    assert found.mean_b == 0.5
    assert retention(kept) == (pytest.approx(kept.mean("ndcg@10") / 0.5), None)
    again, _ = settle(stored.results_dir, [kept.path], {"small": stored.embeddings})
    assert again[0].stored_contrasts["ndcg@10"]["with"] == theirs.figures.key
    assert compare(again[0], theirs, "ndcg@10") == found


def test_a_smaller_error_wins(records):
    found = compare(records["float"], records["binary64"], "score_error")
    assert (found.wins, found.ties, found.losses) == (20, 0, 0)
    assert found.difference.high < 0


def test_comparisons_that_make_no_sense(stored, records, tmp_path, rng):
    # float names no ties.
    assert compare(records["binary64"], records["float"], "ndcg@10_low") is None
    with pytest.raises(UserError, match="unknown measure 'acuracy'"):
        compare(records["binary64"], records["float"], "acuracy")
    train = stored.embeddings.train[::-1].copy()
    other = write_set(tmp_path / "other.hdf5", train.shape, [train], stored.embeddings.test, {"distance": "angular"})
    assert perform(job(other, stored.results_dir, "float")) == ("ok", "")
    (elsewhere,), _ = settle(stored.results_dir, [job(other, stored.results_dir, "float").path({})], {"other": other})
    with pytest.raises(UserError, match="no comparison"):
        compare(records["binary64"], elsewhere, "recall@10")


def test_without_judgements_there_is_no_retention(tmp_path, small_set: EmbeddingSet):
    train = small_set.train
    bare = write_set(tmp_path / "bare.hdf5", train.shape, [train], small_set.test, {"distance": "angular"})
    jobs = [job(bare, tmp_path / "results", name) for name in ("float", "int8")]
    for one in jobs:
        assert perform(one) == ("ok", "")
    records, troubles = settle(tmp_path / "results", [one.path({}) for one in jobs], {"bare": bare})
    assert troubles == []
    assert [retention(record) for record in records] == [None, None]
    assert [set(record.stored_contrasts) for record in records] == [{"recall@10"}] * 2


def intervals(stored: Stored) -> dict[tuple[str, str, int], tuple[float, ...]]:
    """Retention with its limits and p-value, by method, mode and threads."""
    names = ("retention", "retention_ci_low", "retention_ci_high", "retention_p_value")
    rows = [row for row in rows_of(stored) if row["status"] == "ok"]
    return {(row["method"], row["mode"], row["threads"]): tuple(row[name] for name in names) for row in rows}


def test_another_mode_other_threads_and_other_repeats_leave_every_interval_in_place(stored):
    """Each run settles what it was asked for; what earlier ones stored still holds, because float's values do."""
    first = intervals(stored)
    assert None not in {limit for limits in first.values() for limit in limits}
    exact, binary = (job(stored.embeddings, stored.results_dir, name) for name in ("float", "binary64"))
    settled(stored, changed(exact, mode="single"), changed(binary, mode="single"))
    assert intervals(stored) == first | {("float", "single", 1): first["float", "batch", 1]}
    settled(stored, changed(exact, threads=2), changed(binary, threads=2))
    settled(stored, changed(exact, runs=3))
    found = intervals(stored)
    assert {key: found[key] for key in first} == first
    assert found["binary64", "batch", 2] == first["binary64", "batch", 1]
    assert found["float", "batch", 2] == (1, 1, 1, 1)


def test_retention_is_the_share_of_float(stored, records):
    binary = records["binary64"]
    share, found = retention(binary)
    assert share == pytest.approx(binary.values("ndcg@10").sum() / records["float"].values("ndcg@10").sum())
    assert found == compare(binary, records["float"], "ndcg@10")
    row = by_method(rows_of(stored))["binary64"]
    assert (row["retention"], row["retention_ci_low"], row["retention_ci_high"]) == tuple(found.ratio)
    assert row["retention_p_value"] == found.p_value
    # Until the harness has stored a comparison there is the share alone.
    with h5py.File(binary.path, "a") as file:
        file.attrs["contrasts"] = "{}"
    alone = by_name(stored)["binary64"]
    assert retention(alone) == (pytest.approx(share), None)
    records["float"].path.unlink()
    assert retention(by_name(stored)["binary64"]) is None


def test_equal_bytes_bring_methods_together(stored, records):
    found = {budget.bytes_per_vector: budget for budget in budgets(records.values())}
    # hnsw16 is one instance with three query arguments: no company.
    assert found.keys() == {8.0}
    assert [record.method for record in found[8.0].records] == ["pq8", "binary64"]
    assert found[8.0].baseline == records["pq8"]
    assert ratio(records["pq8"], records["pq8"], "recall@10") is None
    assert ratio(records["binary64"], None, "recall@10") is None
    shared = ratio(records["binary64"], records["pq8"], "recall@10")
    values = [records[name].values("recall@10") for name in ("binary64", "pq8")]
    assert shared.estimate == pytest.approx(values[0].sum() / values[1].sum())
    assert shared.low < shared.estimate < shared.high


def test_the_baseline_is_pq_with_the_least_seed(stored, records):
    settled(stored, job(stored.embeddings, stored.results_dir, "pq8", seed=10))
    settled(stored, job(stored.embeddings, stored.results_dir, "pq8", seed=2))
    found = [record for record in read(stored.results_dir) if record.batch and record.seed != 0]
    assert baseline_of(found).seed == 2
    assert baseline_of([records["float"], records["binary64"]]) is None
    assert baseline_of([record for record in found if record.status != "ok"]) is None


def test_what_is_stored_survives_a_set_that_is_gone(stored: Stored) -> None:
    first = intervals(stored)
    records, left_out = evaluate(stored.results_dir, Path("/nowhere"))
    assert (records, len(left_out)) == ([], 11)
    assert intervals(stored) == first


def test_two_percent_more_bytes_are_equal_bytes():
    held = {"pq8": 8.0, "pqfs8": 8.03, "mine": 8.161, "pq9": 9.0, "other": 9.18}
    records = [
        Record.model_construct(
            path=Path(name),
            instance=name,
            family=name.rstrip("89"),
            status="ok",
            sizes=Sizes(
                codes_bytes_per_vector=size, extras_bytes_per_vector=0, rescore_bytes_per_vector=0, shared_bytes=0
            ),
        )
        for name, size in held.items()
    ]
    found = {budget.bytes_per_vector: {one.instance for one in budget.records} for budget in budgets(records)}
    assert found == {8: {"pq8", "pqfs8"}, 9: {"pq9", "other"}}
    assert [budget.baseline.instance for budget in budgets(records)] == ["pq8", "pq9"]
