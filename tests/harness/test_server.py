"""The fork server: what a child tells, what it leaves behind, and how servers start, end and are misused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from processes import runs

from binbench import Unsupported, UserError
from binbench.codes.packing import pack
from binbench.codes.projections import projection
from binbench.harness.pool import ForkServer, perform_all
from binbench.harness.served import SERVED
from binbench.harness.supervise import supervise
from binbench.sets.embeddings import EmbeddingSet
from binbench.study.recode import digest, digests


def test_values_of_any_size_come_back_in_order():
    sizes = [0, 1 << 16, 3, 5_000_000]
    ending = supervise(lambda: ("x" * size for size in sizes), timeout=60, memory_limit=None)
    assert (ending.status, ending.reason, ending.exit_status) == ("ok", "", 0)
    assert [len(value) for value in ending.values] == sizes


def steps(*seconds: float):
    for number, pause in enumerate(seconds):
        time.sleep(pause)
        yield number


def test_the_timeout_holds_for_each_step():
    assert supervise(lambda: steps(0.6, 0.6, 0.6, 0.6), timeout=1.5, memory_limit=None).values == [0, 1, 2, 3]
    ending = supervise(lambda: steps(0, 0, 60, 0), timeout=1, memory_limit=None)
    assert (ending.status, ending.reason, ending.values) == ("timeout", "took longer than 1 s", [0, 1])
    assert ending.exit_status == -signal.SIGKILL


def dies(number: int):
    yield "before"
    os.kill(os.getpid(), number)
    yield "after"


@pytest.mark.parametrize(
    ("number", "status", "reason"),
    [
        (signal.SIGTERM, "failed", "crashed with SIGTERM"),
        (signal.SIGKILL, "out-of-memory", "killed by SIGKILL; most likely the system ran out of memory"),
    ],
)
def test_what_was_told_before_a_crash_is_kept(number, status, reason):
    ending = supervise(lambda: dies(number), timeout=60, memory_limit=None)
    assert (ending.status, ending.reason, ending.values, ending.exit_status) == (status, reason, ["before"], -number)


def raises(error: BaseException):
    print("said before")
    raise error


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (Unsupported("not this"), "skipped", "not this"),
        (UserError("do that"), "failed", "do that"),
        (MemoryError("too much"), "out-of-memory", "MemoryError: too much (test_server.py:"),
        (RuntimeError("std::bad_alloc"), "out-of-memory", "RuntimeError: std::bad_alloc (test_server.py:"),
        (SystemExit(4), "failed", "the plugin called sys.exit(4)"),
        (ValueError("first\nsecond"), "failed", "ValueError: first (test_server.py:"),
    ],
)
def test_errors_become_a_status_and_a_line(error, status, reason, capfd):
    with capfd.disabled():
        ending = supervise(lambda: raises(error), timeout=60, memory_limit=None)
    assert (ending.status, ending.exit_status) == (status, 0)
    assert ending.reason.startswith(reason)
    assert "\n" not in ending.reason
    assert ending.log.startswith("said before\n")
    assert ("Traceback" in ending.log) == isinstance(error, RuntimeError | ValueError)


def test_what_a_child_leaves_behind_is_ended_even_if_it_ends_well():
    def work():
        started = os.fork()
        if started == 0:
            time.sleep(1000)
        return [started]

    ending = supervise(work, timeout=60, memory_limit=None)
    assert ending.status == "ok"
    assert not runs(ending.values[0])


def test_a_process_that_escapes_with_the_pipe_does_not_hold_anything_up(tmp_path):
    def work():
        started = os.fork()
        if started == 0:
            os.setsid()
            time.sleep(1000)
        time.sleep(0.2)
        return [started]

    start = time.monotonic()
    ending = supervise(work, timeout=60, memory_limit=None)
    os.kill(ending.values[0], signal.SIGKILL)
    assert ending.status == "ok"
    assert time.monotonic() - start < 20


def test_twenty_idle_servers_start_and_stop():
    """Whatever the moment: a signal that comes just before a server blocks in a read must not be lost."""
    start = time.monotonic()
    for number in range(20):
        server = ForkServer(1)
        time.sleep(0.02 * number)
        server.stop()
        assert server.process.returncode is not None
    assert time.monotonic() - start < 60


def test_a_server_that_has_answered_stops_too(small_set):
    with ForkServer(1) as server:
        assert server.ask(digests, {"path": str(small_set.path), "bits": [64], "seed": 0}).status == "ok"
        start = time.monotonic()
    assert time.monotonic() - start < 10
    assert server.process.returncode is not None


def test_the_end_of_its_requests_alone_ends_an_idle_server(small_set, monkeypatch):
    """The signal that follows may be lost."""
    task = {"path": str(small_set.path), "bits": [64], "seed": 0}
    for asked in (False, True):
        server = ForkServer(1)
        if asked:
            server.ask(digests, task)
        patience = threading.Timer(20, server.process.kill)
        patience.start()
        with monkeypatch.context() as patched:
            patched.setattr("binbench.harness.pool.os.killpg", lambda pid, number: None)
            server.stop()
        patience.cancel()
        assert server.process.returncode == 0


SLEEPER = """
import os, pathlib, time
from binbench import register
from binbench.plugins.hamming_codes import HammingCodes

