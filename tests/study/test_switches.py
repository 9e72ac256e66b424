"""Kill-switches on either side of their thresholds."""

from __future__ import annotations

import pytest
from study.made_up import iso_row, method_row, predictions

from binbench.study.prediction import Predictions
from binbench.study.switches import STOPS, Switch, f1, f2, f3, k1

PAIRS = [("a", "m"), ("a", "n"), ("b", "m"), ("b", "n")]


@pytest.mark.parametrize(("best", "state"), [(0.5499, "triggered"), (0.55, "not triggered")])
def test_f1_needs_every_set_below(best: float, state: str) -> None:
    rows = [method_row(d, e, "binary512", 0.3) for d, e in PAIRS[:3]] + [method_row("b", "n", "binary512", best)]
    rows.append(method_row("a", "m", "binary256", 0.9))
    found = f1(rows)
    assert found.state == state
    assert "b-n" in found.reason
    assert found.stops == (STOPS["F1"] if state == "triggered" else ())


@pytest.mark.parametrize(("best", "state"), [(0.499, "triggered"), (0.5, "not triggered")])
def test_f2_needs_every_comparison_below(best: float, state: str) -> None:
    rows = [iso_row(d, e, bits, 0.2, 0.8) for d, e in PAIRS for bits in (64, 512)]
    rows.append(iso_row("b", "n", 256, best, 1.0))
    assert f2(rows).state == state


@pytest.mark.parametrize("kept", [[], PAIRS[:1], PAIRS[:2], [PAIRS[0], PAIRS[2]]])
def test_too_few_sets_decide_nothing(kept: list[tuple[str, str]]) -> None:
    assert f1([method_row(d, e, "binary512", 0.1) for d, e in kept]).state == "not applicable"
    assert f2([iso_row(d, e, 512, 0.1, 0.9) for d, e in kept]).state == "not applicable"


@pytest.mark.parametrize(
    ("rho", "r2", "state"),
    [
        (0.29, 0.09, "triggered"),
        (-0.29, -3.0, "triggered"),
        (0.3, 0.0, "not triggered"),
        (-0.5, 0.0, "not triggered"),
        (0.0, 0.1, "not triggered"),
        (None, 0.0, "not applicable"),
    ],
)
def test_f3_needs_both_below(rho: float | None, r2: float, state: str) -> None:
    assert f3(predictions(r2, rho)).state == state


def test_f3_without_a_fit_gives_e8s_reason() -> None:
    found = f3(Predictions(rows=0, sets=0, encoders=0, why_not="needs sets"))
    assert found == Switch("F3", "not applicable", "needs sets")


@pytest.mark.parametrize(
    ("counts", "state"),
    [((10, 8), "not triggered"), ((10, 7), "triggered"), ((10, 0), "triggered"), ((0, 0), "not applicable")],
)
def test_k1_at_eighty_percent(counts: tuple[int, int], state: str) -> None:
    assert k1(*counts).state == state
