"""Timings of different kinds of machines stand side by side only with a sign, and a footnote that says which."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from measured import Stored, job, rows_of

from binbench.harness.results import update
from binbench.harness.worker import perform
from binbench.records.machines import Machines
from binbench.records.rows import Row
from binbench.records.seeds import pooled
from binbench.report.plot import plot
from binbench.report.site import site
from binbench.report.table import TableOptions, table


def moved(stored: Stored, which: Callable[[Row], bool]) -> Stored:
    """`stored` as if the rows `which` had been measured on another machine."""
    for row in filter(which, rows_of(stored)):
        there = row.record.provenance | {"machine": row.record.provenance["machine"] | {"cpu": "Z80", "cores": 1}}
        update(row.record.path, {}, {"provenance": there})
    return stored


@pytest.fixture
def elsewhere(stored: Stored) -> Stored:
    return moved(stored, lambda row: row["instance"] == "pq8")


def test_tables_mark_what_another_kind_of_machine_took(elsewhere: Stored) -> None:
    here = next(row for row in rows_of(elsewhere) if row["instance"] == "float")
    note = f"† timed on Z80, 1 cores; the others on {here['cpu']}, {here['cores']} cores"
    told = table(elsewhere.results_dir, options=TableOptions(filters=["mode=batch"]))
    lines = {line.split()[0]: line for line in told.splitlines() if line}
    assert len(re.findall(r"\d†", lines["pq8"])) == 2
    assert told.count("†") == 3
    assert note in told.splitlines()
    # Without timings there is nothing to be told apart.
    assert "Z80" not in table(elsewhere.results_dir, options=TableOptions(columns=["method", "recall@10"]))


def test_pictures_mark_it_where_they_draw_timings(elsewhere: Stored, tmp_path: Path) -> None:
    for path in plot(elsewhere.results_dir, tmp_path, formats=["svg"]):
        timings = path.stem.startswith(("qps", "latency", "build"))
        # Glyphs are outlines, which the text that they stand for accompanies.
        assert ("timed on Z80" in path.read_text()) == timings, path.name
        assert ("†" in path.read_text().replace("† timed", "")) == timings, path.name


def test_the_site_marks_it(elsewhere: Stored, tmp_path: Path) -> None:
    site(tmp_path, elsewhere.results_dir)
    page = (tmp_path / "sets" / "small.html").read_text()
    shown, stored = page.split('id="data">')
    assert len(re.findall(r"\d†</td>", shown)) == 4
    assert "† timed on Z80, 1 cores; the others on " in shown
    values = json.loads(stored.partition("</script>")[0])["values"]
    assert {m for m, sign in zip(values["method"], values["machine"], strict=True) if sign} == {"pq8"}


def test_seeds_that_several_kinds_timed_are_marked_too(stored: Stored) -> None:
    assert perform(job(stored.embeddings, stored.results_dir, "binary64", seed=1)) == ("ok", "")
    moved(stored, lambda row: row["seed"] == 1)
    rows = [row for row in pooled(rows_of(stored)) if row["mode"] == "batch"]
    machines = Machines.of(rows)
    assert {row["method"] for row in rows if machines.sign(row)} == {"binary64"}
    both = machines.note.removeprefix("† timed on ").partition("; ")[0].split(" and ")
    assert "Z80, 1 cores" in both
    assert machines.usual in both
    assert Machines.of(row for row in rows if row["method"] != "binary64").note == ""
