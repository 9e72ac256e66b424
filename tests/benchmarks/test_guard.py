"""The guard: what it lets pass, what it names, and that its set is the one the baseline was measured on."""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def guard() -> Any:
    sys.path.append(str(ROOT))
    usual = faiss.cvar.distance_compute_blas_threshold
    yield importlib.import_module("benchmarks.guard")
    # The suites set it for their process; other tests of this one expect faiss as it comes.
    faiss.cvar.distance_compute_blas_threshold = usual
    sys.path.remove(str(ROOT))


@pytest.fixture
def old(guard):
    methods = {name: guard.Figures(0.8, 0.9, 32.0, "aa") for name in ("sign", "pq16")}
    return guard.Baseline("vectors", methods)


def changed(old, method, **figures):
    return dataclasses.replace(old, methods=old.methods | {method: dataclasses.replace(old.methods[method], **figures)})


def test_nothing_changed_nothing_to_say(guard, old):
    assert list(guard.problems(old, old)) == []


@pytest.mark.parametrize(
    ("method", "figures"),
    [
        ("pq16", {"recall10": 0.791, "ndcg10": 0.891, "code_checksum": "bb"}),
        ("sign", {"recall10": 0.7996}),
        ("sign", {"recall10": 0.9, "ndcg10": 1.0, "bytes_per_vector": 31.0}),
    ],
)
def test_passes_within_tolerance_and_better(guard, old, method, figures):
    assert list(guard.problems(old, changed(old, method, **figures))) == []


@pytest.mark.parametrize(
    ("method", "figures", "said"),
    [
        ("pq16", {"recall10": 0.789}, "track_recall10('pq16'): 0.7890, was 0.8000; it may fall by 0.01"),
        ("pq16", {"ndcg10": 0.889}, "track_ndcg10('pq16'): 0.8890, was 0.9000"),
        ("sign", {"recall10": 0.799}, "track_recall10('sign'): 0.7990, was 0.8000; it may fall by 0.0005"),
        ("sign", {"bytes_per_vector": 32.001}, "track_bytes_per_vector('sign'): 32.001, was 32"),
        ("sign", {"code_checksum": "bb"}, "track_code_checksum_changed('sign'): bb, was aa"),
    ],
)
def test_names_what_is_worse(guard, old, method, figures, said):
    (problem,) = guard.problems(old, changed(old, method, **figures))
    assert said in problem
    assert problem.startswith("quality.Quality.")


def test_methods_come_and_go_only_with_the_baseline(guard, old):
    fewer = dataclasses.replace(old, methods={"sign": old.methods["sign"]})
    assert list(guard.problems(old, fewer)) == ["pq16 is in the baseline but not measured"]
    assert list(guard.problems(fewer, old)) == ["pq16 is measured but not in the baseline"]


def test_other_vectors_make_every_comparison_void(guard, old):
    (problem,) = guard.problems(old, dataclasses.replace(changed(old, "sign", recall10=0.1), vectors="others"))
    assert "no figure can be compared" in problem


def test_exit_status_and_update_command(guard, old, monkeypatch, tmp_path, capsys):
    figures = importlib.import_module("benchmarks.figures")
    monkeypatch.setattr(figures, "BASELINE", tmp_path / "baseline.json")
    monkeypatch.setattr(guard, "measured", lambda: old)
    assert guard.main(["--update"]) == 0
    assert json.loads((tmp_path / "baseline.json").read_text())["methods"]["sign"]["recall10"] == 0.8
    assert guard.main([]) == 0
    monkeypatch.setattr(guard, "measured", lambda: changed(old, "sign", ndcg10=0.5))
    assert guard.main([]) == 1
    said = capsys.readouterr().err
    assert "track_ndcg10('sign')" in said
    assert "python -m benchmarks.guard --update" in said


def test_figures_are_those_of_brute_force(guard):
    """The float row by hand: exact neighbours, 512 bytes, nDCG from its definition."""
    figures = importlib.import_module("benchmarks.figures")
    known = figures.quality_set()
    assert known.checksum == figures.baseline().vectors
    assert np.allclose(np.linalg.norm(known.train, axis=1), 1, atol=1e-5)
    order = np.argsort(-(known.test.astype(np.float64) @ known.train.T.astype(np.float64)), axis=1)[:, :10]
    grades = {(q, d): g for q, d, g in known.qrels.tolist()}
    discounts = 1 / np.log2(np.arange(10) + 2)
    gains = np.array([[grades.get((q, d), 0) for d in row] for q, row in enumerate(order.tolist())])
    ndcg = gains @ discounts / (np.array([2, 1, 1, 1, 1]) @ discounts[:5])
    found = figures.figures("float")
    assert found.recall10 == 1
    assert found.ndcg10 == pytest.approx(ndcg.mean(), abs=1e-6)
    assert found.bytes_per_vector == 512


def test_checksum_sees_codes_behind_every_kind_of_method(guard):
    """A seed that changes the codes changes the checksum, for codes of ours, of faiss, and within two stages."""
    data, figures = (importlib.import_module(f"benchmarks.{name}") for name in ("data", "figures"))
    train = data.documents(300)
    for method in ("binary64", "ortho64", "binary64-asym", "binary64-rescore-int8", "binary64-hnsw"):
        algorithms = data.wanted("binbench.plugins.registry", "ALGORITHMS")
        seen = []
        for seed in (0, 0, 1):
            algorithm = algorithms.get(method).create(dimension=128, seed=seed)
            algorithm.fit(train)
            seen.append(figures._sha256(figures._state(algorithm)))
        assert seen[0] == seen[1] != seen[2], method


def test_every_family_is_tracked(guard):
    figures = importlib.import_module("benchmarks.figures")
    algorithms = importlib.import_module("binbench.plugins.registry").ALGORITHMS
    package = {f.name for f in algorithms.families() if f.plugin.__module__.startswith("binbench.algorithms")}
    tracked = {algorithms.get(method).family.name for method in figures.METHODS}
    # scann is an extra with a wheel for few machines only.
    assert package - {"scann"} == tracked


def test_missing_names_are_na_only_where_asv_installed_an_older_commit(guard, monkeypatch):
    data = importlib.import_module("benchmarks.data")
    monkeypatch.delenv("ASV_ENV_DIR", raising=False)
    with pytest.raises(ModuleNotFoundError):
        data.wanted("binbench.not_yet", "anything")
    monkeypatch.setenv("ASV_ENV_DIR", "env")
    with pytest.raises(NotImplementedError, match="not_yet"):
        data.wanted("binbench.not_yet", "anything")
    with pytest.raises(NotImplementedError, match="nosuch"):
        data.create("nosuch")
