"""A publication: whole, made again over itself only, with the best of each budget by a second reckoning."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas
import pytest
from study.conftest import Ran
from study.made_up import method_row

from binbench.cli import main
from binbench.files import sha256_of
from binbench.study.regimes import means
from binbench.study.report.choice import best_rules, by_budget


@pytest.fixture(scope="module")
def published(ran: Ran, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("publication") / "atlas"
    for _ in range(2):  # the second time over the first
        with pytest.raises(SystemExit) as ended:
            main(["study", "publish", str(ran.campaign), str(output), *ran.options])
        assert not ended.value.code
    return output


def test_everything_is_there_and_named(ran: Ran, published: Path) -> None:
    assert {path.name for path in published.iterdir() if path.suffix != ".svg"} == {
        *("README.md", "report.md", "campaign.yml", "sets.json", "results.parquet")
    }
    for page in ("README.md", "report.md"):
        text = (published / page).read_text()
        linked = set(re.findall(r"\]\(([\w.-]+)\)", text))
        assert linked
        assert all((published / name).stat().st_size > 0 for name in linked)
        assert str(ran.study.results_dir) not in text
    assert sha256_of(published / "results.parquet") in (published / "README.md").read_text()


def test_sets_are_named_by_their_hashes(ran: Ran, published: Path) -> None:
    found = json.loads((published / "sets.json").read_text())
    assert {row["set"]: row["sha256_train"] for row in found["sets"]} == {
        entry.name: entry.attributes["sha256_train"] for entry in ran.study.sets
    }
    assert found["versions"]["numpy"]
    assert found["machine"]["cpu"]


def test_the_best_of_each_budget_is_that_of_the_archive(published: Path) -> None:
    rows = pandas.read_parquet(published / "results.parquet")
    own = rows[rows["encoder_spec"] == "one"]
    grouped = own.groupby("method").agg({"bytes_per_vector": "max", "recall@10": "mean"})
    line = next(line for line in (published / "README.md").read_text().splitlines() if line.startswith("| 16 |"))
    fitting = grouped[grouped["bytes_per_vector"] <= 16]
    assert f"| `{fitting['recall@10'].idxmax()}` {fitting['recall@10'].max():.2f} (" in line


def test_no_other_folder_is_written_into(ran: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.svg").write_text("<svg/>")
    with pytest.raises(SystemExit) as ended:
        main(["study", "publish", str(ran.campaign), str(tmp_path), *ran.options])
    assert ended.value.code
    assert "is not empty and no earlier publication" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.svg"]


def test_a_campaign_that_was_not_run_is_told_so(ran: Ran, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [option for option in ran.options if not option.startswith("--study-dir")]
    with pytest.raises(SystemExit) as ended:
        main(["study", "publish", str(ran.campaign), str(tmp_path / "out"), *options, f"--study-dir={tmp_path / 's'}"])
    assert ended.value.code
    assert "was not run; `binbench study run" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_budgets_and_rules_by_hand() -> None:
    methods = [
        method_row("a", "m", name, recall, tier=1)
        for name, recall in (("binary256", 0.5), ("pq8", 0.4), ("pq32", 0.6), ("pq64", 0.55))
    ]
    methods += [method_row("a", "m", "itq256", 0.58, bytes_per_vector=32.0)]
    rows = {"m": means(methods, "m")}
    # pq64 costs more and finds less than pq32: 64 bytes buy nothing.
    assert [line[:2] for line in by_budget(rows).lines] == [
        ["8", "`pq8` 0.40 (0.40), 40%"],
        ["32", "`pq32` 0.60 (0.60), 60%"],
    ]
    assert best_rules(rows) == ["m `itq256` 0.58, `pq32` 0.60"]
