"""X3: what counts as a gain, its limits and bands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from binbench.study.experiments.x3 import X3, Gain, Gains, LearnedCodes, learned_codes, within_limits
from binbench.study.rows import Estimate
from binbench.study.switches import k2


def gain(points: float, *, low: float | None = 0.001, pq: float | None = None, **given: Any) -> Gain:
    row: dict[str, Any] = {
        "set": "a-m",
        "dataset": "a",
        "encoder": "m",
        "tier": 1,
        "counted": True,
        "configuration": "adapter",
        "bits": 256,
        "seeds": 5,
        "documents": 1000,
        "before": 0.5,
        "after": 0.5 + points / 100,
        "pq": pq,
        "difference": Estimate(points / 100, low, 0.9),
        "alternative": "itq256",
        "useful": Estimate(0.01, -0.01, 0.03),
        "hours": 0.1,
        "inputs": "",
    }
    return Gain(**row | given)


def gains(*rows: Gain) -> Gains:
    return Gains(rows=rows, setting="a-m", left_out=())


@pytest.mark.parametrize(
    ("rows", "color"),
    [
        ([gain(3.0)], "green"),
        ([gain(2.9)], "yellow"),
        # 2 of 13 points to PQ are 15.4 %; 2 of 20 are 10 %.
        ([gain(1.5, pq=0.59)], "green"),
        ([gain(1.5, pq=0.64)], "yellow"),
        ([gain(1.9)], "red"),
        # The interval holds 0: nothing gained.
        ([gain(5.0, low=-0.001)], "red"),
        ([gain(5.0, low=None)], "red"),
        # The second would do, but K2 looks at the first.
        ([gain(1.0), gain(4.0, configuration="adapter-itq")], "red"),
        ([gain(2.0), gain(4.0, configuration="adapter-itq")], "green"),
        ([gain(9.0, seeds=4)], "not applicable"),
        ([gain(9.0, bits=128)], "not applicable"),
        ([gain(9.0, set="b-m")], "not applicable"),
        ([], "not applicable"),
    ],
)
def test_bands(rows: list[Gain], color: str) -> None:
    found = X3().judge(gains(*rows))
    assert found.color == color
    assert (found.reasons[0].startswith("K2")) == (color == "red")
    assert len(X3().tables(gains(*rows))[0].lines) == len(rows)


def test_points_and_the_share_of_the_gap_by_hand() -> None:
    found = gain(2.0, pq=0.7)
    assert (found.points, found.gap) == (pytest.approx(2), pytest.approx(0.1))
    assert gain(2.0, pq=0.5).gap is None
    assert gain(2.0, low=0.0).points == 0
    assert gain(-2.0, low=-0.1).points == pytest.approx(-2)


def test_a_loss_triggers_k2_and_too_few_seeds_decide_nothing() -> None:
    assert k2(gains(gain(-2.0, low=-0.1))).state == "triggered"
    assert k2(gains(gain(9.0, seeds=4))).state == "not applicable"


def test_configurations_and_hours_are_limited() -> None:
    rows = [gain(1.0, configuration=name, hours=hours) for name, hours in (("a", 2), ("b", 4), ("c", 3), ("d", 0.1))]
    kept, left_out = within_limits(rows)
    assert [row.configuration for row in kept] == ["a", "c"]
    assert left_out == ["b", "d"]


def test_the_geometry_of_codes_is_that_of_a_second_implementation() -> None:
    """Balance and participation ratio of the ±1 codes, by numpy alone, from the method's own projection."""
    rng = np.random.Generator(np.random.PCG64(2))
    train = rng.standard_normal((400, 24)).astype(np.float32) + 0.5
    found = learned_codes(train, "binary64", seed=3).geometry
    bits = train.astype(np.float64) @ np.random.Generator(np.random.PCG64(3)).standard_normal((24, 64)) > 0
    assert found["bit_imbalance"] == pytest.approx(np.abs(bits.mean(axis=0) - 0.5).mean())
    eigenvalues = np.linalg.eigvalsh(np.cov(2.0 * bits.T - 1, bias=True))
    assert found["participation_ratio"] == pytest.approx(eigenvalues.sum() ** 2 / np.square(eigenvalues).sum())


def test_a_table_sets_codes_before_beside_codes_after() -> None:
    codes = {
        "binary256": LearnedCodes(geometry={"hubness": 2.0, "twonn": None}, weights="ab"),
        "adapter256": LearnedCodes(geometry={"hubness": 1.5, "twonn": 9.0}, weights="cd"),
    }
    _, learned, shapes = X3().tables(replace(gains(gain(3.0), gain(2.0, set="b-m")), codes=codes))
    assert shapes.lines == [["hubness", "2.000", "1.500"], ["twonn", "–", "9.000"]]
    assert [line[-1] for line in learned.lines] == ["cd", "–"]


def test_weights_are_hashed_whole() -> None:
    """Another seed, another rule, a hidden layer: each has a hash of its own, and the same again has the same."""
    train = np.random.Generator(np.random.PCG64(4)).standard_normal((300, 24)).astype(np.float32)
    train /= np.linalg.norm(train, axis=1, keepdims=True)
    asked = [("binary16", 0), ("binary16", 1), ("itq16", 0), ("adapter-mlp16", 0), ("adapter-itq16", 0)]
    hashes = [learned_codes(train, *one).weights for one in asked]
    assert len(set(hashes)) == len(asked)
    assert learned_codes(train, *asked[-1]).weights == hashes[-1]
