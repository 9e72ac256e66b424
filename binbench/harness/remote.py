"""Jobs on the workers of a cluster, in the same isolated child as at home."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from binbench.cluster import Cluster, lost
from binbench.errors import UserError
from binbench.files import atomic
from binbench.harness.jobs import Job
from binbench.harness.pool import ForkServer, Stopped
from binbench.harness.served import Ending
from binbench.plugins.registry import load_file
from binbench.sets.elsewhere import worker_name
from binbench.sets.embeddings import EmbeddingSet

#: Seconds between two looks at whether a job was taken back.
_PATIENCE = 0.5


@dataclass
class RemoteServer:
    """Stands for a fork server, wherever one is free; does one job at a time."""

    cluster: Cluster
    threads: int
    future: Any = field(default=None, init=False)

    def perform(self, job: Job, timeout: float | None, memory_limit: int | None) -> Ending:
        """Have a worker run `job`, and put its results where they would be had it run here.

        Raises:
            Stopped: :meth:`stop` was called meanwhile, from another thread.
        """
        from distributed import CancelledError, KilledWorker

        place = self.cluster.place(job.set_path)
        self.future = self.cluster.submit(perform_there, job.to_json(), place, self.threads, timeout, memory_limit)
        try:
            ending, results = self.future.result()
        except CancelledError:
            raise Stopped from None
        except KilledWorker as error:
            return Ending("failed", lost(error))
        for arguments, content in zip(job.query_arguments(), results, strict=False):
            if content is not None:
                with atomic(job.path(arguments)) as temporary:
                    temporary.write_bytes(content)
        return ending

    def stop(self) -> None:
        """Take back what was handed out."""
        if self.future is not None:
            self.future.cancel()


def perform_there(
    line: str, place: str, threads: int, timeout: float | None, memory_limit: int | None
) -> tuple[Ending, list[bytes | None]]:
    """Run the job in `line`, on the set at `place`; how it ended, and its result files, in a worker."""
    job = Job.from_json(line)
    with tempfile.TemporaryDirectory(prefix="binbench-") as folder:
        try:
            for plugin in job.plugins:
                load_file(plugin)
            embeddings = EmbeddingSet.open(_fetched(place))
            if embeddings.fingerprint != job.set_fingerprint:
                raise UserError(f"{place} holds other vectors there")
        except (UserError, OSError, ImportError, ValueError) as error:
            return Ending("failed", f"{worker_name()}: {error}"), []
        there = job.model_copy(update={"set_path": embeddings.path, "results_dir": Path(folder) / "results"})
        with ForkServer(threads) as server, _stopped_when_taken_back(server):
            ending = server.perform(there, timeout, memory_limit)
        paths = [there.path(arguments) for arguments in there.query_arguments()]
        return ending, [path.read_bytes() if path.is_file() else None for path in paths]


def _fetched(place: str) -> Path:
    """A local file of what `place`, a path or an fsspec URL, holds; kept as long as the worker lives.

    Raises:
        UserError: it cannot be had.
    """
    if "://" not in place or place.startswith("file://"):
        return Path(place.removeprefix("file://"))
    import fsspec
    from distributed import get_worker

    kept = {"cache_storage": str(Path(get_worker().local_directory) / "binbench-sets"), "check_files": True}
    try:
        return Path(fsspec.open_local(f"filecache::{place}", filecache=kept))
    except Exception as error:  # each file system has errors of its own
        raise UserError(f"cannot read {place}: {error}") from error


@contextmanager
def _stopped_when_taken_back(server: ForkServer) -> Iterator[None]:
    """Stop `server` when the client has cancelled the task of this thread, which Dask alone would let go on."""
    from distributed import get_worker

    worker, ended = get_worker(), threading.Event()
    key = worker.get_current_task()

    def watch() -> None:
        while not ended.wait(_PATIENCE):
            task = worker.state.tasks.get(key)
            if task is None or task.state in ("cancelled", "released", "forgotten"):
                server.stop()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()
