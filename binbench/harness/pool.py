"""Fork servers, and the jobs that go to them."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from binbench.harness.jobs import Job

_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


class Stopped(Exception):
    """A job was under way when its server was told to stop."""


class ForkServer:
    """One server process; performs one job at a time."""

    def __init__(self, threads: int) -> None:
        """Start it with `threads` threads for every numeric library."""
        self.threads = threads
        self.stopping = False
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        environment = os.environ | dict.fromkeys(_THREAD_VARIABLES, str(self.threads))
        command = [sys.executable, "-m", "binbench.harness.server"]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
        )

    def perform(self, job: Job, timeout: float | None, memory_limit: int | None) -> dict[str, Any]:
        """The outcome of `job`: ``status``, ``reason``, ``log``.

        Raises:
            Stopped: :meth:`stop` was called meanwhile, from another thread.
        """
        request = {"job": job.to_json(), "timeout": timeout, "memory_limit": memory_limit}
        answer = ""
        try:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            pass
        if answer:
            return json.loads(answer)
        code = self.process.wait()
        if self.stopping:
            raise Stopped
        self.process = self._start()
        return {"status": "failed", "reason": f"the worker's server ended with status {code}", "log": ""}

    def stop(self) -> None:
        """End the server and whatever it is doing."""
        self.stopping = True
        # The end of its input ends an idle server. A signal alone can be lost: one that comes just before the server
        # blocks in a read is handled only after that read, which would then be never.
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


def perform_all(
    jobs: Sequence[Job],
    perform: Callable[[ForkServer, Job], None],
    threads: int,
    parallel: int = 1,
) -> None:
    """Call `perform` for every job with a free server, `parallel` at a time; the servers are stopped at the end."""
    servers: queue.SimpleQueue[ForkServer] = queue.SimpleQueue()
    started = [ForkServer(threads) for _ in range(min(parallel, len(jobs)))]
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
