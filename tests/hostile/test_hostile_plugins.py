"""Plugins that do what they must not cost their own result and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from commands import binbench, refused
from conftest import registered_meanwhile
from hostile.plugins import HELPERS, JOBS, LEFT, PRELUDE, REFUSED
from processes import runs

from binbench import UserError
from binbench.harness import timing
from binbench.harness.options import RunOptions
from binbench.harness.run import run
from binbench.harness.supervise import supervise
from binbench.plugins.registry import ALGORITHMS, load_file
from binbench.records import Record
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.prepare import Preparation


@pytest.mark.parametrize("source", REFUSED)
def test_refused_when_loaded(source: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"{PRELUDE}\n{source}\n", encoding="utf-8")
    with registered_meanwhile(), pytest.raises(UserError) as told:
        load_file(path)
    text = str(told.value)
    assert REFUSED[source] in text
    assert text.isprintable()
    assert len(text) < 1500
    assert str(path) in text


def test_a_command_whose_plugin_leaves_is_not_done(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import os\nprint('hello')\nos._exit(0)\n")
    done = binbench("run", "--algorithm", "pq8", "--dataset", "synthetic-60x8", "--plugin", "mine.py", cwd=tmp_path)
    refused(done, "plugin file", "mine.py", "os._exit(0)")
    assert done.stdout == ""


def test_what_a_method_tells_later_is_checked_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    for body, expected in (
        ("return {'ef': []}", "query_grid gives ef []"),
        ("raise ValueError('\\0')", r"ValueError: \x00"),
        ("sys.exit(0)", "SystemExit: 0"),
    ):
        path = path.with_name(f"{len(expected)}.py")
        grid = f"class M(Fine):\n    @classmethod\n    def query_grid_of(cls, **parameters):\n        {body}\n"
        path.write_text(f"{PRELUDE}\n{grid}\nregister('mine')(M)\n")
        with registered_meanwhile():
            load_file(path)
            with pytest.raises(UserError) as told:
                _ = ALGORITHMS.get("mine").query_grid
        assert expected in str(told.value)
        assert str(path) in str(told.value)


def test_a_method_without_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"{PRELUDE}\nM = type('M', (Fine,), {{'__module__': 'nowhere'}})\nregister('mine')(M)\n")
    with registered_meanwhile():
        load_file(path)
        assert ALGORITHMS.get("mine").family.source == "nowhere"


@pytest.fixture
def perform(small_set: EmbeddingSet, tmp_path: Path) -> Callable[..., dict[str, Record]]:
    """Runs methods, given by name with what their classes hold."""

    def made(bodies: dict[str, str], prelude: str = "", **options: object) -> dict[str, Record]:
        text = [PRELUDE, HELPERS, prelude]
        for name, body in bodies.items():
            text += [f"@register({name!r})\nclass {name.title().replace('-', '')}(Fine):\n    {body}\n"]
        path = tmp_path / "mine.py"
        path.write_text("\n".join(text), encoding="utf-8")
        asked = RunOptions(
            **{"runs": 2, "results_dir": tmp_path / "results", "plugins": (path,), "counts": (20,)} | options
        )
        with registered_meanwhile():
            outcome = run([Preparation(str(small_set.path), data_dir=tmp_path)], [*bodies, "int8"], asked)
        found = {record.instance: record for record in outcome.records}
        assert found["int8"].status == "ok"
        return found

    return made


def test_each_job_costs_its_own_result(perform: Callable[..., dict[str, Record]]) -> None:
    names = {f"job{number}": body for number, body in enumerate(JOBS)}
    found = perform(names)
    for name, body in names.items():
        record = found[name]
        told = f"{record.status}: {record.reason or '; '.join(record.notes)}"
        assert JOBS[body] in told, body
        assert told.isprintable(), body
        assert len(told) < 1100, body
        if record.status == "ok":
            assert record.queries_per_second > 0, body
            assert record.build_seconds >= 0, body


TOLD = """
def told(number):
    with open(os.environ["BINBENCH_TEST_PID"], "a") as file:
        file.write(f"{number}\\n")


