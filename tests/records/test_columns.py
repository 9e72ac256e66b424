"""The columns' own page."""

from __future__ import annotations

from pathlib import Path

from binbench.records.columns import COLUMNS, describe


def test_the_page_of_columns_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "columns.md"
    assert page.read_text() == describe(), "run `python -m binbench export --describe > docs/columns.md`"


def test_every_column_is_described() -> None:
    lines = describe().splitlines()
    for name, column in COLUMNS.items():
        assert column.description
        assert sum(line.startswith(f"| `{name}` |") for line in lines) == 1
