"""Kill-switches on either side of their thresholds."""

from __future__ import annotations

import pytest
from study.made_up import iso_row, method_row, predictions
from study.test_worlds import X2Figures, X3Figures

from binbench.study.prediction import Predictions
from binbench.study.switches import STOPS, Switch, f1, f2, f3, k1, k2, k3, looked_at_again

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


@pytest.mark.parametrize(
    "kept", [[], PAIRS[:1], PAIRS[:2], [PAIRS[0], PAIRS[2]], [PAIRS[0], PAIRS[3]], [*PAIRS[::3], ("c", "o")]]
)
def test_too_few_sets_decide_nothing(kept: list[tuple[str, str]]) -> None:
    assert f1([method_row(d, e, "binary512", 0.1) for d, e in kept]).state == "not applicable"
    assert f2([iso_row(d, e, 512, 0.1, 0.9) for d, e in kept]).state == "not applicable"


@pytest.mark.parametrize(
    ("rho", "r2", "state"),
    [
        (0.29, 0.09, "triggered"),
        (-0.29, -3.0, "triggered"),
        (0.3, 0.0, "not triggered"),
        (-0.5, 0.0, "triggered"),
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


@pytest.mark.parametrize(
    ("points", "gap", "state"),
    [
        (1.99, 0.099, "triggered"),
        (1.99, None, "triggered"),
        (-3.0, -0.2, "triggered"),
        (2.0, 0.0, "not triggered"),
        (1.0, 0.1, "not triggered"),
        (None, None, "not applicable"),
    ],
)
def test_k2_needs_both_below(points: float | None, gap: float | None, state: str) -> None:
    assert k2(X3Figures(points, gap)).state == state


def test_k2_says_what_its_older_wording_would() -> None:
    assert "(less than 1)" in k2(X3Figures(0.99, 0.0)).reason
    assert "(not less than 1)" in k2(X3Figures(1.0, 0.0)).reason


@pytest.mark.parametrize(
    ("r2", "rho", "state"),
    [
        (0.049, 0.19, "triggered"),
        (-1.0, -0.9, "triggered"),
        (0.05, 0.0, "not triggered"),
        (0.0, 0.2, "not triggered"),
        (None, 0.0, "not applicable"),
    ],
)
def test_k3_needs_both_below(r2: float | None, rho: float, state: str) -> None:
    assert k3(X2Figures(r2, rho)).state == state


def test_x2_and_x3_that_were_not_run_decide_nothing() -> None:
    assert (k2(None), k3(None)) == (
        Switch("K2", "not applicable", "X3 was not run"),
        Switch("K3", "not applicable", "X2 was not run"),
    )


def test_rows_of_stand_ins_decide_nothing() -> None:
    rows = [method_row(d, e, "binary512", 0.3) for d, e in PAIRS]
    flattering = method_row("a", "lsa256", "binary512", 0.9, counted=False)
    assert f1([*rows, flattering]).state == "triggered"
    assert f1([*rows[:3], flattering]).state == "not applicable"


def test_a_later_tier_lifts_a_switch_and_says_so() -> None:
    low = [method_row(d, e, "binary512", 0.3) for d, e in PAIRS]
    high = method_row("c", "m", "binary512", 0.7, tier=2)
    found = looked_at_again(f1(low), f1([*low, high]))
    assert found.state == "not triggered"
    assert "highest 0.700 on c-m; lifts F1, which tier 1 had triggered" in found.reason
    assert looked_at_again(f1(low), f1(low)) == f1(low)
