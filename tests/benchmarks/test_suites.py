"""The suites of asv: that they run as they stand, and only on methods that there are."""

from __future__ import annotations

import pytest

from binbench.plugins.registry import ALGORITHMS


@pytest.mark.parametrize(("module", "name"), [("encode", "Encode"), ("fit", "Fit"), ("query", "Query")])
def test_every_method_of_a_suite_is_registered(suite, module, name):
    methods = getattr(suite(module), name).params[0]
    assert len(methods) > 5
    assert [ALGORITHMS.get(method).name for method in methods] == methods


@pytest.mark.parametrize("method", ["binary256", "ortho256", "int8", "pqfs16"])
def test_what_is_timed_as_encoding_encodes(suite, method):
    data, vectors = suite("data"), suite("data").documents(300)
    algorithm = data.create(method)
    algorithm.fit(vectors)
    answer = algorithm.query(vectors[:5], 3)
    suite("encode").encoder(algorithm)(vectors)
    again = algorithm.query(vectors[:5], 3)
    assert (answer[0] == again[0]).all()


def test_results_are_loaded_and_judged(suite, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = suite("results").Results()
    results.setup_cache()
    results.setup()
    assert all(record.mean("ndcg@10") is not None for record in results.read(tmp_path / "results"))
    for timed in (results.time_load, results.time_evaluate, results.time_evaluate_cached):
        timed()
