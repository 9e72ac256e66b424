from __future__ import annotations

from pathlib import Path

from binbench.plugins.registry import ALGORITHMS
from binbench.report.methods import methods_markdown

COMMITTED = Path(__file__).parents[2] / "docs" / "methods.md"


def test_the_committed_table_is_that_of_the_registry():
    assert COMMITTED.read_text(encoding="utf-8") == methods_markdown(), (
        "write it anew: python -c 'from binbench.report.methods import methods_markdown as m; print(m(), end=\"\")'"
    )


def test_every_method_has_a_row_that_says_what_it_is():
    rows = [line.split(" | ") for line in methods_markdown().splitlines() if line.startswith("| `")]
    assert {row[0].strip("| `") for row in rows} == {
        family.pattern
        for family in ALGORITHMS.families()
        if family.plugin.__module__.startswith("binbench.algorithms.")
    }
    for row in rows:
        assert len(row) == 6
        assert row[2] in {"symmetric", "asymmetric"}
        assert "tore" in row[5] or row[0] == "| `sign-rescore-self`", f"{row[0]} does not say what it stores"
