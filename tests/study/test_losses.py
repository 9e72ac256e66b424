"""What binary codes have to tell apart, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import PCG64, Generator
from study.conftest import Ran

from binbench.study.losses import Loss, loss_table, losses, ranking, separation


def test_gap_and_noise_are_those_of_random_hyperplanes() -> None:
    near, far, bits = np.pi / 3, np.pi / 2, 96
    # A third and a half of the bits differ: 32 and 48, the first with a variance of 96 · 1/3 · 2/3.
    gap, noise = separation(np.array([near]), np.array([far]), bits)
    assert gap == pytest.approx(16)
    assert noise == pytest.approx(np.sqrt(96 * 2 / 9))
    # Drawn: two vectors of the plane at that angle.
    planes = Generator(PCG64(0)).standard_normal((4000, bits, 2))
    differing = ((planes @ [1, 0] > 0) != (planes @ [np.cos(near), np.sin(near)] > 0)).sum(axis=1)
    assert differing.mean() == pytest.approx(32, abs=0.3)
    assert differing.std() == pytest.approx(noise, rel=0.05)


def loss(name: str, bits: int, gap: float, recall: float) -> Loss:
    labels = {"set": name, "dataset": name, "encoder": "m", "tier": 1, "counted": True}
    return Loss(**labels, bits=bits, gap=gap, noise=2.0, recall=recall, ties=None, participation=None)  # type: ignore[arg-type]


def test_ranking_is_over_sets_of_one_length() -> None:
    rows = [loss("a", 256, 2, 0.3), loss("b", 256, 4, 0.5), loss("c", 256, 6, 0.4), loss("a", 512, 8, 0.1)]
    assert ranking(rows, 256) == (pytest.approx(0.5), 3)
    assert ranking(rows, 512) is None
    assert [line[:2] for line in loss_table(rows).lines] == [["a", "256"], ["b", "256"], ["c", "256"], ["a", "512"]]


def test_every_length_of_every_set_is_there(ran: Ran) -> None:
    found = losses(ran.study, {ran.study.sets[0].name: 7.0})
    assert [loss.bits for loss in found] == [64, 128, 512] * 4
    assert found[0].participation == 7
    assert found[1].clarity == pytest.approx(found[0].clarity * np.sqrt(2))
    assert all(loss.ties is not None and 0 <= loss.ties <= 1 for loss in found)
