"""Subsets of a set's documents: which ones, their own truth, and that nothing is compared across sizes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measured import make_set

import binbench as bb
from binbench.errors import UserError
from binbench.harness.config import load_campaign
from binbench.harness.jobs import Job
from binbench.harness.options import RunOptions
from binbench.harness.run import plan_set
from binbench.records.pairs import compare
from binbench.records.record import Record
from binbench.records.review import review
from binbench.records.select import whole
from binbench.records.store import member, open_record, read
from binbench.report.charts.registry import charts
from binbench.report.plot import plot
from binbench.report.table import TableOptions, table
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.subsets import Subset

SIZES = 300, 350, 400


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[EmbeddingSet, Any, Path]:
    """400 documents, measured by 300, 350 and all."""
    folder = tmp_path_factory.mktemp("sizes")
    embeddings = make_set(folder / "data" / "small.hdf5")
    places = {"dataset": str(embeddings.path), "results_dir": folder / "results", "data_dir": folder / "data"}
    frame = bb.run(["binary64", "pq8"], documents=[300, 350, 5000], k=20, runs=1, seed=0, **places)
    return embeddings, frame, folder / "results"


def record_of(results_dir: Path, instance: str, documents: int) -> Record:
    (found,) = [one for one in read(results_dir) if (one.instance, one.documents) == (instance, documents)]
    return found


def test_subsets_are_nested_and_keep_the_judged_first(small_set: EmbeddingSet, tmp_path: Path) -> None:
    qrels = small_set.qrels
    assert qrels is not None
    judged = set(qrels[:, 1])
    rows = {n: set(Subset(small_set, n, tmp_path).rows) for n in (10, len(judged), 100, 399)}
    assert all(len(found) == n for n, found in rows.items())
    assert rows[10] < rows[len(judged)] < rows[100] < rows[399]
    assert rows[len(judged)] == judged
    # A sample, not the first ones: of 400 rows the mean is 199.5, with a standard error of some 10 for the others.
    others = [row for row in rows[399] - rows[100] if row not in judged]
    assert 160 < np.mean(list(rows[100] - judged)) < 240
    assert len(others) == 299


def test_answers_are_exact_within_the_subset(ran: tuple[EmbeddingSet, Any, Path]) -> None:
    embeddings, frame, results_dir = ran
    for documents in (300, 350):
        subset = Subset(embeddings, documents, results_dir / "small")
        ranked = np.argsort(-(embeddings.test @ embeddings.train[subset.rows].T), axis=1, kind="stable")
        expected = subset.rows[ranked[:, :20]]
        found = member(record_of(results_dir, "float", documents).path, "neighbors")
        assert (found == expected).all()
        assert (subset.truth[0][:, :20] == expected).all()
    assert (frame[frame["method"] == "float"]["recall@10"] == 1).all()
    coded = member(record_of(results_dir, "binary64", 300).path, "neighbors")
    tied = member(record_of(results_dir, "binary64", 300).path, "tied_ids")
    rows = Subset(embeddings, 300, results_dir / "small").rows
    assert coded is not None
    assert tied is not None
    assert np.isin(coded, rows).all()
    assert np.isin(tied, rows).all()
    truth = Subset(embeddings, 300, results_dir / "small").truth[0][:, :10]
    by_hand = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(truth, coded[:, :10], strict=True)])
    assert record_of(results_dir, "binary64", 300).mean("recall@10") == pytest.approx(by_hand)


def test_a_row_says_how_many_and_of_how_many(ran: tuple[EmbeddingSet, Any, Path]) -> None:
    frame = ran[1]
    assert list(frame["method"]) == [name for name in ("float", "binary64", "pq8") for _ in SIZES]
    assert list(frame["documents"]) == [*SIZES] * 3
    assert (frame["set_documents"] == 400).all()
    assert list(frame["subset"].fillna(False)) == [True, True, False] * 3
    assert list(frame["index_bytes"][:3]) == [64 * n for n in SIZES]
    one = frame.iloc[3]
    assert "documents=300" in one["file"]
    assert "--documents 300" in one["reproduce"]
    assert "documents" not in frame.iloc[5]["file"] + frame.iloc[5]["reproduce"]


def test_the_whole_set_keeps_its_place_and_its_identity(ran: tuple[EmbeddingSet, Any, Path]) -> None:
    embeddings, _, results_dir = ran
    options = RunOptions(results_dir=results_dir, counts=(20,), runs=1, documents=("all", 350, 400, 310))
    planned = {(one.job.instance, one.job.documents): one for one in plan_set(embeddings, ["binary64"], options)}
    states = {key: one.state for key, one in planned.items() if key[0] == "binary64"}
    assert states == {("binary64", None): "done", ("binary64", 350): "done", ("binary64", 310): "missing"}
    job = planned["binary64", None].job
    plain = Job(**job.model_dump(exclude={"documents", "sample"}))
    assert (plain.path({}), plain.inputs({})) == (job.path({}), job.inputs({}))
    assert len({one.job.inputs({}) for one in planned.values()}) == len(planned)


def test_nothing_is_compared_across_sizes(ran: tuple[EmbeddingSet, Any, Path]) -> None:
    _, frame, results_dir = ran
    small, large = (record_of(results_dir, "pq8", n) for n in (300, 400))
    for record in (small, large):
        assert record.reference is not None
        assert record.reference.documents == record.documents
        ndcg, of = record.mean("ndcg@10"), record.reference.mean("ndcg@10")
        assert ndcg is not None
        assert of is not None
        (row,) = frame.index[(frame["method"] == "pq8") & (frame["documents"] == record.documents)]
        assert frame["retention"][row] == pytest.approx(ndcg / of)
    with pytest.raises(UserError, match="pq8 on 300 documents of small and pq8 on 400"):
        compare(small, large, "recall@10")
    groups = review(read(results_dir))
    assert [{one.documents for one in group.records} for group in groups] == [{n} for n in SIZES]
    with pytest.raises(UserError, match="--count 320 is larger than the corpus: a subset of small has 300"):
        bb.run("pq8", dataset=str(ran[0].path), documents=[300, "all"], k=320, results_dir=results_dir)


def test_judgements_that_a_subset_has_lost(ran: tuple[EmbeddingSet, Any, Path], tmp_path: Path) -> None:
    embeddings, frame, _ = ran
    assert not frame["notes"].map(lambda notes: "judgements" in str(notes)).any()
    subset = Subset(embeddings, 10, tmp_path)
    # Query 0 keeps one of two relevant documents, query 1 none, though one that is not relevant; query 2 never had any.
    kept, lost = subset.rows[:3], np.setdiff1d(np.arange(400), subset.rows)[:2]
    judged = [(0, kept[0], 1), (0, lost[0], 2), (1, lost[1], 1), (1, kept[1], 0), (2, kept[2], 0)]
    less = replace(embeddings, path=embeddings.path)
    less.__dict__["qrels"] = np.array(judged, np.int32)
    again = Subset(less, 10, tmp_path)
    again.__dict__["rows"] = subset.rows
    assert again.qrels is not None
    assert again.qrels.tolist() == [[0, kept[0], 1], [2, kept[2], 0]]
    assert again.lost == "2 of 5 judgements are of the 10 documents"
    assert again.name != subset.name


def test_frontiers_and_pictures_are_of_one_size(ran: tuple[EmbeddingSet, Any, Path], tmp_path: Path) -> None:
    _, frame, results_dir = ran
    assert (bb.pareto(frame, "index_bytes", "recall@10")["documents"] == 400).all()
    with pytest.raises(UserError, match="a frontier is of one set or subset"):
        bb.pareto(frame[frame["documents"] < 400], "index_bytes", "recall@10")
    assert bb.compare(frame, "pq8", "binary64").mean_a == frame["recall@10"].iloc[-1]
    written = plot(results_dir, tmp_path, formats=["svg"], kinds=["recall-bytes", "recall-documents"])
    assert [str(path.relative_to(tmp_path)) for path in written] == [
        "small-k20-1t/recall-bytes.svg",
        "small-k20-1t/recall-documents.svg",
    ]
    told = plot(results_dir, tmp_path, formats=["svg"], kinds=["recall-bytes"], filters=["documents=300"])
    assert [path.parent.name for path in told] == ["small-k20-1t-300d"]
    with pytest.raises(UserError, match="small k=20 threads=1 documents=300, "):
        bb.plot(frame[frame["documents"] < 400], "recall-bytes")
    (axes,) = bb.plot(frame, "recall-documents").axes
    lines = {line.get_label(): list(zip(*line.get_data(), strict=True)) for line in axes.get_lines()}
    assert lines["pq8"] == list(zip(SIZES, frame["recall@10"][6:9], strict=True))
    assert charts()["recall-documents"](whole([])) is None


def test_a_cap_on_training_is_a_condition(ran: tuple[EmbeddingSet, Any, Path], tmp_path: Path) -> None:
    places = {"dataset": str(ran[0].path), "results_dir": ran[2], "data_dir": tmp_path, "k": 20, "runs": 1, "seed": 0}
    frame = bb.run("pq8", max_train=280, **places)
    try:
        assert list(frame["max_train"]) == [280, 280]
        assert frame["training_rows"][1] == 280
        assert "--max-train 280" in frame["reproduce"][1]
        groups = [group for group in review(read(ran[2])) if group.condition.documents == 400]
        assert [{one.max_train for one in group.records} for group in groups] == [{0}, {280}]
        written = plot(ran[2], tmp_path, formats=["svg"], kinds=["recall-bytes"])
        assert [path.parent.name for path in written] == ["small-k20-1t", "small-k20-1t-train280"]
    finally:
        for path in frame["file"]:
            (ran[2] / path).unlink()


def test_the_table_has_the_column(ran: tuple[EmbeddingSet, Any, Path]) -> None:
    text = table(ran[2], options=TableOptions(format="plain", filters=["family=pq"]))
    title, header, *lines = text.splitlines()
    assert title.startswith("small: 300, 350, 400 of 400 documents × 16")
    assert header.split()[:2] == ["method", "documents"]
    assert [int(re.split(r"\s{2,}", line)[1]) for line in lines[:3]] == [*SIZES]
    one = table(ran[2], options=TableOptions(format="plain", filters=["documents=400"]))
    assert one.startswith("small: 400 documents × 16")
    equal = table(ran[2], options=TableOptions(format="plain", iso_memory=True))
    assert equal.count("equal bytes per vector") == 3


def test_campaign_files_state_sizes(tmp_path: Path) -> None:
    path = tmp_path / "sizes.yml"
    text = "algorithms: [float]\ndatasets: [scifact]\ndocuments: [1000, all]\n"
    path.write_text(text)
    campaign = load_campaign(path, {"results_dir": tmp_path})
    assert campaign.documents == (1000, "all")
    assert "- all" in campaign.store().read_text()
    path.write_text(text.replace("1000", "some"))
    with pytest.raises(UserError, match=r"sizes.yml:3: documents.0: neither a number of documents nor all: 'some'"):
        load_campaign(path, {})


def test_other_judgements_choose_other_documents(ran: tuple[EmbeddingSet, Any, Path]) -> None:
    record = open_record(record_of(ran[2], "float", 300).path)
    assert record.sample == Subset(ran[0], 300, ran[2]).name
    assert record.is_subset
