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
from time import monotonic
from typing import Any, NoReturn, get_args

from binbench.harness.cgroup import Group
from binbench.harness.processes import anonymous_bytes, below, fair_bytes, has_children
from binbench.harness.served import Ending, outcome
from binbench.records.record import Status
from binbench.texts import message

_POLL_SECONDS = 0.01
_LOOK_SECONDS = 0.25
#: How long what a job left behind is killed, should it come again faster than that.
_PATIENCE_SECONDS = 10
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_MIB = 1 << 20


def supervise(work: Callable[[], Iterable[Any]], timeout: float | None, memory_limit: int | None) -> Ending:
    """Fork a child that does `work` and see it, and every process that it started, to their end.

    Args:
        work: yields JSON values of any size.
        timeout: seconds of wall clock, for each of the values and for the end, after which the child is killed.
        memory_limit: bytes that the child and what it starts may hold beyond what they share with this process.
    """
    with tempfile.TemporaryFile() as log:
        (reading, writing), (waiting, beginning) = os.pipe(), os.pipe()
        child = _Child(os.fork)
        if child.pid == 0:
            os.close(reading)
            os.close(beginning)
            _do(work, writing, log.fileno(), waiting)
        os.close(writing)
        messages = _Messages(reading)
        memory = None
        try:
            memory = _Memory(child, memory_limit) if memory_limit else None
            os.write(beginning, b".")
            os.close(waiting)
            os.close(beginning)
            ended = _watch(child, messages, timeout, memory)
        finally:
            child.kill()
            if memory and memory.group:
                memory.group.remove()
        # Not to the end: a process that the child left behind in a session of its own may hold the pipe open.
        while messages.read(0):
            pass
        os.close(reading)
        status, reason = ended or messages.told or _fate(child.exit_status)
        log.seek(max(0, log.seek(0, os.SEEK_END) - 4000))
        said = log.read().decode(errors="replace")
        return Ending(status, message(reason), said, messages.values, child.exit_status)


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when its parent is killed, so that no job outlives its command."""
    _prctl(_PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Have the kernel make this process the parent of every process below it that loses its own."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    # Linux alone has it.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value)


def _do(work: Callable[[], Iterable[Any]], writing: int, log: int, waiting: int) -> NoReturn:
    """Do the work, in the child, once a byte comes to `waiting`, and leave; never returns into the parent's code."""
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
        os.read(waiting, 1)
        os.close(waiting)
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
    except BaseException as error:  # a plugin may raise what is no Exception
        yield {"ended": outcome(error)}
    else:
        yield {"ended": ["ok", ""]}


class _Child:
    """A forked process, which leads a process group of its own, with everything below it."""

    def __init__(self, fork: Callable[[], int]) -> None:
        # What is there already is none of the job's.
        self.before = set(below(os.getpid())) if has_children() else set()
        self.pid = fork()
        self.running = True
        self.exit_status = 0

    def ended(self) -> bool:
        """Whether it has ended by itself."""
        ended, code = os.waitpid(self.pid, os.WNOHANG)
        if ended:
            self._reaped(code)
        return not self.running

    def all(self) -> list[int]:
        """The process and all that it has started, also those whose parents have ended."""
        return [pid for pid in below(os.getpid()) if pid not in self.before]

    def kill(self) -> None:
        """Kill it, unless it has ended, and in any case what it started, in whatever group or session that is."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        if self.running:
            # It may not lead its group yet.
            os.kill(self.pid, signal.SIGKILL)
            self._reaped(os.waitpid(self.pid, 0)[1])
        # The kernel gives us what has lost its parent, so that nothing can hide; see adopt_orphans.
        deadline = monotonic() + _PATIENCE_SECONDS
        while has_children() and (left := self.all()) and monotonic() < deadline:
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            time.sleep(_POLL_SECONDS / 10)

    def _reaped(self, code: int) -> None:
        self.running, self.exit_status = False, os.waitstatus_to_exitcode(code)


class _Messages:
    """The lines of JSON that come through the pipe `reading`; what a plugin puts between them is dropped.

    Attributes:
        values: what the task has told.
        told: how it says that it ended, if it has.
    """

    def __init__(self, reading: int) -> None:
        self.reading = reading
        self.open = True
        self.part = bytearray()
        self.values: list[Any] = []
        self.told: tuple[Status, str] | None = None

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
            for line in lines:
                self._take(line)
        return self.open

    def _take(self, line: bytearray) -> None:
        with contextlib.suppress(ValueError, RecursionError):
            match json.loads(line):
                case {"value": value}:
                    self.values.append(value)
                case {"ended": [status, str(reason)]} if status in get_args(Status):
                    self.told = self.told or (status, reason)


def _watch(
    child: _Child, messages: _Messages, timeout: float | None, memory: _Memory | None
) -> tuple[Status, str] | None:
    """Wait for the child; None when it ended by itself, else why it must be killed."""
    since, known = monotonic(), 0
    while not child.ended():
        messages.read(_POLL_SECONDS)
        if len(messages.values) > known:
            since, known = monotonic(), len(messages.values)
        if timeout and monotonic() - since > timeout:
            return "timeout", f"took longer than {timeout:g} s"
        if memory and memory.is_exceeded():
            return "out-of-memory", f"held more than {memory.limit / _MIB:,.0f} MiB"
    return None


class _Memory:
    """What a job holds: of all its processes, own and shared memory, beyond what they have from this process.

    Mapped files such as `train` are not the method's. The kernel tells where it may, see :class:`Group`; elsewhere it
    is the sum over the processes.
    """

    def __init__(self, child: _Child, limit: int) -> None:
        self.child, self.limit = child, limit
        self.group: Group | None = None
        with contextlib.suppress(OSError):
            self.group = Group(child.pid)
        self.ours = anonymous_bytes(os.getpid())
        self.looked = 0.0
        self.job: list[int] = []

    def is_exceeded(self) -> bool:
        """Whether it is more than the limit."""
        if self.group:
            with contextlib.suppress(OSError, KeyError, ValueError):
                return self.group.held() > self.limit
        # Looking for processes takes milliseconds: now and then will do.
        if monotonic() - self.looked > _LOOK_SECONDS:
            self.looked, self.job = monotonic(), self.child.all()
        if sum(max(0, anonymous_bytes(pid) - self.ours) for pid in self.job) <= self.limit:
            return False
        # That counts what processes have in common once for each of them. Shares count too much while some of them end:
        # they have to say so twice.
        return all(sum(map(fair_bytes, (os.getpid(), *self.job))) - self.ours > self.limit for _ in range(2))


def _fate(exit_status: int) -> tuple[Status, str]:
    """What became of a child that ended before it said how."""
    if exit_status == -signal.SIGKILL:
        return "out-of-memory", "killed by SIGKILL; most likely the system ran out of memory"
    if exit_status < 0:
        return "failed", f"crashed with {signal.Signals(-exit_status).name}"
    return "failed", f"exited with status {exit_status} before it was done"
