"""Who is best within a number of bytes, from made-up rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from binbench.records.rows import Row
from binbench.report.leaderboard import findings, goals, standings, within

Make = Callable[..., Row]


def rows(make_row: Make, name: str, **methods: Any) -> list[Row]:
    """Rows of the set `name`: method → (bytes, recall, retention) and what else the row says."""
    return [
        make_row(
            set=name,
            instance=method,
            method=method,
            bytes_per_vector=held,
            retention=kept,
            **{"recall@10": recall},
            **(more[0] if more else {}),
        )
        for method, (held, recall, kept, *more) in methods.items()
    ]


@pytest.fixture
def sets(make_row: Make) -> dict[str, list[Row]]:
    return {
        "one": rows(
            make_row,
            "one",
            float=(256, 1.0, 1.0),
            pq8=(8, 0.5, 0.9, {"undertrained": True}),
            pqfs8=(8.03, 0.4, 0.8),
            rq8=(8, 0.9, 0.99, {"outweighed": True}),
            int8=(64, 0.95, 1.01),
        ),
        "two": rows(
            make_row, "two", float=(512, 1.0, 1.0), pq8=(8, 0.3, 0.7), pqfs8=(8, 0.6, 0.9), int8=(128, 0.85, 0.96)
        ),
        "three": rows(make_row, "three", float=(256, 1.0, 1.0), pq8=(8, 0.7, 0.96), itq64=(8, 0.8, 0.7)),
    }


def test_means_weakest_sets_and_budgets(sets: dict[str, list[Row]]) -> None:
    found = standings(sets)
    assert [(one.method, round(one.mean, 4), one.weakest) for one in found] == [
        ("float", 1.0, "one"),
        ("pq8", 0.5, "two"),
        ("int8", 0.9, "two"),
        ("pqfs8", 0.5, "one"),
        ("itq64", 0.8, "three"),
    ]
    assert [one.method for one in found if one.undertrained] == ["pq8"]
    boards = within(found)
    assert {budget: [one.method for one in board] for budget, board in boards.items()} == {
        8: ["pq8", "pqfs8", "itq64"],
        128: ["pq8", "int8", "pqfs8", "itq64"],
        512: ["float", "pq8", "int8", "pqfs8", "itq64"],
    }


def test_goals_take_the_fewest_bytes_and_no_outweighed_row(sets: dict[str, list[Row]]) -> None:
    named = {name: [row and row["method"] for row in goals(part)] for name, part in sets.items()}
    assert named == {
        "one": ["int8", "int8", "int8"],
        "two": ["int8", "float", "int8"],
        # Of equal bytes the one that finds more.
        "three": ["pq8", "float", "itq64"],
    }


def test_one_sentence_per_finding(sets: dict[str, list[Row]]) -> None:
    told = findings(sets, within(standings(sets)))
    assert told[0] == (
        "Keeping 95 % of the float vectors’ nDCG@10 takes 8 to 128 bytes per vector (int8, pq8); the float vectors "
        "take 256 to 512 bytes per vector."
    )
    assert told[1].startswith("Finding nine of ten true neighbours takes 64 to 512 bytes per vector (float, int8);")
    # The largest gap between what is kept and what is found: pq8 on one, 0.9 against 0.5, and on two, 0.7 against 0.3.
    assert "pq8 keeps 90% of the float vectors’ nDCG@10 on one and finds 50% of their neighbours." in " ".join(told)
    assert told[-1].startswith("1 of 12 results come from codebooks trained on too few points")


def test_the_best_method_is_named_with_its_weakest_set(make_row: Make) -> None:
    parts = {name: rows(make_row, name, pq16=(16, recall, 0.9)) for name, recall in (("a", 0.75), ("b", 0.5))}
    told = findings(parts, within(standings(parts)))
    assert (
        "Within 16 bytes per vector the best method is pq16: "
        "recall@10 of 0.62 in the mean of 2 sets, 0.50 on the weakest (b)." in told
    )


def test_nothing_measured_says_nothing() -> None:
    assert (standings({}), within([]), findings({}, {})) == ([], {}, [])
