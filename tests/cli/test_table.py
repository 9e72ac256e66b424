"""`binbench table` as a person types it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import unit

from binbench.cli import main
from binbench.harness.figures import evaluate
from binbench.harness.jobs import Job
from binbench.harness.worker import perform
from binbench.sets.embeddings import write_set


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Options naming folders with a set of 30 documents and two results on it."""
    rng = np.random.Generator(np.random.PCG64(1))
    train, test = unit(rng.standard_normal((30, 8))), unit(rng.standard_normal((3, 8)))
    made = write_set(tmp_path / "data" / "tiny.hdf5", train.shape, [train], test, {"distance": "angular"})
    for name in ("float", "int8"):
        job = Job(
            set_path=made.path,
            set_name="tiny",
            set_fingerprint=made.fingerprint,
            instance=name,
            count=10,
            runs=1,
            results_dir=tmp_path / "results",
        )
        assert perform(job) == ("ok", "")
    assert evaluate(tmp_path / "results", tmp_path / "data")[1] == []
    return ["--results-dir", str(tmp_path / "results"), "--data-dir", str(tmp_path / "data")]


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main(list(arguments))
    return int(stopped.value.code or 0)


def test_options_reach_the_table(folders: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["--columns", "method,bytes_per_vector", "--sort", "-bytes_per_vector", "--format", "markdown"]
    assert run("table", *folders, *chosen) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert lines[2:] == ["| float | 32 |", "| int8 | 8 |"]


@pytest.mark.parametrize(
    ("asked", "told"),
    [("10M", "10,000,000"), ("500k", "500,000"), ("1.5m", "1,500,000"), ("2e6", "2,000,000"), ("7", "7")],
)
def test_documents_are_numbers_as_people_write_them(
    folders: list[str], capsys: pytest.CaptureFixture[str], asked: str, told: str
) -> None:
    assert run("table", *folders, "--documents", asked) == 0
    assert f"GB at {told} documents" in capsys.readouterr().out


@pytest.mark.parametrize("asked", ["0", "many", "-3", "10MB"])
def test_other_numbers_of_documents_are_refused(
    folders: list[str], capsys: pytest.CaptureFixture[str], asked: str
) -> None:
    assert run("table", *folders, "--documents", asked) == 1
    assert "expected one such as 250000, 200k or 10M" in capsys.readouterr().err


def test_sets_without_judgements_have_no_retention(folders: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("table", *folders, "--columns", "method,recall@10,ndcg@10,retention", "--filter", "family=float") == 0
    assert capsys.readouterr().out.splitlines()[-1].split() == ["float", "1.0000", "–", "–"]


def test_mistakes_are_one_line(folders: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run("table", *folders, "--filter", "recal@10>0") == 1
    assert capsys.readouterr().err.startswith("binbench: unknown column 'recal@10'; did you mean")
    assert run("table", "--results-dir", "nowhere") == 1
    assert capsys.readouterr().err.startswith("binbench: no results below nowhere;")
