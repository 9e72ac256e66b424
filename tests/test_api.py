"""The Python interface against what the verbs leave behind, and against values worked out by hand."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from conftest import unit

import binbench as bb
from binbench.errors import UserError
from binbench.records.columns import COLUMNS
from binbench.records.rows import rows


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Three methods on 300 arrays of the caller's own, not of unit length."""
    folder = tmp_path_factory.mktemp("api")
    rng = np.random.Generator(np.random.PCG64(5))
    train, test = 3 * rng.standard_normal((300, 16)), rng.standard_normal((20, 16))
    places = {"results_dir": folder / "results", "data_dir": folder / "data"}
    frame = bb.run(train, test, ["int8", "binary64"], name="mine", k=10, runs=1, **places)
    return train, test, frame, places


def test_importing_is_cheap():
    code = "import sys, binbench; print([m for m in ('numpy', 'pandas', 'faiss', 'torch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert set(bb.__all__) <= {*vars(bb), *bb._LATER}


def test_a_frame_holds_the_rows_of_the_results(ran):
    _, _, frame, places = ran
    assert list(frame.columns) == list(COLUMNS)
    assert list(frame["method"]) == ["float", "int8", "binary64"]
    assert list(frame["bytes_per_vector"]) == [64, 16, 8]
    assert frame.attrs["units"]["latency_p50"] == "s"
    assert "recall@10" not in frame.attrs["units"]
    stored = {row["method"]: row for row in rows(places["results_dir"])}
    for _, row in frame.iterrows():
        assert row["recall@10"] == stored[row["method"]]["recall@10"]
        assert row["parameters"] == stored[row["method"]]["parameters"]
    assert str(frame["k"].dtype) == "Int64"
    assert frame["retention"].isna().all()  # no judgements


def test_arrays_are_ranked_by_angle_whatever_their_length(ran):
    train, test, frame, places = ran
    found = bb.embeddings(str(next(places["data_dir"].glob("mine-*.hdf5"))), data_dir=places["data_dir"])
    expected = np.argsort(-(unit(test) @ unit(train).T), axis=1, kind="stable")[:, :10]
    assert (found.neighbors[:, :10] == expected).all()
    again = bb.run(train, test, ["int8"], name="mine", k=10, runs=1, **places)
    assert list(again["date"]) == list(frame["date"][:2])  # kept, not measured anew
    other = bb.run(train + 1, test, "float", name="mine", k=10, runs=1, **places)
    assert other["fingerprint"][0] != frame["fingerprint"][0]


def test_what_is_stored_is_chosen_by_columns(ran):
    *_, places = ran
    where = {"family": ["int8", "binary"], "bytes_per_vector": "<16", "set": "mine*"}
    found = bb.results(places["results_dir"], where)
    assert set(found["method"]) == {"binary64"}
    assert len(bb.results(places["results_dir"], "family=nothing")) == 0
    with pytest.raises(UserError, match=r"did you mean recall@10"):
        bb.results(places["results_dir"], {"recal@10": ">0.5"})


def test_pareto_keeps_what_nothing_beats(ran):
    frame = ran[2].copy()
    frame["recall@10"] = [0.8, 0.9, 0.5]
    assert list(bb.pareto(frame, "bytes_per_vector", "recall@10")["method"]) == ["binary64", "int8"]
    frame["seconds_per_query"] = [3.0, 2.0, 1.0]
    assert list(bb.pareto(frame, "recall@10", "seconds_per_query")["method"]) == ["int8", "binary64"]
    frame["recall@10"] = [0.8, np.nan, 0.5]
    assert list(bb.pareto(frame, "bytes_per_vector", "recall@10")["method"]) == ["binary64", "float"]
    with pytest.raises(UserError, match="neither larger nor smaller"):
        bb.pareto(frame, "k", "recall@10")


def test_methods_are_compared_query_by_query(ran):
    train, test, frame, _ = ran
    truth = np.argsort(-(unit(test) @ unit(train).T), axis=1)[:, :10]
    shares = []
    for name in ("int8", "binary64"):
        ids, _ = bb.fit(name, train).query(test, 10)
        shares.append(np.array([len(set(a) & set(b)) / 10 for a, b in zip(ids.tolist(), truth.tolist(), strict=True)]))
    found = bb.compare(frame, "int8", "binary64", measure="recall@10")
    assert found.mean_a == pytest.approx(shares[0].mean())
    assert found.mean_b == pytest.approx(shares[1].mean())
    difference = shares[0] - shares[1]
    assert (found.wins, found.ties, found.losses) == tuple(
        int(n) for n in ((difference > 1e-9).sum(), (abs(difference) <= 1e-9).sum(), (difference < -1e-9).sum())
    )
    assert found.difference.low < difference.mean() < found.difference.high
    with pytest.raises(UserError, match="judgements"):
        bb.compare(frame, "int8", "binary64", measure="ndcg@10")
    with pytest.raises(UserError, match="did you mean binary64"):
        bb.compare(frame, "int8", "binary6")


