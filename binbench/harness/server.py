"""The fork server: a process with the numeric libraries loaded that forks one supervised child per job.

Started as ``python -m binbench.harness.server`` with the thread variables in its environment. It reads one request a
line from stdin and answers with one line on stdout, both JSON. Supervising here, beside the child, keeps the parent
free to serve several of these at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

_POLL_SECONDS = 0.01
_MIB = 1 << 20


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Answer each request ``{"job", "timeout", "memory_limit"}`` with ``{"status", "reason", "log"}``."""
    import faiss  # noqa: F401  loaded once here, for all children
    import h5py  # noqa: F401

    from binbench.harness.jobs import Job
    from binbench.harness.worker import perform
    from binbench.plugins.faiss_index import blas_distances
    from binbench.plugins.registry import ALGORITHMS
    from binbench.provenance import circumstances

    ALGORITHMS.load()
    circumstances()  # asks git and every library for its version once, not in every child
    with blas_distances():
        for line in requests:
            request = json.loads(line)
            job = Job.from_json(request["job"])
            outcome = supervise(lambda job=job: perform(job), request["timeout"], request["memory_limit"])  # type: ignore[misc]
            answers.write(json.dumps(outcome) + "\n")
            answers.flush()


def supervise(work: Callable[[], tuple[str, str]], timeout: float | None, memory_limit: int | None) -> dict[str, Any]:
    """Fork a child that does `work` and see it to its end.

    Args:
        work: returns a status and a reason.
        timeout: seconds of wall clock after which the child is killed.
        memory_limit: bytes that the child may hold beyond what it shares with this process.

    Returns:
        ``status``, ``reason`` and ``log``: the end of what the child printed.
    """
    with tempfile.TemporaryFile() as log:
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            _child(work, reading, writing, log.fileno())
        os.close(writing)
        try:
            status, reason = _watch(pid, timeout, memory_limit)
        except BaseException:
            _kill(pid)
            raise
        # Not to the end: a process that the child left behind may hold the pipe open.
        os.set_blocking(reading, False)
        told = os.read(reading, 1 << 16) if not status else b""
        os.close(reading)
        if not status:
            status, reason = json.loads(told) if told else ("failed", reason)
        log.seek(0, os.SEEK_END)
        log.seek(max(0, log.tell() - 4000))
        return {"status": status, "reason": reason, "log": log.read().decode(errors="replace")}


def _child(work: Callable[[], tuple[str, str]], reading: int, writing: int, log: int) -> None:
    """Do the work and leave; never returns into the server's code."""
    code = 1
    try:
        os.setsid()
        os.close(reading)
        # Whatever a plugin or faiss prints goes to the log; stdout is the server's line to its parent.
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _die_with_parent()
        status, reason = work()
        os.write(writing, json.dumps([status, reason[:1000]]).encode())
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _watch(pid: int, timeout: float | None, memory_limit: int | None) -> tuple[str, str]:
    """Wait for the child; ("", why it died) when it ended by itself, else the status it was killed with."""
    deadline = time.monotonic() + timeout if timeout else None
    shared = _private_bytes(os.getpid())
    while True:
        ended, code = os.waitpid(pid, os.WNOHANG)
        if ended:
            return _fate(code)
        if deadline and time.monotonic() > deadline:
            _kill(pid)
            return "timeout", f"took longer than {timeout:g} s"
        if memory_limit and _private_bytes(pid) - shared > memory_limit:
            _kill(pid)
            return "out-of-memory", f"held more than {memory_limit / _MIB:,.0f} MiB"
        time.sleep(_POLL_SECONDS)


def _fate(code: int) -> tuple[str, str]:
    if os.WIFSIGNALED(code):
        number = os.WTERMSIG(code)
        if number == signal.SIGKILL:
            return "out-of-memory", "killed by SIGKILL; most likely the system ran out of memory"
        return "failed", f"crashed with {signal.Signals(number).name}"
    return "", f"exited with status {os.WEXITSTATUS(code)} before it was done"


def _kill(pid: int) -> None:
    # The child leads its own process group: what it started goes with it.
    for target in (os.killpg, os.kill):
        try:
            target(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    os.waitpid(pid, 0)


def _private_bytes(pid: int) -> int:
    """Bytes of anonymous memory, swapped included: mapped files such as `train` are not the method's."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("RssAnon:", "VmSwap:")))


def _die_with_parent() -> None:
    """Have the kernel kill this process when its parent is killed, so that no job outlives its command (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _stop(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)


if __name__ == "__main__":
    # Ctrl-C reaches the whole foreground group; the parent decides what happens to this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    _die_with_parent()
    serve(sys.stdin, sys.stdout)
