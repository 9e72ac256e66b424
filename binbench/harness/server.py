"""The fork server: a process with the numeric libraries loaded that forks one supervised child per task.

Started as ``python -m binbench.harness.server REQUESTS ANSWERS`` with the thread variables in its environment. It reads
one request a line from the pipe with the number REQUESTS and answers with one line on ANSWERS, both JSON. Supervising
here, beside the child, keeps the parent free to serve several of these at once.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import IO, Any

from binbench.harness.served import told
from binbench.harness.supervise import adopt_orphans, die_with_parent, supervise


def serve(requests: IO[str], answers: IO[str]) -> None:
    """Answer each request ``{"task", "arguments", "timeout", "memory_limit"}`` with an :class:`Ending`."""
    for number, line in enumerate(requests):
        if number == 0:
            _load()
        request = json.loads(line)

        def work(request: dict[str, Any] = request) -> Iterable[Any]:
            # The child has no part in what is said here.
            requests.close()
            answers.close()
            return told(request["task"], request["arguments"])

        ending = supervise(work, request["timeout"], request["memory_limit"])
        print(json.dumps(asdict(ending)), file=answers, flush=True)


def _load() -> None:
    """Load once, for all children, what they need."""
    import faiss  # noqa: F401
    import h5py  # noqa: F401

    import binbench.harness.worker  # noqa: F401
    from binbench.plugins.registry import ALGORITHMS
    from binbench.provenance import circumstances

    ALGORITHMS.load()
    circumstances()  # asks git and every library for its version once, not in every child


def _stop(number: int, frame: Any) -> None:
    raise SystemExit(128 + number)


def main() -> None:
    """Serve the pipes that the command line names."""
    # Ctrl-C reaches the whole foreground group; the parent decides what happens to this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    # Not killed: what a job has started is to be ended first.
    die_with_parent(signal.SIGTERM)
    adopt_orphans()
    pipes = [int(number) for number in sys.argv[1:3]]
    for pipe in pipes:
        os.set_inheritable(pipe, False)
    with open(pipes[0], encoding="utf-8") as requests, open(pipes[1], "w", encoding="utf-8") as answers:
        serve(requests, answers)


if __name__ == "__main__":
    main()
