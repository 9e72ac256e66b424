"""Choices under a budget, and where binary stands, worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from study.made_up import iso_row, method_row

from binbench.study.regimes import by_standing, choices, choose, means, standing

STANDINGS = ("preferable", "competitive", "clearly worse")
ROWS = [
    method_row("a", "m", "pq8", 0.55),
    method_row("b", "m", "pq8", 0.45),
    method_row("a", "m", "pq64", 0.8),
    method_row("b", "m", "pq64", 0.75),
    method_row("a", "m", "binary512", 0.7, shared_bytes=10**9),
    method_row("b", "m", "binary512", 0.9, shared_bytes=10**9),
    method_row("a", "m", "int8", 0.99, bytes_per_vector=384.0),
]


def test_means_cover_methods_of_all_sets_only() -> None:
    found = {row.method: row for row in means(ROWS, "m")}
    assert set(found) == {"pq8", "pq64", "binary512"}
    assert found["pq8"].recall == pytest.approx(0.5)
    assert found["pq8"].lowest == 0.45
    assert means(ROWS, "other") == []


def test_the_smallest_that_fits_and_reaches_on_every_set() -> None:
    rows = means(ROWS, "m")
    chosen = choose(rows, 10_000_000, 1.0, 0.7)
    assert chosen is not None
    assert chosen.method == "pq64"  # 640 MB; binary512 takes a further GB
    assert choose(rows, 10_000_000, 0.5, 0.7) is None
    assert choose(rows, 10_000_000, 0.5, 0.5) is None  # pq8's mean reaches it, its lowest does not
    small = choose(rows, 10_000_000, 0.5, 0.4)
    assert small is not None
    assert small.method == "pq8"


def test_the_table_of_choices_says_where_nothing_will_do() -> None:
    made = choices(ROWS, "m")
    cells = {line[0]: line[1:] for line in made.lines}
    # With 4 and 16 GB nothing else is chosen, so there are no such lines.
    assert [name for name in cells if name.startswith("10M")] == ["10M in 0.5 GB", "10M in 1 GB"]
    assert cells["10M in 1 GB"] == ["pq64: 64 B, 0.75", "pq64: 64 B, 0.75", "nothing measured"]


@pytest.mark.parametrize(
    ("ratio", "width", "expected"),
    [
        (1.05, 0.04, "preferable"),
        (1.05, 0.06, "competitive"),
        (0.97, 0.01, "competitive"),
        (0.93, 0.03, "competitive"),
        (0.93, 0.01, "clearly worse"),
    ],
)
def test_standing_goes_by_the_interval(ratio: float, width: float, expected: str) -> None:
    pair = iso_row("a", "m", 256, ratio * 0.5, 0.5, width)
    assert pair.ratio is not None
    assert standing(pair.ratio) == expected
    assert by_standing([pair]) == {kind: [pair] if kind == expected else [] for kind in STANDINGS}


def test_a_ratio_that_is_not_defined_stands_nowhere() -> None:
    undefined = replace(iso_row("a", "m", 64, 0.1, 0.5), ratio=None)
    assert by_standing([undefined]) == {kind: [] for kind in STANDINGS}
