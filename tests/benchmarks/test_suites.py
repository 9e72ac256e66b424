"""The suites find what they ask of this checkout: asv would show n/a, or fail, long after a name has moved."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

SUITES = sorted((Path(__file__).parents[2] / "benchmarks").glob("[!_]*.py"))
NAMES = sorted(
    {
        tuple(argument.value for argument in node.args)
        for path in SUITES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "wanted"
    }
)


def test_names_are_found_where_they_are_asked_for():
    assert ("binbench.harness.run", "run") in NAMES
    for module, name in NAMES:
        assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_suites_are_imported(suite, path):
    suite(path.stem)


def test_results_are_read_and_judged(suite, tmp_path, monkeypatch):
    results = suite("results")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(results, "FILES", 2)
    benchmark = results.Results()
    benchmark.setup_cache()
    benchmark.setup()
    stamps = [path.stat().st_mtime_ns for path in benchmark.paths]
    benchmark.time_load()
    benchmark.time_evaluate_cached()
    assert [path.stat().st_mtime_ns for path in benchmark.paths] == stamps
    benchmark.time_evaluate()
    assert all(path.stat().st_mtime_ns > stamp for path, stamp in zip(benchmark.paths, stamps, strict=True))


def test_the_main_job_is_run_twice(suite, tmp_path, monkeypatch):
    harness = suite("harness")
    monkeypatch.chdir(tmp_path)
    benchmark = harness.Run()
    benchmark.setup()
    results = sorted((tmp_path / "results").rglob("*.hdf5"))
    assert [path.name for path in results] == ["binary256_seed=0.hdf5", "float_seed=0.hdf5"]
    stamps = [path.stat().st_mtime_ns for path in results]
    benchmark.time_again()
    assert [path.stat().st_mtime_ns for path in results] == stamps
    harness.Measure().setup("batch")
