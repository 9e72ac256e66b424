"""Filters, orders and groups as people type them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from binbench.errors import UserError
from binbench.records.rows import Row
from binbench.records.select import filtered, groups, ordered


@pytest.fixture
def rows(make_row: Callable[..., Row]) -> list[Row]:
    return [
        make_row(family="binary", instance="a", **{"recall@10": 0.5}, k=10, retention=0.9),
        make_row(family="pq", instance="b", **{"recall@10": 0.0}, k=100, retention=1.0),
        make_row(family="pqfs", instance="c", **{"recall@10": None}, k=10, subset=True),
    ]


@pytest.mark.parametrize(
    ("filters", "kept"),
    [
        ([], "abc"),
        (["family=binary"], "a"),
        (["family=binary,pq"], "ab"),
        (["family=pq*"], "bc"),
        (["family!=pq*"], "a"),
        (["recall@10>0.1"], "a"),
        (["recall@10>=0"], "ab"),
        (["recall@10 <= 0"], "b"),
        (["recall@10!=0"], "ac"),
        (["k=10"], "ac"),
        (["k=10,100", "family=pq"], "b"),
        (["retention>=95%"], "b"),
        (["subset=yes"], "c"),
        (["subset!=yes"], "ab"),
        (["recall@10<0"], ""),
    ],
)
def test_filters(rows: list[Row], filters: list[str], kept: str) -> None:
    assert "".join(row["instance"] for row in filtered(rows, filters)) == kept


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("recall@10", "is not COLUMN"),
        ("famly=binary", "did you mean family"),
        ("family>3", "holds no numbers"),
        ("k=ten", "'ten' is not a number"),
        ("k>1,2", "give one number"),
        ("", "is not COLUMN"),
    ],
)
def test_bad_filters(rows: list[Row], text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        filtered(rows, [text])


@pytest.mark.parametrize(
    ("keys", "order"),
    [
        (["recall@10"], "bac"),
        (["-recall@10"], "abc"),
        (["k", "-recall@10"], "acb"),
        (["k,-recall@10"], "acb"),
        (["-family"], "cba"),
        ([], "abc"),
    ],
)
def test_orders_keep_missing_values_last(rows: list[Row], keys: list[str], order: str) -> None:
    assert "".join(row["instance"] for row in ordered(rows, keys)) == order


def test_an_unknown_key_suggests(rows: list[Row]) -> None:
    with pytest.raises(UserError, match="recall@10"):
        ordered(rows, ["-recal@10"])


def test_groups_come_in_order_of_appearance(rows: list[Row]) -> None:
    found = [(values, "".join(row["instance"] for row in part)) for values, part in groups(rows, ["k"])]
    assert found == [((10,), "ac"), ((100,), "b")]
