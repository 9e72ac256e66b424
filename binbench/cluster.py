"""Work for many machines: the Dask cluster that a command was given, and what all that is handed out has in common."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from binbench.errors import UserError
from binbench.provenance import git_hash, versions

logger = logging.getLogger("binbench")

#: What every worker must offer one of: ``dask worker ADDRESS --resources binbench=1``.
RESOURCE = {"binbench": 1}
#: Tasks under way for each worker: enough to keep it busy, few enough for the scheduler's memory.
_AHEAD = 2
#: What must be the same everywhere.
_COMPARED = ("binbench", "faiss-cpu", "numpy")

#: Run in workers that share the terminal: its Ctrl-C is the command's, which takes back what they do.
_QUIET = """\
import logging, signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
logging.getLogger("distributed").setLevel("CRITICAL")
"""
#: Under which workers tell the client what their user should know.
_TOPIC = "binbench"

_CURRENT: ContextVar[Cluster | None] = ContextVar("cluster", default=None)


@dataclass(frozen=True)
class Cluster:
    """A Dask client and how its workers find the data.

    Attributes:
        client: a ``distributed.Client``.
        data: the path or fsspec URL of the data folder as workers see it; empty for the same path as here.
        versions: those that workers must have, see :func:`compared`; empty where any will do.
    """

    client: Any
    data: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def workers(self) -> int:
        """How many there are now."""
        return len(self.client.nthreads())

    def place(self, path: Path) -> str:
        """Where workers find `path`, a file of the data folder."""
        return f"{self.data.rstrip('/')}/{path.name}" if self.data else str(path.resolve())

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """A Dask future of ``function(*arguments)``, one of our tasks per worker at a time; redone if a worker dies."""
        asked = self.versions, function, *arguments
        return self.client.submit(_there, *asked, key=f"{function.__name__}-{uuid4().hex}", resources=RESOURCE)

    def each(self, function: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """``function(*task)`` of all `tasks`, in the order in which they are done, each with its number.

        Raises:
            UserError: a task raised one, or was lost with one worker after another.
        """
        from distributed import KilledWorker, as_completed

        waiting, numbers, done = enumerate(tasks), {}, as_completed(loop=self.client.loop)

        def hand_out(count: int) -> None:
            for number, task in islice(waiting, count):
                future = self.submit(function, *task)
                numbers[future] = number
                done.add(future)

        try:
            hand_out(_AHEAD * max(1, self.workers))
            for future in done:
                number, found = numbers.pop(future), future.result()
                hand_out(1)
                yield number, found
        except KilledWorker as error:
            raise UserError(f"{function.__name__}: {lost(error)}") from error
        finally:
            self.client.cancel(list(numbers))


def _there(versions: Mapping[str, str], function: Callable[..., Any], *arguments: Any) -> Any:
    """``function(*arguments)`` in a worker that has `versions`; others, which have joined late, give it back."""
    if other := _others(versions, compared()):
        from distributed import Reschedule

        _refuse(other)
        raise Reschedule
    return function(*arguments)


@cache
def _refuse(other: str) -> None:
    """Have this worker, which has `other` versions, offer no more to the scheduler, and tell the client."""
    from distributed import get_worker
    from distributed.utils import sync

    worker, nothing = get_worker(), dict.fromkeys(RESOURCE, 0)
    sync(worker.loop, worker.scheduler.set_resources, worker=worker.address, resources=nothing)
    worker.log_event(_TOPIC, f"worker {worker.address} has {other}; it gets no work without --allow-versions")


def lost(error: Any) -> str:
    """Why a task was given up, in words."""
    return f"every worker that tried it died, the last one {error.last_worker.address}; its log may say of what"


def current() -> Cluster | None:
    """The cluster that the command was given; None where all is done here."""
    return _CURRENT.get()


@contextmanager
def connected(address: str | None, data: str = "", allow_versions: bool = False) -> Iterator[None]:
    """Hand out what is done inside to the cluster at `address`; None for none.

    Args:
        address: of a Dask scheduler, such as ``tcp://head:8786``; or ``local:N`` for N processes here.
        data: the data folder as workers see it, a path or an fsspec URL; empty for the same path as here.
        allow_versions: whether other versions than those here will do.

    Raises:
        UserError: no Dask, no scheduler, no workers of ours, or other versions there.
    """
    if address is None:
        yield
        return
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UserError("--cluster needs dask[distributed]: pip install 'binbench[cluster]'") from error
    for name in ("distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with ExitStack() as stack:
        if local := re.fullmatch(r"local:([1-9]\d*)", address):
            here = LocalCluster(
                n_workers=int(local[1]),
                threads_per_worker=1,
                resources=RESOURCE,
                dashboard_address=":0",
                preload=[_QUIET],
            )
            client = stack.enter_context(Client(stack.enter_context(here)))
        else:
            try:
                client = stack.enter_context(Client(address, timeout=10, set_as_default=False))
            except (OSError, ValueError) as error:
                raise UserError(f"--cluster {address}: no Dask scheduler answers there, nor is it local:N") from error
        _check(client, address, allow_versions)
        client.subscribe_topic(_TOPIC, lambda event: logger.warning("%s", event[1]))
        token = _CURRENT.set(Cluster(client, data, {} if allow_versions else compared()))
        try:
            yield
        finally:
            _CURRENT.reset(token)


def _check(client: Any, address: str, allow_versions: bool) -> None:
    workers = client.scheduler_info(n_workers=-1)["workers"]
    if not any(worker["resources"].get("binbench") for worker in workers.values()):
        raise UserError(f"--cluster {address}: no worker offers binbench=1: start them with --resources binbench=1")
    try:
        told = client.run(compared)
    except ImportError as error:
        raise UserError(f"--cluster {address}: a worker has no binbench: {error}") from error
    for worker, theirs in told.items():
        other = _others(compared(), theirs)
        if other and allow_versions:
            logger.warning("worker %s has %s", worker, other)
        elif other:
            raise UserError(f"worker {worker} has {other}; --allow-versions measures all the same")


def _others(ours: Mapping[str, str], theirs: Mapping[str, str]) -> str:
    """In what `theirs` differ, in words."""
    return ", ".join(f"{name} {theirs[name]} (here {ours[name]})" for name in ours if theirs[name] != ours[name])


def compared() -> dict[str, str]:
    """The versions that must be the same everywhere; a checkout's with its commit."""
    found = {name: versions().get(name, "none") for name in _COMPARED}
    return found | {"binbench": " ".join(filter(None, [found["binbench"], git_hash()[:12]]))}
