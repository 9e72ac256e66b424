"""Spread: which processors count as measured, and what their figures make of the baseline."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest


@pytest.fixture(scope="module")
def spread(suite):
    return suite("spread")


@pytest.fixture
def process(spread, monkeypatch):
    """Let the next process end with a status and an answer; what it was given."""
    given = {}

    def end(returncode=0, kernels=("Haswell", "Zen"), level="AVX2"):
        answer = {"kernels": kernels, "level": level, "vectors": "v", "methods": {"sign": dict(FIGURES)}}

        def run(command, **keywords):
            given.update(keywords, command=command)
            return subprocess.CompletedProcess(command, returncode, f"noise\n{json.dumps(answer)}\n", "the trace")

        monkeypatch.setattr(subprocess, "run", run)
        return given

    return end


FIGURES = {"recall10": 0.7, "ndcg10": 0.8, "bytes_per_vector": 16.0, "code_checksum": "aa"}


def test_a_process_is_told_what_to_compute_as(spread, process):
    given = process()
    run = spread.measured_as(spread.Processor("Zen", "AVX2"))
    assert run.figures == spread.Baseline("v", {"sign": spread.Figures(**FIGURES)})
    told = {"OPENBLAS_CORETYPE": "Zen", "FAISS_SIMD_LEVEL": "AVX2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    assert told.items() <= given["env"].items()


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ({"returncode": -signal.SIGILL}, "it ended by SIGILL"),
        ({"kernels": ["Haswell"]}, "OpenBLAS computes as Haswell"),
        ({"kernels": []}, "OpenBLAS computes as nothing known"),
        ({"level": "NONE"}, "faiss computes as NONE"),
    ],
)
def test_what_did_not_run_is_not_measured(spread, process, end, reason):
    process(**end)
    with pytest.raises(spread.CannotRun, match=reason):
        spread.measured_as(spread.Processor("Zen", "AVX2"))


def test_a_broken_method_is_no_missing_processor(spread, process):
    process(returncode=1)
    with pytest.raises(RuntimeError, match="under Zen/AVX2:\nthe trace"):
        spread.measured_as(spread.Processor("Zen", "AVX2"))


def test_this_process_knows_what_it_computes_as(spread):
    """faiss' and numpy's copies of OpenBLAS are both loaded, and named."""
    assert spread._kernels()
    assert all(isinstance(kernel, str) for kernel in spread._kernels())


def runs(spread, *pairs, vectors="v"):
    """One baseline per pair of recall@10 and nDCG@10 of rq8, beside an exact method."""
    sign = spread.Figures(**FIGURES)
    return [
        spread.Baseline(vectors, {"rq8": spread.Figures(*pair, 300.0, f"c{i}"), "sign": sign})
        for i, pair in enumerate(pairs)
    ]


def test_baseline_is_the_lowest_with_the_spread_beside_it(spread):
    new = spread.renewed(spread.Baseline("v", {}), runs(spread, (0.85, 0.89), (0.84, 0.9), (0.8515, 0.895)))
    assert new.methods["rq8"] == spread.Figures(0.84, 0.89, 300.0, "c0")
    assert new.spreads == {"rq8": spread.Spread(0.0115, 0.01, 3)}
    assert new.tolerance("rq8", "recall10") == 0.0115
    assert new.tolerance("sign", "recall10") == 0.0005


def test_every_measured_processor_passes_by_a_whole_spread(spread, suite):
    figures = runs(spread, (0.85, 0.89), (0.84, 0.9))
    new = spread.renewed(spread.Baseline("v", {}), figures)
    worse = runs(spread, (0.83, 0.88))
    for run in figures + worse:
        assert list(suite("guard").problems(new, run)) == []
    assert len(list(suite("guard").problems(new, *runs(spread, (0.8299, 0.8799))))) == 2


@pytest.mark.parametrize(
    ("pairs", "vectors", "kept"),
    [
        (((0.85, 0.89), (0.8515, 0.9)), "v", True),
        (((0.85, 0.89), (0.8516, 0.9)), "v", False),  # better than seen under many
        (((0.85, 0.8899), (0.8515, 0.9)), "v", False),  # worse
        (((0.85, 0.89), (0.8515, 0.9)), "w", False),
        (((0.85, 0.89),) * 15, "v", False),  # as many processors
    ],
)
def test_a_spread_of_more_processors_stays_while_it_covers_the_figures(spread, pairs, vectors, kept):
    figures = spread.Figures(0.84, 0.89, 300.0, "cc")
    old = spread.Baseline("v", {"rq8": figures}, {"rq8": spread.Spread(0.0115, 0.01, 15)})
    new = spread.renewed(old, runs(spread, *pairs, vectors=vectors))
    assert (new.spreads == old.spreads) == kept
    assert new.methods["rq8"].recall10 == (0.84 if kept else 0.85)
    assert new.methods["rq8"].code_checksum == "c0"


def test_known_methods_keep_their_place(spread):
    sign = spread.Figures(**FIGURES)
    new = spread.renewed(spread.Baseline("v", {"sign": sign, "gone": sign}), runs(spread, (0.85, 0.89), (0.84, 0.9)))
    assert list(new.methods) == ["sign", "rq8"]
