"""Tables on a real terminal, through a pseudo-terminal: columns are given up, letters never."""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path

import pytest
from measured import Stored
from terminals import WIDTHS, cells, nothing_is_cut, on_terminal, on_terminals

from binbench.plugins.registry import ALGORITHMS

TEXTS = {"animal": ["ant", "bee", "cat", "dog", "eel"], "metal": ["gold", "iron", "lead", "zinc", "tin"]}
#: Every verb whose table is drawn by :mod:`binbench.report.render`; `run` ends with that of `table`.
TABLES = (
    "table",
    "table --iso-memory",
    "evaluate",
    "classify --train train.tsv --test test.tsv --encoder lsa4 --algorithm float,int8,binary64 --classifier knn",
    "similarity --pairs pairs.tsv --encoder lsa4 --algorithm float,int8,binary64",
    "study plan campaign.yml",
)


@pytest.fixture
def place(stored: Stored, tmp_path: Path, collection_dir: Path) -> Path:
    """A folder with results, texts with labels, pairs of sentences, a collection and a campaign."""
    assert (stored.results_dir, collection_dir) == (tmp_path / "results", tmp_path / "tiny")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "small.hdf5").symlink_to(stored.data_dir / "small.hdf5")
    labelled = [f"{a} {b}\t{label}\n" for label, words in TEXTS.items() for a in words for b in words if a != b]
    (tmp_path / "train.tsv").write_text("".join(labelled[::2]))
    (tmp_path / "test.tsv").write_text("".join(labelled[1::2]))
    words = [word for words in TEXTS.values() for word in words]
    pairs = [f"{i % 5}\t{a} {b}\t{b} {words[i % 7]}\n" for i, (a, b) in enumerate(combinations(words, 2))]
    (tmp_path / "pairs.tsv").write_text("score\tsentence1\tsentence2\n" + "".join(pairs))
    (tmp_path / "campaign.yml").write_text(
        "tiers:\n  - datasets: [synthetic-6000x32, synthetic-700x32, pydocs]\n    encoders: [lsa256]\n"
        "    algorithms: [int8, binary64]\n"
    )
    return tmp_path


@pytest.mark.parametrize("line", TABLES)
def test_nothing_is_cut(place: Path, line: str) -> None:
    nothing_is_cut(line.split(), place)


def test_a_demonstration_fits(place: Path) -> None:
    line = "demo --dataset tiny --encoder lsa16 --algorithm int8,binary64 --query kala"
    for width, lines in zip(WIDTHS, on_terminals(WIDTHS, *line.split(), cwd=place), strict=True):
        assert max(map(len, lines)) <= width
        [start] = [number for number, text in enumerate(lines) if text.startswith("method ")]
        rows = [re.split(r" {2,}", text) for text in lines[start : start + 4]]
        assert [row[0] for row in rows] == ["method", "float", "int8", "binary64"]
        assert {len(row) for row in rows} == {5}
        assert all(re.fullmatch(r"[\d,]+", row[1]) and re.fullmatch(r"[01]\.\d{3}", row[4]) for row in rows[1:])


def test_a_recommendation_fits(place: Path) -> None:
    line = "recommend --dataset synthetic-600x16 --algorithm int8,binary64 --runs 1 --documents 600 --memory 300k"
    shown = on_terminals(WIDTHS, *line.split(), cwd=place)
    for width, lines in zip(WIDTHS, shown, strict=True):
        assert max(map(len, lines)) <= width
    assert len({" ".join(" ".join(lines).split()) for lines in shown}) == 1
    assert "Take " in " ".join(shown[0])


def test_a_plan_keeps_what_matters(place: Path) -> None:
    """Of a campaign: what is to run and how long that takes, rather than what sets look like."""
    lines = on_terminal(80, "study", "plan", "campaign.yml", cwd=place)
    header = [[cell.strip() for cell in line.split("┃")] for line in lines if line.startswith("┃")]
    kept = {" ".join(filter(None, parts)) for parts in zip(*header, strict=True)}
    assert {"set", "state", "jobs to run", "runs h", "embedding h"} <= kept
    assert "encoding rate" in " ".join(lines).partition("no room for")[2]


def test_what_has_no_room_is_named(stored: Stored, tmp_path: Path) -> None:
    folders = ["--results-dir", str(stored.results_dir), "--data-dir", str(stored.data_dir)]
    narrow = on_terminal(60, "table", *folders, "--filter", "status=ok", cwd=tmp_path)
    notes = " ".join(narrow)
    assert "no room for" in notes
    assert "build time (s)" in notes.partition("no room for")[2]
    wide = on_terminal(60, "table", "--wide", *folders, "--filter", "status=ok", cwd=tmp_path)
    assert "no room for" not in " ".join(wide)
    assert len(cells(wide)[0]) == 8 > len(cells(narrow)[0])


def test_what_there_is_to_run_fits(tmp_path: Path) -> None:
    for width, lines in zip(WIDTHS, on_terminals(WIDTHS, "list", cwd=tmp_path), strict=True):
        assert max(map(len, lines)) <= width
        told = " ".join(" ".join(lines).split())
        assert "pq{bytes} 8–64 One of 256 k-means centroids per sub- vector" in told.replace(
            "sub-vector", "sub- vector"
        )
        # Twins are told apart, and every family is there.
        for name, told_by in (("int8 384", "bits: 8"), ("int4 192", "bits: 4"), ("sign-mean 48", "threshold: mean")):
            assert told_by in told.partition(f" {name} ")[2][:150]
        ours = {family.pattern for family in ALGORITHMS.families() if "algorithms." in family.plugin.__module__}
        assert ours <= set(told.split())


def test_long_lists_say_everything(tmp_path: Path) -> None:
    told = " ".join(" ".join(on_terminal(80, "list", "algorithms", "--long", cwd=tmp_path)).split())
    assert "instances: hnsw16 hnsw32 query arguments: ef_search 16, 64, 256" in told
    assert "Stores the codes and the codebooks, 4 · 256 · d bytes." in told
