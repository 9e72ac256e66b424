"""`binbench plot` as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from binbench.report.charts import kinds
from binbench.report.charts.registry import charts

from .test_table import folders, run

__all__ = ["folders"]


def test_the_pictures_paths_are_printed(folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "plots"
    assert run("plot", *folders, "--output", str(output), "--kind", "recall-bytes", "--format", "svg") == 0
    assert capsys.readouterr().out.splitlines() == [str(output / "tiny-k10-1t" / "recall-bytes.svg")]
    assert "<svg" in (output / "tiny-k10-1t" / "recall-bytes.svg").read_text()


def test_a_kind_with_nothing_to_show_fails(folders: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("plot", *folders, "--kind", "latency") == 1
    assert capsys.readouterr().err.startswith("binbench: nothing to draw")


def test_help_lists_the_kinds(capsys: pytest.CaptureFixture[str]) -> None:
    assert kinds() == {kind: chart.summary for kind, chart in charts().items()}
    assert run("plot", "--help") == 0
    told = capsys.readouterr().out.split("Kinds:")[1]
    assert [line.split()[0] for line in told.splitlines() if line.startswith("  ") and line[2] != " "][
        : len(charts())
    ] == [*charts()]
