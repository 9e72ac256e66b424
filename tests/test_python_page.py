"""docs/python.md says what happens."""

from __future__ import annotations

import doctest
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "python.md"


def test_the_page_shows_real_output(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BINBENCH_DATA", raising=False)
    monkeypatch.delenv("BINBENCH_RESULTS", raising=False)
    text = PAGE.read_text(encoding="utf-8").replace("```", "")
    examples = doctest.DocTestParser().get_doctest(text, {}, "python.md", str(PAGE), 0)
    said: list[str] = []
    found = doctest.DocTestRunner().run(examples, out=said.append)
    assert found.attempted > 10
    assert not found.failed, "".join(said)
