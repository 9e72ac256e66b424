"""The notebooks run from top to bottom, where real sets are chosen, on small made-up ones."""

from __future__ import annotations

from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "docs" / "notebooks").glob("*.ipynb"))


def test_all_five_are_there():
    names = {"first-look", "geometry", "quality-memory-speed", "write-a-method", "your-own-vectors"}
    assert {path.stem for path in NOTEBOOKS} == names


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path, monkeypatch):
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    monkeypatch.delenv("BINBENCH_DATA", raising=False)
    monkeypatch.delenv("BINBENCH_RESULTS", raising=False)
    book = nbformat.read(path, 4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert any(cell.outputs for cell in code), "committed without its outputs"
    assert all(output.output_type != "error" for cell in code for output in cell.outputs)
    for cell in code:
        cell.source = cell.metadata.get("quick", cell.source)
    nbclient.NotebookClient(book, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert "running" in str(book.metadata["widgets"]), "long work shows no bar"
