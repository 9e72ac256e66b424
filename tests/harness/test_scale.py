"""What does not grow with a set: figures once stored are read without the vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from measured import Stored

from binbench.harness.figures import evaluate
from binbench.records.rows import rows
from binbench.report.plot import plot
from binbench.report.site import site
from binbench.report.table import table
from binbench.sets.embeddings import EmbeddingSet


def test_vectors_are_not_read_again_once_there_are_figures(
    stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: EmbeddingSet, *names: Any) -> None:
        raise AssertionError(f"{names} of {self.name} are read")

    monkeypatch.setattr(EmbeddingSet, "_mapped", refuse)
    with pytest.raises(AssertionError, match="are read"):
        _ = stored.embeddings.train
    found, left_out = evaluate(stored.results_dir, stored.data_dir)
    assert not left_out
    assert all((record.figures is not None) == (record.status == "ok") for record in found)
    assert "recall@10" in table(stored.results_dir, stored.data_dir)
    assert plot(stored.results_dir, tmp_path, stored.data_dir, formats=["svg"], kinds=["recall-bytes"])
    assert site(tmp_path / "site", stored.results_dir, stored.data_dir)
    assert all(row["recall@10"] is not None for row in rows(stored.results_dir) if row["status"] == "ok")
