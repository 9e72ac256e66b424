"""A campaign from the command line: what it leaves, resumes, stops and reports."""

from __future__ import annotations

import logging
import re
import shlex
import shutil
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas
import pytest
import yaml
from study.conftest import Ran
from study.made_up import method_row

from binbench.cli import main
from binbench.errors import UserError
from binbench.files import sha256_of
from binbench.harness import estimate
from binbench.study import execute, plan
from binbench.study.campaign import Budgets, load_study
from binbench.study.execute import Progress
from binbench.study.experiment import Experiment, Outcome, experiments, load, perform
from binbench.study.experiments.e1 import E1
from binbench.study.experiments.e2 import E2
from binbench.study.experiments.e4 import E4
from binbench.study.experiments.e5 import E5
from binbench.study.experiments.e6 import E6
from binbench.study.report import write_report
from binbench.study.study import Study


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["study", *arguments])
    return int(ended.value.code or 0)


F = TypeVar("F")


def stored(ran: Ran, experiment: type[Experiment[F]]) -> Outcome[F]:
    return Outcome.read(ran.study.folder / f"{experiment.id}.json", experiment())


def test_everything_asked_for_is_there(ran: Ran) -> None:
    assert ran.status == 0
    log = Progress.read(ran.study.folder)
    assert [step.name for step in log.steps] == [
        "tier 1",
        "tier 2",
        *(f"E{i}" for i in range(1, 9)),
        "X1",
        "X2",
        "X3",
        "X4",
    ]
    assert {step.state for step in log.steps} == {"done"}
    drawn = 0
    for experiment in experiments().values():
        found = stored(ran, type(experiment))
        drawn += len(found.plots)
        assert found.campaign == "small"
        assert found.provenance["versions"]["numpy"] == np.__version__
        assert all((ran.study.folder / plot.file).stat().st_size > 5000 for plot in found.plots)
    assert drawn > 8
    assert {"report.md", "report.html"} <= {path.name for path in ran.study.folder.iterdir()}


def test_recall_is_that_of_a_brute_force_search(ran: Ran) -> None:
    entry = ran.study.sets[0]
    rows = {(row.set, row.method): row for row in stored(ran, E5).figures.methods}
    row = rows[entry.name, "binary128"]
    projection = np.random.Generator(np.random.PCG64(0)).standard_normal((32, 128))
    train, test = (array.astype(np.float64) @ projection > 0 for array in (entry.vectors.train, entry.vectors.test))
    hamming = (test[:, None] != train[None]).sum(axis=2)
    found = np.argsort(hamming, axis=1, kind="stable")[:, :10]
    true = np.argsort(-(entry.vectors.test @ entry.vectors.train.T), axis=1)[:, :10]
    shared = [len({*ours} & {*theirs}) / 10 for ours, theirs in zip(found, true, strict=True)]
    assert row.means["overlap@10"] == pytest.approx(np.mean(shared))
    assert row.means["recall@10"] == pytest.approx(row.means["overlap@10"])
    assert row.bytes_per_vector == 16


def test_binary_meets_pq_at_equal_bytes(ran: Ran) -> None:
    figures = stored(ran, E5).figures
    recalls = {(row.set, row.method): row.recall for row in figures.methods}
    pq = {(row.set, row.method): row.recall for row in stored(ran, E6).figures.methods}
    assert [(pair.bits, pair.bytes) for pair in figures.iso] == [(64, 8), (128, 16)] * 4
    for pair in figures.iso:
        ours, theirs = recalls[pair.set, f"binary{pair.bits}"], pq[pair.set, f"pq{pair.bytes}"]
        assert pair.ratio is not None
        assert pair.ratio.value == pytest.approx(ours / theirs)
        assert pair.ratio.low is not None
        assert pair.ratio.high is not None
        assert pair.ratio.low <= pair.ratio.value <= pair.ratio.high


