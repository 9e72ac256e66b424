"""`binbench export` as a person types it."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from binbench.records.columns import describe

from .test_table import folders, run

__all__ = ["folders"]


def test_the_path_is_printed(folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "all.csv"
    assert run("export", *folders, "--output", str(output)) == 0
    assert capsys.readouterr().out == f"{output}\n"
    with open(output, newline="", encoding="utf-8") as file:
        assert [row["method"] for row in csv.DictReader(file)] == ["float", "int8"]


def test_describe_needs_no_results(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("export", "--describe", "--results-dir", "nowhere") == 0
    assert capsys.readouterr().out == describe()
