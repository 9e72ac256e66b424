"""`binbench recommend` against brute force over the table, and at what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from commands import binbench, refused

import binbench as bb
from binbench.errors import UserError
from binbench.measures.bootstrap import Interval
from binbench.records.store import read
from binbench.report.recommendation import told
from binbench.tasks.candidates import Candidate, Memory, Wanted
from binbench.tasks.recommend import Recommendation, recommend, sizes_for

METHODS = "int8,int4,pq8,pq16,binary64,binary128-rescore-int8,ivf64"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("recommend")


def asked(place, *more: str, documents: str = "2000", methods: str = METHODS, dataset: str = "synthetic-2000x64"):
    common = ("--dataset", dataset, "--algorithm", methods, "--runs", "1", "--documents", documents)
    return binbench("recommend", *common, *more, cwd=place)


def test_the_pick_is_what_brute_force_over_the_table_finds(place):
    done = asked(place, "--memory", "300000", "--recall", "0.5", "--json")
    assert done.returncode == 0, done.stderr
    table, records = bb.results(place / "results"), read(place / "results")
    vectors = bb.embeddings("synthetic-2000x64", data_dir=place / "data")
    picks = []
    for memory, quality in ((300_000, 0.5), (300_000, 0.8), (100_000, 0.9), (60_000, 0.6), (10_000_000, 0.99)):
        found = recommend(vectors, records, Wanted(documents=2000, memory=memory, quality=quality))
        fits = table[(table["index_bytes"] <= memory) & (table["recall@10_ci_low"] >= quality)]
        best = fits.sort_values(["index_bytes", "recall@10_ci_low"], ascending=[True, False])
        picks.append(found.pick.method if found.pick else None)
        assert picks[-1] == (best["method"].iloc[0] if len(best) else None)
        assert {one.method for one in found.fitting} == set(fits["method"])
    assert json.loads(done.stdout)["pick"] == picks[0]
    assert None in picks


def test_beyond_what_was_measured_it_extrapolates_and_says_so(place):
    ask = {"documents": "20k", "methods": "int8,pq8,binary64", "dataset": "synthetic-1000x32"}
    done = asked(place, "--recall", "0.3", "--memory", "1MB", "--dry-run", **ask)
    assert "32 of 32 jobs to run" in done.stdout  # float is run along
    done = asked(place, "--recall", "0.3", "--memory", "1MB", "--json", "--for", "lancedb", **ask)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert "num_sub_vectors=8" in told["settings"][1] or told["pick"] != "pq8"
    sizes = {one["method"]: one["memory"]["total"] for one in told["candidates"]}
    # Codes for all, and what is held once: two ends of a range a dimension; 256 centroids; a projection in float64.
    assert sizes["int8"] == 20_000 * 32 + 8 * 32
    assert sizes["pq8"] == 20_000 * 8 + 4 * 256 * 32
    assert sizes["binary64"] == 20_000 * 8 + 8 * 32 * 64
    for one in told["candidates"]:
        assert one["quality"]["low"] <= one["quality"]["estimate"] <= one["quality"]["high"]
        assert len(one["measured"]) == 8
        assert one["factor"] == 20
    nothing = asked(place, "--recall", "0.999", "--memory", "200kB", **ask)
    text = " ".join(nothing.stdout.split())
    assert nothing.returncode == 1
    assert "Nothing fits." in text
    assert "extrapolated ×20.0" in text
    assert "queries in batches, threads: 1." in text
    assert "The trend checked on itself" in text
    assert "the most that 200 kB buy: pq8" in text
    tiny = asked(place, "--recall", "0.5", "--memory", "20k", **ask)
    assert "nothing is so small; the smallest: " in " ".join(tiny.stdout.split())
    assert tiny.returncode == 1


def test_what_it_refuses(place):
    refused(asked(place, "--recall", "0.9", documents="1M"), "500 times", "at least 10,000")
    refused(asked(place, "--recall", "0.9", documents="many"), "expected one such as 250000")
    refused(asked(place, "--measure", "recal@10", "--quality", "0.9"), "did you mean recall@10")
    refused(asked(place, "--recall", "0.9", "--quality", "0.9"), "--recall is")
    refused(asked(place, "--measure", "ndcg-retention", "--quality", "0.9"), "needs relevance judgements")
    refused(asked(place, "--recall", "0.9", "--for", "qdran"), "did you mean qdrant")
    with pytest.raises(UserError, match="too few"):
        sizes_for(600, 5000)
    assert sizes_for(8000, 100_000)[-1] == 8000
    assert len(sizes_for(8000, 100_000)) == 8
    assert sizes_for(8000, 3000) == [3000]


def test_a_method_with_too_few_sizes_is_left_out(place):
    asked(place, "--recall", "0.5")
    vectors = bb.embeddings("synthetic-2000x64", data_dir=place / "data")
    found = recommend(vectors, read(place / "results"), Wanted(documents=9000, quality=0.5))
    assert [one.method for one in found.candidates] == ["float"]  # which misses nothing by definition
    assert "a trend needs 3 sizes" in found.left_out["pq8"]


def test_measures_by_their_short_names():
    assert Wanted(documents=1, measure="ndcg-retention").base == "ndcg@10"
    assert Wanted(documents=1, measure="recall@100").base == "recall@100"


def test_settings_are_those_of_the_next_that_has_a_counterpart():
    from binbench.report.databases import settings_of

    rows = [made(name, 1, 0.9, 1.0, False) for name in ("int4", "int8")]
    assert settings_of("qdrant", rows[:1], 64) == settings_of("qdrant", rows, 64)[:1]
    assert settings_of("qdrant", rows, 64)[1] == "Of what fits, int8 has one."
    assert "scalar" in settings_of("qdrant", rows, 64)[3]
    assert settings_of("qdrant", [], 64) == []


def made(name: str, size: int, quality: float, seconds: float, missed: bool, machine: str = "") -> Candidate:
    return Candidate(
        method=name,
        instance=name,
        arguments={},
        memory=Memory(size, 0, 0, 0),
        quality=Interval(quality, quality, quality),
        factor=1,
        seconds=seconds,
        conditions="",
        machine=machine,
        build=None,
        check=None,
        measured={},
        misses={"quality": "0.1 too low"} if missed else {},
    )


def test_times_of_different_machines_say_so():
    fast, slow = made("a", 1, 0.9, 1.0, False, "big, 16 cores"), made("b", 2, 0.95, 2.0, False, "small, 2 cores")
    for rows, said in (([fast, slow], True), ([fast, replace(slow, machine=fast.machine)], False)):
        text = "\n".join(told(Recommendation(Wanted(documents=1, quality=0.5), "set", 1, rows, {})))
        assert ("1 s per query on big, 16 cores" in text) == said
        assert ("2 s per query on small, 2 cores" in text) == said
        assert "1 s per query" in text


def test_runners_up_are_those_that_nothing_beats(rng):
    for _ in range(50):
        drawn = rng.integers(1, 5, (8, 3))
        missed = rng.random(8) < 0.3
        rows = [
            made(f"m{i}", int(a), b / 5, float(c), bool(m))
            for i, ((a, b, c), m) in enumerate(zip(drawn, missed, strict=True))
        ]
        found = Recommendation(Wanted(documents=1, quality=0.5), "set", 1, rows, {})
        fits = [(a, -b, c) for (a, b, c), m in zip(drawn.tolist(), missed, strict=True) if not m]
        front = {p for p in fits if not any(all(x <= y for x, y in zip(q, p, strict=True)) and q != p for q in fits)}
        shown = [(one.memory.total, -round(one.quality.estimate * 5), one.seconds) for one in found.runners_up]
        assert set(shown) <= front
        if found.pick:
            first = min((a, b) for a, b, _ in fits)
            assert (found.pick.memory.total, -round(found.pick.quality.estimate * 5)) == first
            pick = (*first, found.pick.seconds)
            assert front - {pick} == set(shown) - {pick}