def test_the_sets_are_described(ran: Ran) -> None:
    rows = stored(ran, E1).figures.made
    assert [(row.dataset, row.encoder) for row in rows] == [(d, e) for d in "ab" for e in ("one", "two")]
    assert rows[0].seconds_per_million == pytest.approx(36 / 600 * 1e6)
    assert stored(ran, E1).band.color == "not applicable"
    assert "0.04 h on cpu" in stored(ran, E1).band.reasons[0]


def test_codes_are_reproduced_and_ground_truth_confirmed(ran: Ran) -> None:
    # Four sets; 64, 128 and 512 bits each.
    assert [(row.reproduced, row.self_distance) for row in stored(ran, E2).figures.codes] == [(True, 0)] * 12
    assert [(row.agreeing, row.checked) for row in stored(ran, E4).figures.sets] == [(40, 40)] * 4
    assert stored(ran, E4).figures.sets[0].flops == 2 * 40 * 600 * 32


def test_the_report_names_bands_and_hypotheses(ran: Ran) -> None:
    text = (ran.study.folder / "report.md").read_text()
    for name, experiment in experiments().items():
        assert f"### {name.upper()}: {experiment.title}" in text
        assert f"| {stored(ran, type(experiment)).band.color} |" in text
    assert "**H1.** Long codes keep neighbours." in text
    html = (ran.study.folder / "report.html").read_text()
    assert html.count("data:image/svg+xml;base64,") > 8
    assert html.count("data:image/svg+xml;base64,") == text.count("](e") + text.count("](report-")
    assert 'src="e' not in html


def test_hypotheses_travel_with_the_results(ran: Ran) -> None:
    assert ran.study.sets[0].records["binary64"][0].hypotheses == ["H1"]


def test_a_second_run_measures_nothing_anew(ran: Ran) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in ran.study.results_dir.rglob("*.hdf5")}
    assert call("run", str(ran.campaign), *ran.options) == 0
    assert {path: path.stat().st_mtime_ns for path in ran.study.results_dir.rglob("*.hdf5")} == stamps


def test_printed_commands_do_the_same_in_a_fresh_folder(
    ran: Ran, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ran.study.folder / "report.md").read_text()
    commands = re.findall(r"^python -m binbench (study .*)$", text, re.MULTILINE)
    assert [command.split()[1] for command in commands] == ["plan", "run", *experiments(), "report"]
    monkeypatch.chdir(tmp_path)
    assert [call(*shlex.split(command)[1:]) for command in commands] == [0] * len(commands)
    assert list(tmp_path.iterdir()) == []
    again = (ran.study.folder / "report.md").read_text()
    # The machine's load, the date and the command differ.
    assert again.partition("### Circumstances")[0].partition("## Provenance")[0] == text.partition("## Provenance")[0]


def test_the_campaign_is_stored_and_printed(ran: Ran) -> None:
    stored = (ran.study.folder / "campaign.yml").read_text()
    heading, _, content = stored.partition("\n")
    assert heading == f"# {ran.campaign}"
    assert content in (ran.study.folder / "report.md").read_text()
    told = yaml.safe_load(content)
    assert (told["runs"], told["seeds"], told["budgets"]["study_cap"]) == (1, [0], 65)
    assert [tier["tier"] for tier in told["tiers"]] == [1, 2]


def test_the_results_are_archived(ran: Ran) -> None:
    path = ran.study.folder / "results.parquet"
    assert (ran.study.folder / "results.sha256").read_text() == f"{sha256_of(path)}  results.parquet\n"
    assert f"`{sha256_of(path)}`" in (ran.study.folder / "report.md").read_text()
    frame = pandas.read_parquet(path)
    assert len(frame) == 4 * 8
    assert set(frame["method"]) == set(ran.study.sets[0].records)


def test_campaigns_of_one_name_have_folders_of_their_own(ran: Ran, tmp_path: Path) -> None:
    other = tmp_path / ran.campaign.name
    other.write_text(ran.campaign.read_text())
    folders = ran.study.folder.parent
    found = load_study(str(other)).folder(folders)
    assert found.parent == folders
    assert found.name.startswith("small-")
    assert load_study(str(ran.campaign)).folder(folders) == ran.study.folder
    # With one of its own it stays there, whatever becomes of the other's.
    (tmp_path / found.name).mkdir()
    assert load_study(str(other)).folder(tmp_path) == tmp_path / found.name


