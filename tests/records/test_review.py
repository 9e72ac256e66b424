"""Reviews of stored results: families of comparisons, and results that cannot be judged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from commands import snapshot
from raw import Raw

from binbench.errors import UserError
from binbench.harness.figures import evaluate
from binbench.harness.jobs import Job
from binbench.harness.results import write_failure
from binbench.harness.worker import perform
from binbench.records.pairs import COMPARED
from binbench.records.review import Group, review
from binbench.report.evaluation import review_as_json

NAMES = ("float", "binary64", "binary128", "pq8", "int8")


@pytest.fixture(scope="module")
def made(small_set, tmp_path_factory) -> Path:
    """A results folder; `data` beside it holds the set."""
    folder = tmp_path_factory.mktemp("review")
    (folder / "data").mkdir()
    shutil.copy(small_set.path, folder / "data")
    for name in NAMES:
        assert perform(job(small_set, name, folder / "results")) == ("ok", "")
    return folder


def job(embeddings, name: str, results: Path) -> Job:
    return Job(
        set_path=embeddings.path,
        set_name=embeddings.name,
        set_fingerprint=embeddings.fingerprint,
        instance=name,
        count=20,
        runs=1,
        results_dir=results,
    )


@pytest.fixture
def folder(made, tmp_path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(made, tmp_path / "copy"))


def reviewed(folder: Path, datasets=(), measures=COMPARED, force: bool = False) -> tuple[list[Group], list[str]]:
    """What `binbench evaluate` finds in `folder`: groups, and what is left out."""
    records, left_out = evaluate(folder / "results", folder / "data", datasets, force)
    return review(records, measures), left_out


def stored(folder: Path, name: str) -> Path:
    return next((folder / "results").rglob(f"{name}_*.hdf5"))


def test_every_method_meets_float_and_binary_meets_pq_at_equal_bytes(folder):
    (group,), left_out = reviewed(folder)
    assert not left_out
    assert {record.status for record in group.records} == {"ok"}
    one = group.condition
    assert (one.k, one.mode, one.threads, one.seed) == (20, "batch", 1, 0)
    pairs = {
        measure: [(c.a.method, c.b.method) for c in group.contrasts if c.measure == measure]
        for measure in ("recall@10", "ndcg@10")
    }
    expected = {(name, "float") for name in NAMES[1:]} | {("binary64", "pq8")}
    assert set(pairs["recall@10"]) == set(pairs["ndcg@10"]) == expected
    assert len(pairs["recall@10"]) == 5


def test_holm_runs_over_the_contrasts_of_one_measure(folder):
    (group,), _ = reviewed(folder, measures=["recall@10", "overlap@10"])
    for measure in ("recall@10", "overlap@10"):
        family = sorted((c for c in group.contrasts if c.measure == measure), key=lambda c: c.comparison.p_value)
        assert len(family) == 5
        highest = 0.0
        for rank, contrast in enumerate(family):
            highest = max(highest, min(1, contrast.comparison.p_value * (len(family) - rank)))
            assert contrast.p_holm == pytest.approx(highest)


def test_without_float_there_is_less_to_compare(folder):
    stored(folder, "float").unlink()
    (group,), _ = reviewed(folder)
    assert {(c.a.method, c.b.method) for c in group.contrasts} == {("binary64", "pq8")}
    assert sum(record.figures is not None for record in group.records) == 4


def test_failed_results_keep_their_row(folder, small_set):
    write_failure(job(small_set, "pq8", folder / "results"), {}, "timeout", "took longer than 1 s", small_set)
    groups, left_out = reviewed(folder)
    (group,) = groups
    assert [record.method for record in group.records if record.status != "ok"] == ["pq8"]
    assert len(group.records) == 5
    assert sum(record.figures is not None for record in group.records) == 4
    (row,) = (row for row in review_as_json(groups, left_out)["groups"][0]["results"] if row["name"] == "pq8")
    assert (row["status"], row["measures"]) == ("timeout", {})


def test_results_that_cannot_be_judged_are_named_and_left_out(folder):
    with h5py.File(stored(folder, "int8"), "a") as file:
        file.attrs["set_fingerprint"] = "of other vectors"
    stored(folder, "pq8").write_bytes(b"no HDF5")
    with h5py.File(stored(folder, "binary128"), "a") as file:
        del file.attrs["inputs"]
    shutil.copytree(folder / "results" / "small", folder / "results" / "gone")
    for path in (folder / "results" / "gone").rglob("*.hdf5"):
        if path.name.startswith("float"):
            with h5py.File(path, "a") as file:
                file.attrs["dataset"] = "gone"
        else:
            path.unlink()
    groups, left_out = reviewed(folder)
    reasons = sorted(left_out)
    assert len(reasons) == 4
    for name, reason in (
        ("binary128_", "another tool's result"),
        ("float_", "its embedding set gone is not in"),
        ("int8_", "was measured on other vectors"),
        ("pq8_", "not a readable HDF5 file"),
    ):
        assert sum(name in line and reason in line for line in reasons) == 1
    assert [record.method for record in groups[0].records] == ["binary64", "float"]


def test_sets_are_chosen_by_name_dataset_glob_or_file(folder, tmp_path):
    for wanted in ("small", "sm*", str(folder / "data" / "small.hdf5")):
        assert len(reviewed(folder, [wanted])[0]) == 1
    moved = shutil.move(folder / "data" / "small.hdf5", tmp_path / "small.hdf5")
    assert len(reviewed(folder, [str(moved)])[0]) == 1
    with pytest.raises(UserError, match="no results of scifact below"):
        reviewed(folder, ["scifact"])
    with pytest.raises(UserError, match="no results below"):
        evaluate(folder / "nothing", folder / "data")
    with pytest.raises(UserError, match="unknown measure 'recall10'; did you mean recall@10"):
        review([], measures=["recall10"])


def test_json_is_strict_and_complete(folder):
    with h5py.File(stored(folder, "binary64"), "a") as file:
        # A method without any answer has no rank correlation.
        file["scores"][:] = -np.inf
    groups, left_out = reviewed(folder)
    text = json.dumps(review_as_json(groups, left_out), allow_nan=False)
    (group,) = json.loads(text)["groups"]
    rows = {row["name"]: row["measures"] for row in group["results"]}
    assert "rank_correlation" not in rows["binary64"]
    assert rows["binary128"]["recall@10"].keys() == {"estimate", "low", "high"}
    (pq8,) = (record for record in groups[0].records if record.method == "pq8")
    assert rows["pq8"]["ndcg@10"]["estimate"] == pytest.approx(np.nanmean(pq8.values("ndcg@10")))
    assert len(group["comparisons"]) == 10
    assert group["comparisons"][0].keys() == {
        *("a", "b", "measure", "queries", "mean_a", "mean_b", "difference", "ratio"),
        *("p_value", "p_holm", "wins", "ties", "losses"),
    }


def measurements(folder: Path) -> dict[Path, dict[str, bytes]]:
    """What no judging may touch, bit for bit, of every result."""
    names = ("times", "neighbors", "distances", "scores", "repeat_seconds")
    return {
        path: {name: Raw(path).array(name).tobytes() for name in names} for path in (folder / "results").rglob("*.hdf5")
    }


def test_reviewing_measures_nothing_again(folder):
    measured = measurements(folder)
    assert len(measured) == len(NAMES)
    reviewed(folder)
    before = snapshot(folder)
    reviewed(folder)
    assert snapshot(folder) == before
    reviewed(folder, force=True)
    after = snapshot(folder)
    assert after.keys() == before.keys()
    assert all(after[str(path)] != before[str(path)] for path in measured)
    assert after[str(folder / "data" / "small.hdf5")] == before[str(folder / "data" / "small.hdf5")]
    assert measurements(folder) == measured
    assert {Raw(path).status for path in measured} == {"ok"}


def test_changed_judgements_are_judged_by_and_nothing_is_measured(folder):
    """`evaluate` after the set's judgements were mended: every document that was relevant no longer is, others are."""
    (before,), _ = reviewed(folder)
    measured = measurements(folder)
    with h5py.File(folder / "data" / "small.hdf5", "a") as file:
        tenth = file["neighbors"][:, 9]
        qrels = np.stack([np.arange(20), tenth, np.ones(20, int)], axis=1).astype(np.int32)
        del file["qrels"]
        file["qrels"] = qrels
    (after,), left_out = reviewed(folder)
    assert left_out == []
    assert measurements(folder) == measured
    old, new = ({record.method: record for record in group.records} for group in (before, after))
    # float finds the one relevant document at rank ten.
    assert new["float"].mean("ndcg@10") == pytest.approx(1 / np.log2(11), abs=1e-6)
    assert new["float"].mean("mrr@10") == pytest.approx(0.1)
    assert old["float"].mean("ndcg@10") == pytest.approx(1)
    for name, record in new.items():
        assert record.interval("recall@10") == old[name].interval("recall@10")
        found = {c.measure: c.comparison for c in after.contrasts if (c.a.method, c.b.method) == (name, "float")}
        if name != "float":
            assert found["ndcg@10"].mean_a == pytest.approx(record.values("ndcg@10").mean())
            assert found["ndcg@10"].mean_b == pytest.approx(1 / np.log2(11), abs=1e-6)


def test_a_method_without_a_seed_stands_beside_those_of_every_seed(small_set, tmp_path):
    (tmp_path / "data").mkdir()
    shutil.copy(small_set.path, tmp_path / "data")
    for name, seeds in {"float": (None,), "int8": (None,), "binary64": (1, 2), "binary128": (2,)}.items():
        for seed in seeds:
            asked = job(small_set, name, tmp_path / "results").model_copy(update={"seed": seed})
            assert perform(asked) == ("ok", "")
    groups, _ = reviewed(tmp_path, measures=["recall@10"])
    assert [(group.condition.seed, [record.method for record in group.records]) for group in groups] == [
        (1, ["binary64", "float", "int8"]),
        (2, ["binary64", "binary128", "float", "int8"]),
    ]
    # Holm's correction takes the comparisons of one group as its family.
    assert [len(group.contrasts) for group in groups] == [2, 3]
