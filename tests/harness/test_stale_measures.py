"""Raising a measure's version makes the stored figures of that measure stale, and no others."""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
import pytest

from binbench.harness import figures as module
from binbench.harness.figures import settle
from binbench.harness.jobs import Job
from binbench.harness.worker import perform
from binbench.measures.registry import MEASURES
from binbench.records.store import open_record


@pytest.fixture
def judged(small_set, tmp_path):
    """A result with figures."""
    job = Job(
        set_path=small_set.path,
        set_name=small_set.name,
        set_fingerprint=small_set.fingerprint,
        instance="sign",
        count=100,
        runs=1,
        results_dir=tmp_path,
    )
    assert perform(job) == ("ok", "")
    path = job.path({})
    settle(tmp_path, [path], {small_set.name: small_set})
    return path


@pytest.fixture
def computed(monkeypatch):
    """The names of what is computed."""
    found: list[list[str]] = []
    compute = module.compute
    monkeypatch.setattr(module, "compute", lambda answers, names: found.append(list(names)) or compute(answers, names))
    return found


@pytest.fixture
def redefined(monkeypatch):
    """recall@10 by another definition: 0.25 everywhere."""
    quarter = partial(lambda answers: np.full(len(answers.ids), 0.25))
    another = dataclasses.replace(MEASURES["recall@10"], version=99, function=quarter)
    monkeypatch.setitem(MEASURES._known, "recall@10", another)


def again(path, embeddings, force=False):
    (record,), troubles = settle(path.parents[3], [path], {embeddings.name: embeddings}, force)
    assert troubles == []
    return record


def test_one_measure_is_computed_anew(judged, small_set, computed, redefined):
    before = open_record(judged)
    after = again(judged, small_set)
    assert computed == [["recall@10"]]
    assert after.mean("recall@10") == 0.25
    assert after.figures.names == before.figures.names
    for name in set(before.figures.names) - {"recall@10"}:
        np.testing.assert_array_equal(after.values(name), before.values(name))
        assert after.interval(name) == before.interval(name)
    again(judged, small_set)
    assert len(computed) == 1


def test_force_computes_everything(judged, small_set, computed):
    again(judged, small_set, force=True)
    assert computed == [list(MEASURES)]