@register("sleeper")
class Sleeper(HammingCodes):
    '''Never comes to an end.'''

    def __init__(self, dimension):
        if started := os.fork():
            pids = f"{os.getppid()} {os.getpid()} {started}\\n"
            pathlib.Path(os.environ["BINBENCH_TEST_PID"]).write_text(pids)
        time.sleep(1000)
"""


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)], ids=["killed", "interrupted"]
)
def test_a_command_that_is_ended_takes_server_and_child_with_it(tmp_path, number, status):
    file, plugin = tmp_path / "pids", tmp_path / "sleeper.py"
    plugin.write_text(SLEEPER)
    process = subprocess.Popen(
        [sys.executable, "-m", "binbench", "check", str(plugin)],
        env=os.environ | {"BINBENCH_TEST_PID": str(file)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Where the tests run in the background, shells have Ctrl-C ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 60
    while not file.exists() or not file.read_text().endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    server, child, started = map(int, file.read_text().split())
    assert [runs(pid, patience=0.2) for pid in (server, child, started)] == [True, True, True]
    process.send_signal(number)
    assert process.wait(30) == status
    assert [runs(pid) for pid in (server, child, started)] == [False, False, False]


def expected_digest(embeddings: EmbeddingSet, bits: int, seed: int) -> str:
    matrix = projection("gaussian", embeddings.train.shape[1], bits, seed).matrix
    return digest(pack(embeddings.train.astype(np.float64) @ matrix > 0))


NOISY = """
import os, sys
print("hello from a package")
os.write(1, b"to the descriptor\\n" * 100)
from binbench import register
from binbench.plugins.hamming_codes import HammingCodes

@register("noisy")
class Noisy(HammingCodes):
    '''Says hello.'''
"""


def test_a_package_that_prints_while_it_is_imported_disturbs_nothing(small_set, tmp_path, monkeypatch, capfd):
    installed(tmp_path, NOISY)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with ForkServer(1) as server:
        ending = server.ask(digests, {"path": str(small_set.path), "bits": [64], "seed": 3})
    assert ending.status == "ok"
    assert ending.values == [{"64": expected_digest(small_set, 64, 3)}]
    assert capfd.readouterr() == ("", "")


def installed(folder: Path, source: str) -> None:
    """Put a package into `folder` that registers a method when plugins are looked for."""
    (folder / "noisy.py").write_text(source)
    about = folder / "noisy-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: noisy\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[binbench.algorithms]\nnoisy = noisy\n")


def test_a_server_that_dies_says_why_and_is_replaced(small_set, tmp_path, monkeypatch):
    installed(tmp_path, "import os, sys; print('no good', flush=True); os.abort()")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    task = {"path": str(small_set.path), "bits": [64], "seed": 3}
    with ForkServer(1) as server:
        ending = server.ask(digests, task)
        assert (ending.status, ending.reason) == ("failed", "the worker's server ended with status -6: no good")
        (tmp_path / "noisy.py").write_text("")
        monkeypatch.delenv("PYTHONPATH")
        # The server that took its place started before that; the one after it is well.
        server.ask(digests, task)
        assert server.ask(digests, task).status == "ok"


def test_as_many_at_a_time_as_asked_for_each_with_a_server_of_its_own():
    together, used = threading.Barrier(3), set()

    def wait_for_the_others(server: ForkServer, number: int) -> None:
        together.wait(30)
        used.add(server.process.pid)

    perform_all([1, 2, 3], wait_for_the_others, [ForkServer(1) for _ in range(3)])
    assert len(used) == 3
    assert not any(runs(pid) for pid in used)


@pytest.mark.parametrize("task", [os.getcwd, expected_digest])
def test_only_what_is_served_is_done(task):
    assert task not in SERVED.values()
    with ForkServer(1) as server:
        ending = server.ask(task, {})
        assert (ending.status, ending.values) == ("failed", [])
        assert ending.reason.startswith("no task is called ")
