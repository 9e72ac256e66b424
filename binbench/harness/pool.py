"""Fork servers, and the tasks that go to them."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from binbench.harness.jobs import Job
from binbench.harness.served import Ending, name_of
from binbench.harness.worker import perform_job

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)

S = TypeVar("S", bound="Server")


class Stopped(Exception):
    """A task was under way when its server was told to stop."""


class ForkServer:
    """One server process; does one task at a time. As a context it is stopped at the end."""

    def __init__(self, threads: int | None = None) -> None:
        """Start it with `threads` threads for every numeric library, or with what the environment says."""
        self.threads = threads
        self.stopping = False
        self._start()

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def _start(self) -> None:
        variables = {} if self.threads is None else dict.fromkeys(_THREAD_VARIABLES, str(self.threads))
        # The talk has pipes of its own: whatever is imported may print. That is kept to say why a server ended.
        (reading, requests), (answers, writing) = os.pipe(), os.pipe()
        self.printed = tempfile.TemporaryFile()  # noqa: SIM115
        self.process = subprocess.Popen(
            [sys.executable, "-m", "binbench.harness.server", str(reading), str(writing)],
            stdin=subprocess.DEVNULL,
            stdout=self.printed,
            stderr=subprocess.STDOUT,
            pass_fds=(reading, writing),
            env=os.environ | variables,
            start_new_session=True,
        )
        os.close(reading)
        os.close(writing)
        self.requests = open(requests, "w", encoding="utf-8")  # noqa: SIM115
        self.answers = open(answers, encoding="utf-8")  # noqa: SIM115

    def ask(
        self,
        task: Callable[..., Any],
        arguments: dict[str, Any],
        timeout: float | None = None,
        memory_limit: int | None = None,
    ) -> Ending:
        """Have a child of the server call `task`, a served function, with the JSON values `arguments`.

        `timeout` is in seconds, for each value where the task yields several; `memory_limit` in bytes.

        Raises:
            Stopped: :meth:`stop` was called meanwhile, from another thread.
        """
        request = {"task": name_of(task), "arguments": arguments, "timeout": timeout, "memory_limit": memory_limit}
        answer = ""
        # A pipe that stop has closed meanwhile is a ValueError.
        with contextlib.suppress(BrokenPipeError, ValueError):
            print(json.dumps(request), file=self.requests, flush=True)
            answer = self.answers.readline()
        if answer:
            return Ending(**json.loads(answer))
        if self.stopping:
            raise Stopped
        self._end()
        status, printed = self.process.returncode, self._said()
        self._start()
        last = printed.strip().rpartition("\n")[2]
        return Ending("failed", f"the worker's server ended with status {status}{last and f': {last}'}", printed)

    def perform(self, job: Job, timeout: float | None, memory_limit: int | None) -> Ending:
        """How `job` ended; raises as :meth:`ask`."""
        return self.ask(perform_job, {"job": job.to_json()}, timeout, memory_limit)

    def stop(self) -> None:
        """End the server and whatever it is doing."""
        self.stopping = True
        self._end(signal.SIGTERM)
        self.printed.close()

    def _end(self, number: int = 0) -> None:
        # The end of its requests ends an idle server. A signal alone can be lost: one that comes just before the server
        # blocks in a read is handled only after that read, which would then be never.
        with contextlib.suppress(BrokenPipeError):
            self.requests.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        self.process.wait()
        self.answers.close()

    def _said(self) -> str:
        """The end of what the server printed, which has ended."""
        with self.printed as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4000))
            return file.read().decode(errors="replace")


class Server(Protocol):
    """Does one job at a time, here or elsewhere."""

    def perform(self, job: Job, timeout: float | None, memory_limit: int | None) -> Ending:
        """How `job` ended."""

    def stop(self) -> None:
        """End what it is doing."""


def perform_all(jobs: Sequence[Job], perform: Callable[[S, Job], None], started: Sequence[S]) -> None:
    """Call `perform` for every job with a free one of the servers that were `started`; these are stopped at the end."""
    servers: queue.SimpleQueue[S] = queue.SimpleQueue()
    for server in started:
        servers.put(server)

    def one(job: Job) -> None:
        server = servers.get()
        try:
            perform(server, job)
        finally:
            servers.put(server)

    executor = ThreadPoolExecutor(max(1, len(started)))
    futures = [executor.submit(one, job) for job in jobs]
    try:
        for future in futures:
            future.result()
    except BaseException:
        for future in futures:
            future.cancel()
        raise
    finally:
        for server in started:
            server.stop()
        executor.shutdown(wait=True, cancel_futures=True)
