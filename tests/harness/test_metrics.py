"""From vectors that are ranked by another metric than the cosine to figures."""

from __future__ import annotations

import numpy as np
import pytest

from binbench.harness.options import RunOptions
from binbench.harness.run import run
from binbench.records.reproduce import reproduce
from binbench.sets.corpus import SourceOptions
from binbench.sets.encoders import EncoderOptions
from binbench.sets.own_vectors import VectorOptions
from binbench.sets.prepare import Preparation


@pytest.mark.parametrize("metric", ["ip", "euclidean"])
@pytest.mark.parametrize("scale", [1, 1e-4])
def test_figures_are_those_of_the_metric_at_any_scale(tmp_path, rng, metric, scale):
    rows = rng.standard_normal((160, 16)) * rng.lognormal(0, 0.7, (160, 1))
    np.save(tmp_path / "x.npy", (scale * rows).astype("f4"))
    vectors = VectorOptions(hold_out=20, metric=metric)
    preparation = Preparation(str(tmp_path / "x.npy"), EncoderOptions(), SourceOptions(), tmp_path / "data", vectors)
    options = RunOptions(results_dir=tmp_path / "results", counts=(10,), runs=1)
    records = {one.instance: one for one in run([preparation], ["int4", "sign"], options).records}
    made = preparation.find()
    assert made.distance == metric
    again = f"--train {tmp_path / 'x.npy'} --hold-out 20 --metric {metric} --count 10"
    assert again in (reproduce(records["float"]) or "")
    assert records["sign"].status == "skipped"
    assert records["sign"].reason == f"does not rank by {metric} distance"
    assert records["float"].figures.mean("recall@10") == 1
    # Worked out from the definition: the float ranking against that of the four-bit codes' own values.
    x, q = made.train.astype(float), made.test.astype(float)
    low, high = x.min(axis=0), x.max(axis=0)
    coded = low + (np.floor((x - low) / (high - low) * 15).clip(0, 14.99999) + 0.5) * (high - low) / 15
    best = [
        np.argsort(-(q @ table.T) if metric == "ip" else np.linalg.norm(q[:, None] - table, axis=2), axis=1)[:, :10]
        for table in (x, coded)
    ]
    expected = np.mean([len({*a} & {*b}) / 10 for a, b in zip(*map(np.ndarray.tolist, best), strict=True)])
    assert 0.5 < expected < 1
    assert records["int4"].figures.mean("recall@10") == pytest.approx(expected, abs=0.03)
