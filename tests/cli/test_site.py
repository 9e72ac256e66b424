"""`binbench site` as a person types it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .test_table import folders, run

__all__ = ["folders"]


def test_the_overview_is_printed(folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("site", str(tmp_path / "site"), *folders) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'site' / 'index.html'}\n"
    assert "tiny" in (tmp_path / "site" / "index.html").read_text()


def test_a_file_in_the_way_is_one_line(folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "site").write_text("")
    assert run("site", str(tmp_path / "site"), *folders) == 1
    assert capsys.readouterr().err.startswith("binbench: cannot write")
