"""The main job: failures cost their own row, results are kept, stale ones replaced."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from commands import snapshot
from processes import runs
from raw import Raw

from binbench.errors import UserError
from binbench.harness.jobs import Job
from binbench.harness.run import RunOptions, run
from binbench.sets.prepare import Preparation


def replace(model, **changes):
    """A copy of `model` with `changes`, checked as a new one is."""
    return type(model)(**dict(model) | changes)


@pytest.fixture
def options(tmp_path, plugins):
    return RunOptions(counts=(10,), runs=2, results_dir=tmp_path / "results", plugins=(plugins,), timeout=60)


def only(preparation, name, options):
    """The one result of `name`."""
    results = [Raw(r.path) for r in run([preparation], [name], options).records if r.instance == name]
    assert len(results) == 1
    return results[0]


FAILURES = {
    "raises": ("failed", "ValueError: no luck today (misbehaving.py:"),
    "exits": ("failed", "sys.exit(0)"),
    "exits-hard": ("failed", "exited with status 3"),
    "segfaults": ("failed", "SIGSEGV"),
    "reads-null": ("failed", "SIGSEGV"),
    "out-of-memory-error": ("out-of-memory", "allocate"),
    "wrong-shape": ("failed", "ids of shape (20, 9), expected (20, 10)"),
    "no-tuple": ("failed", "expected a tuple"),
    "out-of-range": ("failed", "query 2 was answered with ids outside -1..399"),
    "duplicates": ("failed", "query 1 was answered with an id more than once"),
    "nan-scores": ("failed", "query 0 was answered with NaN scores"),
    "writes-train": ("failed", "read-only"),
    "writes-queries": ("failed", "read-only"),
    "unsupported": ("skipped", "wants more dimensions"),
}


def test_every_failure_costs_its_own_row_and_nothing_else(preparation, options):
    outcome = run([preparation], ["float", *FAILURES, "fine"], options)
    found = {record.instance: (record.status, record.reason) for record in outcome.records}
    assert {name: status for name, (status, _) in found.items()} == {
        "float": "ok",
        "fine": "ok",
        **{name: status for name, (status, _) in FAILURES.items()},
    }
    for name, (_, reason) in FAILURES.items():
        assert reason in found[name][1]
        assert "\n" not in found[name][1]
    assert {record.instance for record in outcome.failures} == set(FAILURES) - {"unsupported"}


def test_endless_loop_is_stopped(preparation, options):
    result = only(preparation, "hangs", replace(options, timeout=1.0))
    assert (result.status, result["reason"]) == ("timeout", "took longer than 1 s")


def test_sleeper_and_what_it_started_are_stopped(preparation, options, tmp_path, monkeypatch):
    file = tmp_path / "pid"
    monkeypatch.setenv("BINBENCH_TEST_PID", str(file))
    assert only(preparation, "sleeps-deaf", replace(options, timeout=1.0)).status == "timeout"
    assert not runs(int(file.read_text()))


def test_memory_limit(preparation, options):
    result = only(preparation, "allocates", replace(options, memory_limit=300 << 20))
    assert (result.status, result["reason"]) == ("out-of-memory", "held more than 300 MiB")


def test_failure_under_one_query_argument_keeps_the_others(preparation, options):
    results = {r.method: Raw(r.path) for r in run([preparation], ["half-done"], options).records}
    assert results["half-done effort=1"].status == "ok"
    assert results["half-done effort=2"].status == "failed"
    assert "too much effort" in results["half-done effort=2"]["reason"]


def test_plugins_output_stays_off_the_terminal(preparation, options, capfd):
    assert only(preparation, "chatters", options).status == "ok"
    out, err = capfd.readouterr()
    assert "to std" not in out + err


def test_changing_answers_are_noted(preparation, options):
    assert "answers differ between repeats" in only(preparation, "restless", options)["facts"]["notes"]


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_fixed_before_the_libraries_load(preparation, options, threads):
    facts = only(preparation, "environment", replace(options, threads=threads))["facts"]
    assert facts["variable"] == str(threads)
    assert facts["faiss_threads"] == threads
    assert set(facts["pools"]) == {threads}


def test_unknown_algorithm_before_anything_runs(preparation, options):
    with pytest.raises(UserError, match="did you mean fine"):
        run([preparation], ["fone"], options)
    assert not options.results_dir.exists()


def test_more_neighbours_than_documents(preparation, options):
    with pytest.raises(UserError, match="--count 401 is larger than the corpus: small has 400 documents"):
        run([preparation], ["fine"], replace(options, counts=(401,)))


def test_default_count_is_a_hundred(preparation, options):
    assert only(preparation, "fine", replace(options, counts=()))["count"] == 100


class TestResultFile:
    @pytest.fixture
    def path(self, preparation, options):
        return only(preparation, "fine", options).path

    def test_where_it_lies(self, path, options):
        assert path == options.results_dir / "small" / "10" / "fine-batch" / "fine_seed=0.hdf5"

    def test_members_and_attributes_of_ann_benchmarks(self, path):
        with h5py.File(path) as file:
            assert {n: (file[n].shape, file[n].dtype) for n in ("times", "neighbors", "distances")} == {
                "times": ((20,), np.float32),
                "neighbors": ((20, 10), np.int32),
                "distances": ((20, 10), np.float32),
            }
            attributes = dict(file.attrs)
        for name, value in {
            "algo": "fine",
            "name": "fine",
            "dataset": "small",
            "distance": "angular",
            "count": 10,
            "run_count": 2,
            "batch_mode": True,
            "index_size": 400 * 64 / 1000,
            "candidates": 10.0,
            "expect_extra": False,
        }.items():
            assert attributes[name] == value, name
        assert attributes["best_search_time"] > 0
        assert attributes["build_time"] >= 0

    def test_distances_are_recomputed_from_the_vectors(self, path, small_set):
        with h5py.File(path) as file:
            ids, distances = file["neighbors"][:], file["distances"][:]
        expected = 1 - np.einsum("qd,qkd->qk", small_set.test.astype(float), small_set.train[ids].astype(float))
        np.testing.assert_allclose(distances, expected, atol=1e-6)

    def test_provenance(self, path):
        provenance = Raw(path)["provenance"]
        assert {"versions", "git", "machine", "load", "date", "command"} <= set(provenance)
        assert {"os", "cpu", "cores", "memory_bytes"} == set(provenance["machine"])

    def test_reported_time_is_that_of_the_median_repeat(self, preparation, options):
        result = only(preparation, "fine", replace(options, runs=5))
        seconds = result.array("repeat_seconds")
        assert len(seconds) == 5
        assert result["best_search_time"] == pytest.approx(np.sort(seconds)[2] / 20)
        np.testing.assert_allclose(result.array("times"), np.sort(seconds)[2] / 20, rtol=1e-6)

    def test_single_mode_percentiles_come_from_the_repeats(self, preparation, options):
        result = only(preparation, "fine", replace(options, modes=("single",), runs=3))
        latencies = result.array("latencies")
        assert latencies.shape == (3, 20)
        for name, percent in {"p50": 50, "p95": 95, "p99": 99, "p99.9": 99.9}.items():
            assert result["latency"][name] == pytest.approx(np.percentile(latencies, percent), rel=1e-5)
        totals = latencies.sum(axis=1)
        assert result["queries_per_second"] == pytest.approx(20 / np.sort(totals)[1], rel=1e-5)
        assert result.path.parent.name == "fine"
        assert 0 < result["noop_overhead"] < 1e-3

    def test_modes_agree_on_the_answers(self, preparation, options):
        batch, single = (
            Raw(r.path).neighbors
            for r in run([preparation], ["fine"], replace(options, modes=("batch", "single"))).records
            if r.instance == "fine"
        )
        np.testing.assert_array_equal(batch, single)

    def test_failures_are_well_formed_too(self, preparation, options):
        result = only(preparation, "raises", options)
        assert result.neighbors.shape == (20, 10)
        assert (result.neighbors == -1).all()
        assert np.isinf(result.distances).all()
        assert result.array("times").shape == (20,)


class TestWhatExists:
    def stamp(self, preparation, options, name="fine"):
        return only(preparation, name, options).path.stat().st_mtime_ns

    def test_is_kept(self, preparation, options):
        assert self.stamp(preparation, options) == self.stamp(preparation, options)

    def test_is_rerun_when_forced(self, preparation, options):
        assert self.stamp(preparation, options) != self.stamp(preparation, replace(options, force=True))

    def test_is_rerun_with_other_repeats(self, preparation, options):
        first = only(preparation, "fine", options)
        again = only(preparation, "fine", replace(options, runs=3))
        assert again.path == first.path
        assert (first["run_count"], again["run_count"]) == (2, 3)

    def test_is_kept_beside_what_other_threads_gave(self, preparation, options):
        first = only(preparation, "fine", options)
        stamp = first.path.stat().st_mtime_ns
        second = only(preparation, "fine", replace(options, threads=2))
        assert (first.path.name, second.path.name) == ("fine_seed=0.hdf5", "fine_seed=0_threads=2.hdf5")
        assert (first["threads"], second["threads"]) == (1, 2)
        assert self.stamp(preparation, options) == stamp

    def test_is_rerun_when_damaged(self, preparation, options):
        path = only(preparation, "fine", options).path
        path.write_bytes(path.read_bytes()[:500])
        assert only(preparation, "fine", options).status == "ok"

    def test_is_rerun_when_it_failed(self, preparation, options):
        assert self.stamp(preparation, options, "raises") != self.stamp(preparation, options, "raises")

    def test_is_not_rerun_when_it_was_skipped(self, preparation, options):
        assert self.stamp(preparation, options, "unsupported") == self.stamp(preparation, options, "unsupported")

    def test_is_rerun_when_the_vectors_changed(self, small_set, preparation, options, tmp_path):
        from binbench.sets.embeddings import write_set

        first = self.stamp(preparation, options)
        other = tmp_path / "small.hdf5"
        train = small_set.train[::-1].copy()
        write_set(other, train.shape, [train], small_set.test, {"distance": "angular"})
        assert first != self.stamp(Preparation(str(other), data_dir=tmp_path), options)

    def test_is_rerun_when_the_plugin_changed(self, preparation, tmp_path):
        plugin = tmp_path / "mine.py"
        text = Path(__file__).with_name("misbehaving.py").read_text()
        body = text[: text.index('@register("raises")')].replace('"fine"', '"mine"')
        command = [sys.executable, "-m", "binbench", "run", "--algorithm", "mine", "--plugin", str(plugin)]
        command += ["--dataset", preparation.dataset, "--count", "10", "--runs", "1"]
        stamps = []
        for extra in ("", "\nTHOUGHT = 1\n", "\n# Another one.\nTHOUGHT = 1\n"):
            plugin.write_text(body + extra)
            subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
            stamps.append((tmp_path / "results/small/10/mine-batch/mine_seed=0.hdf5").stat().st_mtime_ns)
        assert stamps[0] != stamps[1] == stamps[2]


class TestFigures:
    """They belong to the answers, and need no answers anew."""

    NAMES = ("binary64", "pq8")

    def measured(self, outcome):
        """Answers and times of every result, bit for bit."""
        names = ("neighbors", "distances", "times", "repeat_seconds")
        return {r.path: {name: Raw(r.path).array(name).tobytes() for name in names} for r in outcome.records}

    def forbid_measuring(self, monkeypatch):
        def fail(*_):
            raise AssertionError("measured")

        monkeypatch.setattr("binbench.harness.pool.ForkServer.__init__", fail)

    def test_are_there_when_the_run_ends(self, preparation, options):
        outcome = run([preparation], self.NAMES, options)
        for record in outcome.records:
            with h5py.File(record.path) as file:
                values = file["figures"][:]
                names = json.loads(file.attrs["figures"])["names"]
            ids, true = Raw(record.path).neighbors, preparation.run().neighbors[:, :10]
            hits = [len(set(a.tolist()) & set(b.tolist())) / 10 for a, b in zip(ids, true, strict=True)]
            assert values[names.index("overlap@10")] == pytest.approx(hits)
            assert record.mean("overlap@10") == pytest.approx(np.mean(hits))
            assert set(Raw(record.path)["contrasts"]) == {"recall@10", "ndcg@10"}
        assert [record.instance for record in outcome.records] == ["float", "binary64", "pq8"]
        assert not list(options.results_dir.rglob("*.npz"))

    def test_are_made_up_for_when_a_run_was_stopped_before_them(self, preparation, options, monkeypatch):
        """Stopped between the answers of float and their figures: those answers are kept."""

        def stopped(*_):
            raise RuntimeError("stopped")

        with monkeypatch.context() as patched:
            patched.setattr("binbench.harness.run.judge", stopped)
            with pytest.raises(RuntimeError, match="stopped"):
                run([preparation], ["float"], options)
        (path,) = options.results_dir.rglob("*.hdf5")
        assert "figures" not in Raw(path).attributes
        before = {name: Raw(path).array(name).tobytes() for name in ("neighbors", "distances", "times")}
        self.forbid_measuring(monkeypatch)
        (record,) = run([preparation], ["float"], options).records
        assert {name: Raw(path).array(name).tobytes() for name in before} == before
        assert record.mean("recall@10") == 1
        assert {"figures", "contrasts"} <= Raw(path).attributes.keys()

    def test_are_made_up_for_when_the_process_was_killed_before_them(self, preparation, tmp_path, plugins, monkeypatch):
        """The same with a real kill, by the process itself, where figures would have come."""
        line = command(preparation, tmp_path, plugins, "fine")
        code = (
            "import os, signal, sys; from binbench.harness import run; from binbench.cli import main\n"
            "run.judge = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\nmain(sys.argv[1:])"
        )
        killed = subprocess.run([sys.executable, "-c", code, *line[3:]], capture_output=True)
        assert killed.returncode == -signal.SIGKILL
        (path,) = (tmp_path / "results").rglob("[!.]*.hdf5")
        assert "figures" not in Raw(path).attributes
        before = {name: Raw(path).array(name).tobytes() for name in ("neighbors", "distances", "times")}
        subprocess.run(line, check=True, capture_output=True)
        assert {name: Raw(path).array(name).tobytes() for name in before} == before
        assert Raw(path)["figures"]["means"]["recall@10"][0] == 1

    def test_follow_the_judgements(self, small_set, tmp_path, options, monkeypatch):
        path = tmp_path / "small.hdf5"
        shutil.copy(small_set.path, path)
        preparation = Preparation(str(path), data_dir=tmp_path)
        first = run([preparation], self.NAMES, options)
        measured = self.measured(first)
        assert first.records[0].mean("ndcg@10") == pytest.approx(1)
        with h5py.File(path, "a") as file:
            # Nothing that was relevant is; the tenth nearest document is.
            file["qrels"][:, 1] = np.repeat(file["neighbors"][:, 9], 3)
        self.forbid_measuring(monkeypatch)
        again = run([preparation], self.NAMES, options)
        assert self.measured(again) == measured
        exact, *others = again.records
        assert exact.mean("mrr@10") == pytest.approx(0.1)
        for old, new in zip(first.records, again.records, strict=True):
            assert new.interval("recall@10") == old.interval("recall@10")
            assert new.stored_contrasts["ndcg@10"]["with"] == exact.figures.key != first.records[0].figures.key
        for record in others:
            share = record.values("ndcg@10").sum() / exact.values("ndcg@10").sum()
            assert record.stored_contrasts["ndcg@10"]["comparison"]["ratio"][0] == pytest.approx(share)

    def test_follow_the_definitions(self, preparation, options, monkeypatch):
        measured = self.measured(run([preparation], self.NAMES, options))
        before = {path: path.stat().st_mtime_ns for path in measured}
        self.forbid_measuring(monkeypatch)
        run([preparation], self.NAMES, options)
        assert {path: path.stat().st_mtime_ns for path in measured} == before
        monkeypatch.setattr("binbench.harness.figures._definitions", lambda: "another")
        again = run([preparation], self.NAMES, options)
        assert self.measured(again) == measured
        assert all(path.stat().st_mtime_ns > before[path] for path in measured)
        assert all(record.figures.made_by.startswith("another:") for record in again.records)

    @pytest.mark.parametrize("count", [5, 10])
    def test_are_written_once(self, preparation, options, count):
        options = replace(options, counts=(count,))
        run([preparation], self.NAMES, options)
        before = snapshot(options.results_dir)
        run([preparation], self.NAMES, options)
        assert snapshot(options.results_dir) == before


def job(**changes):
    given = {"set_path": "s", "set_name": "s", "set_fingerprint": "f", "instance": "fine", "count": 10}
    return Job(**given | changes)


def test_names_do_not_collide():
    arguments = [{"a": v} for v in (1, -1, [1], [-1], "1", 1.0, "a/b", "a_b", "x" * 300, "x" * 301, None, True)]
    paths = [job().path(a) for a in arguments] + [job(seed=1).path({}), job(seed=11).path({}), job().path({})]
    assert len({str(path) for path in paths}) == len(paths)
    assert all(len(path.name.encode()) <= 205 and path.parent.name == "fine-batch" for path in paths)
    assert job(mode="single").path({}).parent.name == "fine"


def test_job_survives_its_trip_to_the_worker():
    there = job(plugins=("a.py",), hypotheses=("H1",))
    assert Job.from_json(there.to_json()) == there


def command(preparation, tmp_path, plugins, *names):
    return [
        *(sys.executable, "-m", "binbench", "run", "--dataset", preparation.dataset, "--plugin", str(plugins)),
        *("--algorithm", ",".join(names), "--count", "10", "--runs", "1"),
        *("--results-dir", str(tmp_path / "results"), "--data-dir", str(tmp_path / "data")),
    ]


def test_failed_method_gives_a_failing_exit_status_that_names_it(preparation, tmp_path, plugins):
    done = subprocess.run(
        command(preparation, tmp_path, plugins, "fine", "raises", "unsupported"), capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "1 of 4 failed: raises on small (failed)" in done.stderr
    assert "no luck today" in done.stdout
    assert "wants more dimensions" in done.stdout
    assert "Traceback" not in done.stderr


def test_kills_at_random_moments_leave_only_whole_files(preparation, tmp_path, plugins):
    """The repeated command finishes what is missing and redoes nothing."""
    names = ["fine", *(f"slow{i}" for i in range(10, 16))]
    line = command(preparation, tmp_path, plugins, *names)
    rng = random.Random(5)
    finished: dict[Path, list[float]] = {}
    for _ in range(int(os.environ.get("BINBENCH_TEST_KILLS", "12"))):
        process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.3, 2.5))
        process.send_signal(signal.SIGKILL)
        process.wait()
        for path in (tmp_path / "results").rglob("[!.]*.hdf5"):
            stored = Raw(path)
            assert stored.status == "ok"
            assert stored.neighbors.shape == (20, 10)
            # Figures may come later; what was measured stays.
            assert (
                finished.setdefault(path, stored.array("repeat_seconds").tolist())
                == stored.array("repeat_seconds").tolist()
            )
    subprocess.run(line, check=True, capture_output=True)
    left = {path: Raw(path) for path in (tmp_path / "results").rglob("[!.]*.hdf5")}
    assert len(left) == len(names) + 1
    assert all(left[path].array("repeat_seconds").tolist() == seconds for path, seconds in finished.items())
    assert all({"figures", "contrasts"} <= set(stored.attributes) for stored in left.values())


def test_two_commands_at_once_share_the_work(preparation, tmp_path, plugins):
    line = command(preparation, tmp_path, plugins, "slow300", "slow301", "slow302")
    both = [subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    tables = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert tables[0] == tables[1]


def test_ctrl_c_says_how_to_go_on(preparation, tmp_path, plugins):
    line = command(preparation, tmp_path, plugins, "fine", "slow60000")
    # Where the tests run in the background, shells have Ctrl-C ignored, and children inherit that.
    process = subprocess.Popen(
        line,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not list((tmp_path / "results").rglob("fine_seed=0.hdf5")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "the same command goes on with the rest" in errors
    # What was interrupted has not failed.
    assert not list((tmp_path / "results").rglob("slow60000*.hdf5"))
    assert "Traceback" not in errors


def test_parallel_jobs_are_recorded(preparation, options):
    outcome = run([preparation], ["fine", "slow300", "slow301"], replace(options, jobs=2))
    assert {r.parallel_jobs for r in outcome.records} == {2}
    assert {r.status for r in outcome.records} == {"ok"}


def test_hypotheses_travel_with_the_results(preparation, options):
    assert only(preparation, "fine", replace(options, hypotheses=("H1",)))["hypotheses"] == ["H1"]


def test_json_attributes_are_plain_text_for_others(preparation, options):
    with h5py.File(only(preparation, "fine", options).path) as file:
        assert json.loads(file.attrs["footprint"])["codes_bytes_per_vector"] == 64
