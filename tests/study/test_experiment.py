"""Experiments as objects: found, ordered, named once, light to find."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from study.conftest import Ran

from binbench.report.render import Table
from binbench.study import execute, experiment
from binbench.study.execute import kill_switches
from binbench.study.experiment import Band, Experiment, experiments
from binbench.study.study import Study


class _Made(Experiment[int]):
    """An experiment that counts sets."""

    title = "made up"
    figures = int

    def measure(self, study: Study) -> int:
        return len(study.sets)

    def judge(self, figures: int) -> Band:
        return Band("green", [f"{figures} sets"])

    def tables(self, figures: int) -> list[Table]:
        return []


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A register that a test may add to."""
    monkeypatch.setattr(experiment, "_FOUND", dict(experiment._FOUND))
    experiments.cache_clear()
    yield
    monkeypatch.undo()
    experiments.cache_clear()


def test_those_of_the_study_are_found_in_order() -> None:
    exploratory = [name for name, one in experiments().items() if one.exploratory]
    assert list(experiments()) == [*(f"e{i}" for i in range(1, 9)), *exploratory]
    assert exploratory == sorted(exploratory)
    assert "x2" in exploratory


@pytest.mark.usefixtures("fresh")
def test_exploratory_ones_come_last_and_after_what_they_need() -> None:
    for name, needs in (("x20", ()), ("x12", ("x21",)), ("x21", ("e8",)), ("e12", ())):
        experiment.experiment(type(f"Made{name}", (_Made,), {"id": name, "needs": needs}))
    assert [name for name in experiments() if len(name) > 2] == ["e12", "x21", "x12", "x20"]
    assert list(experiments())[:9] == [*(f"e{i}" for i in range(1, 9)), "e12"]


@pytest.mark.usefixtures("fresh")
def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two experiments are called e5: E5 and Other"):
        experiment.experiment(type("Other", (_Made,), {"id": "e5"}))


@pytest.mark.usefixtures("fresh")
def test_a_switch_stops_an_exploratory_experiment(ran: Ran, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    study = replace(ran.study, folder=tmp_path)
    experiment.experiment(type("X12", (_Made,), {"id": "x12"}))
    monkeypatch.setattr(execute, "stopped_by", lambda study, step: ["F3: no signal"] if step == "X12" else [])
    progress = execute.execute(study, only=["x12", "e6"])
    assert [(step.name, step.state) for step in progress.steps[2:]] == [("X12", "stopped"), ("E6", "done")]
    despite = execute.execute(study, only=["x12"], despite_kill_switch=True)
    assert (despite.steps[2].state, despite.steps[2].detail, despite.despite) == ("done", "green", ["F3: no signal"])


def test_a_stored_e8_of_another_version_decides_nothing(ran: Ran, caplog: pytest.LogCaptureFixture) -> None:
    path = ran.study.folder / "e8.json"
    text = path.read_text()
    path.write_text(text.replace('"features"', '"inputs"'))
    with caplog.at_level(logging.WARNING, "binbench"):
        found = {switch.name: switch.state for switch in kill_switches(ran.study)}
    path.write_text(text)
    assert found["F3"] == "not applicable"
    assert "e8.json is not a stored experiment of this version" in caplog.text


def test_finding_them_imports_nothing_heavy() -> None:
    code = "import sys, binbench.cli.study; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"scipy", "sklearn", "faiss", "h5py", "matplotlib", "torch", "jinja2", "pandas"}
    assert not heavy & set(done.stdout.split())