"""


def test_nothing_outlives_a_job(
    perform: Callable[..., dict[str, Record]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pids"
    monkeypatch.setenv("BINBENCH_TEST_PID", str(file))
    bodies = {
        f"leaves{number}": f"def fit(self, train):\n{TOLD}        super().fit(train)\n        {body}"
        for number, body in enumerate(LEFT.values())
    }
    indented = "".join(f"        {line}\n" if line else "\n" for line in TOLD.splitlines())
    bodies = {name: body.replace(TOLD, indented) for name, body in bodies.items()}
    perform(bodies, timeout=4.0)
    pids = [int(line) for line in file.read_text().split()]
    assert len(pids) == len(LEFT)
    assert not any(runs(pid, patience=1) for pid in pids)


def held(megabytes: int) -> np.ndarray:
    return np.ones(megabytes << 17)


def by_itself(megabytes: int) -> None:
    hoard = held(megabytes)
    time.sleep(3)
    del hoard


def shared(megabytes: int) -> None:
    from multiprocessing.shared_memory import SharedMemory

    memory = SharedMemory(create=True, size=megabytes << 20)
    memory.unlink()
    memory.buf[:] = b"1" * len(memory.buf)
    time.sleep(3)


def by_children(megabytes: int) -> None:
    for _ in range(4):
        if os.fork() == 0:
            os.setsid()
            by_itself(megabytes // 4)
            os._exit(0)
    time.sleep(3)


def in_common(megabytes: int) -> None:
    """Four processes have the same pages."""
    hoard = held(megabytes)
    for _ in range(4):
        if os.fork() == 0:
            time.sleep(2)
            os._exit(0)
    time.sleep(2)
    del hoard


@pytest.mark.parametrize(
    ("hold", "megabytes", "status"),
    [
        (by_itself, 300, "out-of-memory"),
        (shared, 300, "out-of-memory"),
        (by_children, 400, "out-of-memory"),
        (by_children, 80, "ok"),
        (in_common, 120, "ok"),
    ],
)
def test_the_limit_counts_all_that_a_job_holds(hold: Callable[[int], None], megabytes: int, status: str) -> None:
    ending = supervise(lambda: [hold(megabytes)], timeout=60, memory_limit=200 << 20)
    assert ending.status == status, ending


@pytest.mark.parametrize("timeout", ["nan", "inf", "-1", "0"])
def test_a_limit_that_is_none(timeout: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="timeout"):
        RunOptions(timeout=float(timeout))
    if timeout == "nan":
        done = binbench("run", "--algorithm", "pq8", "--dataset", "x", "--timeout", timeout, cwd=tmp_path)
        refused(done, "--timeout", "finite number")


def test_json_of_results_stays_json(perform: Callable[..., dict[str, Record]]) -> None:
    found = perform({"odd": "def fit(self, train): super().fit(train); self.facts['x'] = np.float32(2), {1: object}"})
    assert found["odd"].status == "ok"
    assert json.loads(json.dumps(found["odd"].facts.model_dump()))["x"][0] == "2.0"


def burn(seconds: float) -> None:
    """Use as much time of a processor."""
    while time.thread_time() < seconds:
        pass


def test_looking_for_children_takes_no_time() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        spent, before = time.process_time(), timing.processor_time()
        for _ in range(50):
            after = timing.processor_time()
        child.kill()
    looked = time.process_time() - spent
    assert looked > 0.05
    assert after - before < looked / 10 + timing.GRAIN / 2


def test_processor_time_is_that_of_all_threads_and_processes() -> None:
    before = timing.processor_time()
    threads = [threading.Thread(target=burn, args=(0.1,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert timing.processor_time() - before >= 0.3
    before = timing.processor_time()
    reading, writing = os.pipe()
    # A fork takes its thread's time so far along.
    for lives in (True, False):
        if (pid := os.fork()) == 0:
            burn(time.thread_time() + 0.2)
            os.write(writing, b"x")
            time.sleep(60 * lives)
            os._exit(0)
        os.read(reading, 1)
        if lives:
            living = pid
        else:
            os.waitpid(pid, 0)
    used = timing.processor_time() - before
    os.kill(living, 9)
    os.waitpid(living, 0)
    assert 0.37 <= used < 5  # the kernel tells of living ones in hundredths


def test_more_processors_than_threads_are_remarked() -> None:
    assert timing.excess("the queries", 1.1, 1.0, 1) is None
    assert timing.excess("the queries", 2.1, 1.0, 2) is None
    assert timing.excess("the queries", 0.01, 0.001, 1) is None
    assert timing.excess("the queries", 7.6, 2.0, 1) == "the queries kept 3.8 processors busy, with 1 thread asked for"
    assert timing.excess("the build", 7.6, 2.0, 2) == "the build kept 3.8 processors busy, with 2 threads asked for"


def test_processor_time_of_jobs_is_remarked(
    perform: Callable[..., dict[str, Record]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a clock of the processor's that goes a thousand times as fast, as a loaded machine shows no excess."""
    fast = """
import binbench.harness.timing, binbench.harness.worker
real = time.process_time
for module in (binbench.harness.timing, binbench.harness.worker):
    module.processor_time = lambda: 1000 * real()
"""
    found = perform({"busy": "def fit(self, train): super().fit(train)"}, prelude=fast)
    notes = found["busy"].notes
    assert [note.split(" kept ")[0] for note in notes] == ["the build", "the queries"]
