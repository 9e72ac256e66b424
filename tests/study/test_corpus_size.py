"""Nested subsets, and quantizers that have not seen what they encode."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import unit
from numpy.random import PCG64, Generator
from study.conftest import Ran

from binbench.study import corpus_size
from binbench.study.corpus_size import Curve, curve, curve_plot, curve_table, half_trained, measure_subsets
from binbench.study.rows import Estimate
from binbench.study.study import Study


def test_codebooks_remember_what_few_vectors_they_learned() -> None:
    rng = Generator(PCG64(0))
    # Noise has nothing else to learn: 300 points on 256 centroids are kept nearly one by one.
    found = half_trained(unit(rng.standard_normal((600, 16))), unit(rng.standard_normal((30, 16))), method="pq8")
    assert found.own > 0.9
    assert found.other < found.own - 0.08


def test_the_largest_set_is_measured_on_nested_subsets(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert curve(ran.study) is None  # 600 documents
    for name, value in (("SMALLEST", 100), ("PQ", "pq8"), ("BINARY", "binary64"), ("SHOWN", ("pq8", "binary64"))):
        monkeypatch.setattr(corpus_size, name, value)
    shutil.copytree(ran.study.results_dir, tmp_path / "results")
    study = Study(ran.study.campaign, ran.study.data_dir, tmp_path / "results", tmp_path / "small")
    asked = measure_subsets(study).records
    assert {record.documents for record in asked} == {100, 200, 400}
    found = curve(study)
    assert found is not None
    assert (found.set, found.sizes) == (study.sets[0].name, [100, 200, 400, 600])
    full = study.sets[0].mean("binary64", "recall@10")
    assert found.methods["binary64"][600].value == pytest.approx(full)
    assert found.ratio(600) == pytest.approx(full / (study.sets[0].mean("pq8", "recall@10") or 0))
    # The subsets are not part of the campaign's own figures.
    assert study.sets[0].records["binary64"][0].documents == 600
    assert len(study.sets[0].records["binary64"]) == 1
    assert curve_plot(found, tmp_path / "curve.svg").caption.startswith("recall@10 on nested")


def test_the_table_of_sizes_by_hand() -> None:
    recalls = {1000: Estimate(0.8, 0.7, 0.9), 2000: Estimate(0.6, 0.5, 0.7)}
    made = curve_table(Curve("s", {"pq32": recalls, "binary256": {1000: Estimate(0.4, 0.3, 0.5)}}))
    assert made.lines == [
        ["1,000", "0.800 [0.700, 0.900]", "0.400 [0.300, 0.500]", "0.50"],
        ["2,000", "0.600 [0.500, 0.700]", "–", "–"],
    ]
