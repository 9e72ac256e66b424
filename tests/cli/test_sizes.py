"""Amounts of memory as people write them."""

from __future__ import annotations

import pytest

from binbench.cli.options import Size
from binbench.errors import UserError


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("4096", 4096),
        ("512B", 512),
        ("20MB", 20_000_000),
        ("20MiB", 20_971_520),
        ("20m", 20_971_520),
        ("1.5 GB", 1_500_000_000),
        ("2G", 2_147_483_648),
        ("2gib", 2_147_483_648),
        ("1kB", 1000),
        ("1TB", 1_000_000_000_000),
        ("1T", 1_099_511_627_776),
        ("1e9", 1_000_000_000),
    ],
)
def test_units_are_those_of_gnu_tools(asked: str, told: int) -> None:
    assert Size().convert(asked, None, None) == told


@pytest.mark.parametrize("asked", ["", "GB", "-1G", "1iB", "1XB", "1e400G", "nan", "2 G B"])
def test_what_is_no_size_is_refused(asked: str) -> None:
    with pytest.raises(UserError, match="is not a number of bytes such as 500M or 2G"):
        Size().convert(asked, None, None)