def test_a_figure_of_one_set(ran):
    import pandas

    frame, places = ran[2], ran[3]
    figure = bb.plot(frame, "recall-bytes")
    assert figure.axes[0].get_xlabel().startswith("memory (bytes per vector")
    shown = {text for axes in figure.axes for text in axes.get_legend_handles_labels()[1]}
    assert {"float", "int8", "binary"} <= shown
    with pytest.raises(UserError, match="did you mean recall-bytes"):
        bb.plot(frame, "recal-bytes")
    train, test = ran[:2]
    other = bb.run(train[:100], test, "float", k=10, runs=1, **places)
    with pytest.raises(UserError, match=r"one set.*mine-.*vectors-"):
        bb.plot(pandas.concat([frame, other]), "recall-bytes")
    bare = frame.copy()
    bare.attrs = {}
    with pytest.raises(UserError, match="results_dir"):
        bb.plot(bare, "recall-bytes")


def test_a_method_outside_of_the_harness(rng):
    vectors, queries = rng.standard_normal((500, 32)), rng.standard_normal((3, 32))
    index = bb.fit("float", vectors)
    ids, scores = index.query(queries, k=5)
    cosines = unit(queries) @ unit(vectors).T
    assert (ids == np.argsort(-cosines, axis=1)[:, :5]).all()
    assert scores == pytest.approx(np.sort(cosines, axis=1)[:, :-6:-1], abs=1e-5)
    assert index.index_bytes == 500 * 32 * 4
    one, _ = index.query(queries[0], k=5)
    assert (one == ids[:1]).all()
    assert bb.fit("binary128", vectors).footprint().per_vector == 16
    assert bb.fit("int8@mrl16", vectors).footprint().per_vector == 16
    with pytest.raises(UserError, match="did you mean pq32"):
        bb.fit("pq_32", vectors)
    with pytest.raises(UserError, match="2-D"):
        bb.fit("float", vectors[0])
    with pytest.raises(UserError, match="vector 1 holds NaN"):
        bb.fit("float", np.array([[1.0, 2.0], [np.nan, 1.0]]))
    with pytest.raises(bb.Unsupported):
        bb.fit("binary64", vectors, distance="euclidean")


def test_slips_are_told_in_one_line(tmp_path):
    with pytest.raises(UserError, match="did you mean threads"):
        bb.run("float", dataset="synthetic-1000x16", thread=2)
    with pytest.raises(UserError, match="runs: "):
        bb.run("float", dataset="synthetic-1000x16", runs=0, data_dir=tmp_path, results_dir=tmp_path / "r")
    with pytest.raises(UserError, match=r"bb\.run"):
        bb.run(["float"])
    with pytest.raises(UserError, match=r"bb\.run"):
        bb.run(np.zeros((3, 4)), np.zeros((2, 4)))  # type: ignore[call-overload]
    assert UserError("what is wrong")._render_traceback_() == ["binbench: what is wrong"]


def test_geometry_of_known_vectors(rng):
    line = np.outer(np.arange(1.0, 101), [1.0, 0, 0])
    frame = bb.geometry({"round": rng.standard_normal((2000, 8)), "line": line})
    assert list(frame.index) == ["round", "line"]
    assert frame.loc["line", "cosine_mean"] == pytest.approx(1)
    assert frame.loc["round", "participation_ratio"] == pytest.approx(8, abs=0.3)
    assert set(frame.columns) == set(frame.attrs["definitions"])
    assert bb.cosines(rng.standard_normal((2000, 8))).std() == pytest.approx(8**-0.5, abs=0.02)


def test_conformance_of_a_plugin_file(tmp_path):
    found = bb.conformance("sign")
    assert found["ok"].all()
    assert {"instance", "rule", "ok", "message"} == set(found.columns)
    with pytest.raises(UserError, match="does not exist"):
        bb.conformance(str(tmp_path / "none.py"))
