"""`binbench evaluate` as a person types it."""

from __future__ import annotations

import json

import h5py
from commands import binbench, refused
from measured import Stored
from raw import Raw, as_schema_1

from .test_table import run

RUN = ("run", "--algorithm", "int8,binary64", "--dataset", "./tiny", "--encoder", "lsa8", "--runs", "1")


def test_stored_results_are_judged_and_bad_ones_named(collection_dir):
    folder = collection_dir.parent
    assert binbench(*RUN, cwd=folder).returncode == 0
    done = binbench("evaluate", "--json", "all.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("tiny-lsa8: 30 documents, 5 queries, k = 30, batch, 1 thread, seed 0")
    assert "int8 – float" in done.stdout
    (group,) = json.loads((folder / "all.json").read_text())["groups"]
    assert [row["name"] for row in group["results"]] == ["binary64", "float", "int8"]
    assert group["results"][1]["measures"]["recall@10"] == {"estimate": 1.0, "low": 1.0, "high": 1.0}

    (path,) = folder.glob("results/**/int8_*.hdf5")
    with h5py.File(path, "a") as file:
        file.attrs["set_fingerprint"] = "another"
    done = binbench("evaluate", "--dataset", "tiny", cwd=folder)
    refused(done, "left out", path.name, "other vectors")
    assert "binary64 – float" in done.stdout
    assert "int8" not in done.stdout


def test_nothing_to_judge(tmp_path):
    refused(binbench("evaluate", cwd=tmp_path), "no results below results; `binbench run` makes them")


def test_results_of_the_version_before_are_shown_with_a_remark_until_they_are_judged(
    stored: Stored, monkeypatch, capsys
):
    def called(*arguments: str) -> tuple[int, str]:
        status = run(*arguments)
        return status, capsys.readouterr().out

    def fail(*_):
        raise AssertionError("measured")

    # Of this process only, and no verb below starts another.
    monkeypatch.setattr("binbench.harness.worker.perform", fail)
    monkeypatch.setattr("subprocess.Popen", fail)
    paths = list(stored.results_dir.rglob("*.hdf5"))
    answers = {path: [Raw(path).array(name).tobytes() for name in ("neighbors", "times")] for path in paths}
    for path in paths:
        as_schema_1(path)
    folders = ["--results-dir", str(stored.results_dir), "--data-dir", str(stored.data_dir)]
    remark = "no figures yet; `binbench evaluate` computes them"
    shown = ["table", *folders, "--columns", "method,recall@10,ndcg@10,queries_per_second", "--filter", "method=float"]
    status, text = called(*shown)
    assert status == 0
    assert remark in text
    assert text.splitlines()[2].split()[:4] == ["float", "[1]", "–", "–"]
    # One of the results has no answers, and says so.
    assert called("evaluate", *folders)[0] == 1
    _, text = called(*shown)
    assert remark not in text
    # Relevant are the three nearest.
    assert text.splitlines()[2].split()[:3] == ["float", "1.0000", "1.0000"]
    assert {path: [Raw(path).array(name).tobytes() for name in ("neighbors", "times")] for path in paths} == answers
