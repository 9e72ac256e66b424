"""X1: the index by hand, its interval, its orders and bands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.random import PCG64, Generator

from binbench.study.campaign import Friendliness
from binbench.study.experiments.x1 import (
    DECIDES,
    HELD_OUT,
    OUTSIDE,
    X1,
    FriendlySet,
    FriendlySets,
    _resampled,
    agreements,
    index,
    parts,
)
from binbench.study.rows import Estimate

WEIGHTS = Friendliness()


def friendly(name: str, value: float, recall: float, **given: float | None) -> FriendlySet:
    beside = dict.fromkeys((DECIDES, HELD_OUT, *OUTSIDE), recall) | given
    dataset, encoder = name
    return FriendlySet(
        set=name,
        dataset=dataset,
        encoder=encoder,
        tier=1,
        counted=True,
        index=Estimate(value, value - 0.1, value + 0.1),
        penalized=value - 0.05,
        parts=(value,) * 4,
        half=value,
        beside=beside,
    )


def test_the_index_by_hand() -> None:
    values = [
        np.array([[0.4, 0.6]]),
        np.array([[0.8, 0.6], [0.6, 0.8]]),
        np.array([[1.0, 0.6]]),
        np.array([[0.5, 0.7]]),
    ]
    assert parts(values) == pytest.approx([0.5, 0.7, 0.5 / 0.8, 1])
    assert index(values, WEIGHTS) == pytest.approx((0.5 + 0.7 + 0.625 + 1) / 4)
    assert index(values, replaced(recall_256=3)) == pytest.approx((1.5 + 0.7 + 0.625 + 1) / 6)


def replaced(**given: float) -> Friendliness:
    return WEIGHTS.model_copy(update=given)


def test_resamples_keep_queries_together_and_draw_seeds() -> None:
    rng = Generator(PCG64(3))
    # A query's value says which it is, a seed's which it is.
    values = [np.arange(50.0)[None] + 100 * np.arange(seeds)[:, None] for seeds in (1, 4)]
    one, many = _resampled(values, rng)
    assert (one[0] == many[0] % 100).all()
    assert (many // 100 == many[:, :1] // 100).all()
    assert len(set(one[0].tolist())) < 50


PAIRS = ["am", "an", "bm", "bn", "cm"]


@pytest.mark.parametrize(
    ("order", "tau", "color"),
    [
        ([1, 2, 3, 4, 5], 1.0, "green"),
        # One pair of ten swapped: 1 - 2 / 10; three sets keep their rank, and τ decides.
        ([2, 1, 3, 4, 5], 0.8, "green"),
        ([2, 3, 1, 4, 5], 0.6, "yellow"),
        ([3, 2, 1, 4, 5], 0.4, "red"),
        ([5, 4, 3, 2, 1], -1.0, "red"),
    ],
)
def test_tau_decides(order: list[int], tau: float, color: str) -> None:
    rows = tuple(friendly(name, 0.1 * (i + 1), 0.1 * order[i]) for i, name in enumerate(PAIRS))
    found = agreements(rows)
    assert (found[0].index, found[0].quantity, found[0].contained, found[0].n) == ("index", DECIDES, True, 5)
    assert found[0].tau == pytest.approx(tau)
    if abs(tau) == 1:
        assert found[0].p_value == pytest.approx(2 / 120)
    assert {one.quantity for one in found if not one.contained} == {HELD_OUT, *OUTSIDE}
    figures = FriendlySets(weights=WEIGHTS, sets=rows, agreements=tuple(found), same_rank=0)
    assert X1().judge(figures).color == color
    assert len(X1().tables(figures)[0].lines) == 5


def test_what_was_not_run_has_no_tau_and_a_diagonal_no_band() -> None:
    rows = [friendly(name, 0.1 * i, 0.1 * i, **{"recall@10 of sign": None}) for i, name in enumerate(PAIRS)]
    found = {(one.index, one.quantity): one for one in agreements(rows)}
    assert found["index", "recall@10 of sign"].tau is None
    for kept in ([rows[0], rows[3]], [replace(row, counted=False) for row in rows]):
        figures = FriendlySets(weights=WEIGHTS, sets=tuple(kept), agreements=tuple(agreements(kept)), same_rank=0)
        assert X1().judge(figures).color == "not applicable"
