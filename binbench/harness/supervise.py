"""A forked child that does some work, seen to its end."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from binbench.harness.served import Ending, outcome
from binbench.records.record import Status

_POLL_SECONDS = 0.01
_MIB = 1 << 20


def supervise(work: Callable[[], Iterable[Any]], timeout: float | None, memory_limit: int | None) -> Ending:
    """Fork a child that does `work` and see it, and every process that it started, to their end.

    Args:
        work: yields JSON values of any size.
        timeout: seconds of wall clock, for each of the values and for the end, after which the child is killed.
        memory_limit: bytes that the child may hold beyond what it shares with this process.
    """
    with tempfile.TemporaryFile() as log:
        reading, writing = os.pipe()
        child = _Child(os.fork())
        if child.pid == 0:
            os.close(reading)
            _do(work, writing, log.fileno())
        os.close(writing)
        messages = _Messages(reading)
        try:
            ended = _watch(child, messages, timeout, memory_limit)
        finally:
            child.kill()
        # Not to the end: a process that the child left behind in a session of its own may hold the pipe open.
        while messages.read(0):
            pass
        os.close(reading)
        values = [message["value"] for message in messages.whole if "value" in message]
        told = next((message["ended"] for message in messages.whole if "ended" in message), None)
        status, reason = ended or told or _fate(child.exit_status)
        log.seek(max(0, log.seek(0, os.SEEK_END) - 4000))
        return Ending(status, reason, log.read().decode(errors="replace"), values, child.exit_status)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent is killed, so that no job outlives its command (Linux)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _do(work: Callable[[], Iterable[Any]], writing: int, log: int) -> NoReturn:
    """Do the work, in the child, and leave; never returns into the parent's code."""
    code = 1
    try:
        os.setsid()
        # Whatever a plugin or faiss prints goes to the log.
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        die_with_parent()
        with open(writing, "w", encoding="utf-8") as pipe:
            for message in _told(work):
                print(json.dumps(message), file=pipe, flush=True)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _told(work: Callable[[], Iterable[Any]]) -> Iterator[dict[str, Any]]:
    try:
        for value in work():
            yield {"value": value}
    except (Exception, SystemExit) as error:
        status, reason = outcome(error)
        yield {"ended": [status, reason[:1000]]}
    else:
        yield {"ended": ["ok", ""]}


class _Child:
    """A forked process, which leads a process group of its own."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.running = True
        self.exit_status = 0

    def ended(self) -> bool:
        """Whether it has ended by itself."""
        ended, code = os.waitpid(self.pid, os.WNOHANG)
        if ended:
            self._reaped(code)
        return not self.running

    def kill(self) -> None:
        """Kill it, unless it has ended, and in any case what it started and left in its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if self.running:
            # It may not lead its group yet.
            os.kill(self.pid, signal.SIGKILL)
            self._reaped(os.waitpid(self.pid, 0)[1])

    def _reaped(self, code: int) -> None:
        self.running, self.exit_status = False, os.waitstatus_to_exitcode(code)


class _Messages:
    """The lines of JSON that come through the pipe `reading`."""

    def __init__(self, reading: int) -> None:
        self.reading = reading
        self.open = True
        self.part = bytearray()
        self.whole: list[dict[str, Any]] = []

    def read(self, seconds: float) -> bool:
        """Wait up to `seconds` for something to come and take it in; whether something came."""
        if not self.open or not select.select([self.reading], [], [], seconds)[0]:
            if not self.open:
                time.sleep(seconds)
            return False
        came = os.read(self.reading, 1 << 16)
        self.open = bool(came)
        self.part += came
        if b"\n" in came:
            *lines, self.part = self.part.split(b"\n")
            self.whole += map(json.loads, lines)
        return self.open


def _watch(
    child: _Child, messages: _Messages, timeout: float | None, memory_limit: int | None
) -> tuple[Status, str] | None:
    """Wait for the child; None when it ended by itself, else why it must be killed."""
    since, known = time.monotonic(), 0
    shared = _private_bytes(os.getpid())
    while not child.ended():
        messages.read(_POLL_SECONDS)
        if len(messages.whole) > known:
            since, known = time.monotonic(), len(messages.whole)
        if timeout and time.monotonic() - since > timeout:
            return "timeout", f"took longer than {timeout:g} s"
        if memory_limit and _private_bytes(child.pid) - shared > memory_limit:
            return "out-of-memory", f"held more than {memory_limit / _MIB:,.0f} MiB"
    return None


def _fate(exit_status: int) -> tuple[Status, str]:
    """What became of a child that ended before it said how."""
    if exit_status == -signal.SIGKILL:
        return "out-of-memory", "killed by SIGKILL; most likely the system ran out of memory"
    if exit_status < 0:
        return "failed", f"crashed with {signal.Signals(-exit_status).name}"
    return "failed", f"exited with status {exit_status} before it was done"


def _private_bytes(pid: int) -> int:
    """Bytes of anonymous memory, swapped included: mapped files such as `train` are not the method's."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(("RssAnon:", "VmSwap:")))