def test_results_that_are_gone_leave_no_figures(ran: Ran, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for folder in (ran.study.results_dir, ran.study.folder):
        shutil.copytree(folder, tmp_path / folder.name)
    study = Study(ran.study.campaign, ran.study.data_dir, tmp_path / "results", tmp_path / "small")
    with caplog.at_level(logging.INFO, "binbench"):
        write_report(study)
    assert "computed anew" not in caplog.text
    assert "binary512" in (tmp_path / "small" / "report.md").read_text().partition("## Provenance")[0]
    gone = list((tmp_path / "results").rglob("binary512_*.hdf5"))
    for path in gone:
        path.unlink()
    with caplog.at_level(logging.INFO, "binbench"):
        write_report(replace(study))
    assert caplog.text.count("computed anew") == len(experiments())
    assert len(gone) == 4
    rows = Outcome.read(tmp_path / "small" / "e5.json", E5()).figures.methods
    assert "binary512" not in {row.method for row in rows}
    assert "F1 triggered" not in (tmp_path / "small" / "report.md").read_text()


def test_one_experiment_alone(ran: Ran, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("e6", str(ran.campaign), *ran.options) == 0
    printed = capsys.readouterr().out
    assert "Product quantizers" in printed
    assert f"E6: {stored(ran, E6).band.color}" in printed
    assert str(ran.study.folder / "e6.json") in printed


def test_a_plan_spends_nothing(ran: Ran, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    elsewhere = [ran.options[0], f"--results-dir={tmp_path / 'none'}", f"--study-dir={tmp_path / 'study'}"]
    assert call("plan", str(ran.campaign), *elsewhere) == 0
    assert "36 of 36" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_planned_costs_by_hand(ran: Ran, tmp_path: Path) -> None:
    fresh = Study(ran.study.campaign, tmp_path, tmp_path / "results", tmp_path)
    row = plan.plan(fresh)[0]
    assert (row.documents, row.queries, row.dimension, row.jobs) == (600, 40, 32, (9, 9))
    assert row.embedding_hours == 0
    seconds = 8 * 600 * 32 * (estimate.ASSUMED_BUILD + 40 * 2 * estimate.ASSUMED_SEARCH)
    assert row.run_hours == pytest.approx(seconds / 3600)
    assert row.disk == 9 * 40 * 100 * 12


def test_measured_rates_replace_assumed_ones(ran: Ran) -> None:
    rates = plan.measured(Path(ran.study.sets[0].vectors.path).parent, ran.study.results_dir)
    assert rates.encoding["one"][0] == pytest.approx(600 / 36)
    assert "cpu, 2 sets" in rates.encoding["one"][1]
    built = [entry.records["pq8"][0].build_seconds or 0 for entry in ran.study.sets]
    assert rates.times.build["pq8"] == pytest.approx(np.median(built) / (600 * 32))


def test_a_triggered_switch_stops_the_next_tier(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execute, "stopped_by", lambda study, step: ["F1: low everywhere"] if step == "tier 2" else [])
    stopped = execute.execute(ran.study, only=[])
    assert [(step.name, step.state) for step in stopped.steps] == [("tier 1", "done"), ("tier 2", "stopped")]
    assert not stopped.complete
    despite = execute.execute(ran.study, only=[], despite_kill_switch=True)
    assert [step.state for step in despite.steps] == ["done", "done"]
    assert despite.despite == ["F1: low everywhere"]
    assert Progress.read(ran.study.folder).despite == ["F1: low everywhere"]


def test_the_cap_of_hours_counts_on_the_reference_device_only(ran: Ran) -> None:
    campaign = ran.study.campaign
    for device, stops in (("cpu", True), ("A100", False), ("cp", False)):
        changes = {"reference_device": device, "budgets": Budgets(study_cap=0.01)}
        study = Study(campaign.model_copy(update=changes), *folders(ran.study))
        assert any("more than the cap" in reason for reason in execute.stopped_by(study, "tier 2")) == stops


def test_tiers_are_judged_by_those_before_them_and_by_all_in_the_end(ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    low = [method_row(d, e, "binary512", 0.3) for d in "ab" for e in ("one", "two")]
    rows = [*low, method_row("c", "one", "binary512", 0.7, tier=2)]
    monkeypatch.setattr(execute, "method_rows", lambda study: rows)
    assert any(reason.startswith("F1") for reason in execute.stopped_by(ran.study, "tier 2"))
    assert not execute.stopped_by(ran.study, "tier 3")
    assert not execute.stopped_by(ran.study, "X3")
    found = execute.kill_switches(ran.study)[0]
    assert found.state == "not triggered"
    assert "lifts F1" in found.reason


def test_the_hours_of_a_replaced_encoding_count(ran: Ran) -> None:
    entry = ran.study.sets[0]
    earlier = {"earlier_encodings": {"cpu": 36.0, "NVIDIA A100": 7200.0}}
    changed = replace(entry, embeddings=replace(entry.vectors, attributes=entry.attributes | earlier))
    assert changed.hours == {"cpu": pytest.approx(0.02), "NVIDIA A100": 2.0}


def test_failures_are_told_by_their_status(ran: Ran) -> None:
    entry = replace(ran.study.sets[0], troubles=["binary64 (seed 0, batch): stale"], failed={})
    study = copy(ran.study)
    study.sets = [entry]
    assert E2().measure(study).failures == ()
    entry.failed["binary64"] = "binary64 (seed 0, batch): failed before"
    assert E2().measure(study).failures == ("a-one: binary64 (seed 0, batch): failed before",)


def folders(study: Study) -> tuple[Path, Path, Path]:
    return study.data_dir, study.results_dir, study.folder


def test_a_set_that_cannot_be_made_costs_itself_only(ran: Ran, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    path = tmp_path / "gap.yml"
    given = ran.study.sets[0].vectors.path
    path.write_text(
        "runs: 1\nhypotheses: {H1: x}\ntiers:\n"
        f"  - {{datasets: ['{tmp_path}/empty', '{given}'], encoders: [lsa16], algorithms: [float]}}\n"
    )
    options = [f"--data-dir={tmp_path}", ran.options[1], f"--study-dir={tmp_path}"]
    assert call("run", str(path), *options) == 1
    log = Progress.read(tmp_path / "gap")
    assert "holds no corpus.jsonl" in log.failures[0]
    assert log.steps[0].detail == "1/2 sets"
    assert "empty-lsa16: not prepared" in (tmp_path / "gap" / "report.md").read_text()


def test_without_any_set_the_next_step_is_named(ran: Ran, tmp_path: Path) -> None:
    path = tmp_path / "none.yml"
    path.write_text("tiers: [{datasets: [scifact], encoders: [lsa16], algorithms: [float]}]\n")
    with pytest.raises(UserError, match="binbench study run none"):
        perform("e1", Study(load_study(str(path)), tmp_path, tmp_path, tmp_path))


def test_methods_without_a_seed_are_asked_for_once(ran: Ran, tmp_path: Path) -> None:
    path = tmp_path / "seeds.yml"
    given = ran.study.sets[0].vectors.path
    methods = "encoders: [lsa16], algorithms: [sign, binary64]"
    path.write_text(f"seeds: [7, 8]\ntiers: [{{datasets: [scifact, '{given}'], {methods}}}]\n")
    unmade, made = Study(load_study(str(path)), tmp_path, tmp_path, tmp_path).asked
    # float and sign once, binary64 with either seed.
    assert unmade.jobs == made.jobs == {1: (4, 0)}
    assert "sign (batch): missing" in made.troubles
    assert "binary64 (seed 8, batch): missing" in made.troubles


def test_an_unknown_experiment_suggests_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean e8"):
        load("ee8")


def test_a_damaged_record_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "e5.json").write_text('{"experiment": "e5"}')
    with pytest.raises(UserError, match=r"e5\.json is not a stored experiment"):
        Outcome.read(tmp_path / "e5.json", E5())
