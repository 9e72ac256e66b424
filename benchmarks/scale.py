"""What becomes of time and memory as a set grows: ``python -m benchmarks.scale [--documents N …]``.

Not timed by asv, and not part of any test run: ten million vectors take half an hour and 12 GB of disk. Every step runs
in a process of its own. Seconds are the processor's, all threads together, because a busy machine lengthens them least;
memory is anonymous, because pages of a mapped set are the system's to give and take.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from binbench.harness.figures import judge
from binbench.harness.jobs import Job
from binbench.harness.worker import perform
from binbench.plugins.faiss_index import blas_distances
from binbench.plugins.registry import ALGORITHMS
from binbench.records.store import open_record
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.neighbors import BLOCK_BYTES, nearest
from binbench.sets.prepare import Preparation

from .data import DIMENSION

METHODS = ("float", "int8", "pq32", "binary256", "sign")
#: Ten times the vectors may cost so many times the seconds.
GROWTH = 11
#: Bytes that a step may take beside those per vector or, a worker, beside its index.
SPARE, PER_VECTOR = 400e6, 64
#: Of a bare product's speed that ground truth is to reach, in the median of so many pairs.
SHARE = 0.8
PAIRS = 3
#: Rows of a bare product: more, and new pages for its result would cost more than the product.
PRODUCT = 16384


class Step(NamedTuple):
    """One step at one size.

    Attributes:
        seconds: processor time.
        peak: anonymous bytes above those at the start.
        allowed: bytes.
    """

    seconds: float
    peak: float
    allowed: float


def anonymous() -> int:
    """Bytes of this process that are no file's."""
    return 1024 * int(re.findall(r"RssAnon:\s*(\d+)", Path("/proc/self/status").read_text())[0])


@contextmanager
def watched(found: dict[str, float]) -> Iterator[None]:
    """Put the processor `seconds` and the `peak` of what happens inside into `found`."""
    start, stop = anonymous(), threading.Event()
    highest = [start]

    def look() -> None:
        while not stop.wait(0.01):
            highest.append(max(highest.pop(), anonymous()))

    watch = threading.Thread(target=look)
    watch.start()
    began = time.process_time()
    try:
        yield
    finally:
        found["seconds"] = time.process_time() - began
        stop.set()
        watch.join()
        found["peak"] = max(highest[0], anonymous()) - start


def make(n: int, folder: Path) -> dict[str, float]:
    """The set, without its ground truth; the peak is of both."""
    found: dict[str, float] = {}
    with watched(found):
        made = Preparation(f"synthetic-{n}x{DIMENSION}", data_dir=folder).run()
    return found | {"seconds": found["seconds"] - made.attributes["neighbors_cpu_seconds"]}


def truth(path: Path) -> dict[str, float]:
    """The ground truth beside bare products of the same blocks, in pairs; the median pair's."""
    embeddings = EmbeddingSet.open(path)
    train, queries = embeddings.train, embeddings.test
    step = BLOCK_BYTES // (4 * train.shape[1])
    pairs: list[tuple[float, float, float]] = []
    found: dict[str, float] = {}
    for _ in range(PAIRS):
        began = time.process_time()
        for start in range(0, len(train), PRODUCT):
            queries @ train[start : start + PRODUCT].T
        bare = time.process_time() - began
        with watched(found):
            nearest((train[start : start + step] for start in range(0, len(train), step)), queries, 100)
        pairs.append((bare / found["seconds"], found["seconds"], found["peak"]))
    share, seconds, _ = sorted(pairs)[PAIRS // 2]
    return {"seconds": seconds, "peak": max(pair[2] for pair in pairs), "share": share}


def measured(path: Path, method: str, folder: Path) -> dict[str, float]:
    """Fit and query of `method`, and the memory of the whole job as a worker does it."""
    job, embeddings = _job(path, method, folder), EmbeddingSet.open(path)
    found: dict[str, float] = {}
    with watched(found):
        status = perform(job)
    if status[0] != "ok":
        raise click.ClickException(f"{method}: {status}")
    algorithm = ALGORITHMS.get(method).create(dimension=DIMENSION, seed=0)
    with blas_distances():
        marks = [time.process_time()]
        for part in (lambda: algorithm.fit(embeddings.train), lambda: algorithm.query(embeddings.test, 100)):
            part()
            marks.append(time.process_time())
    fit, query = np.diff(marks)
    return found | {"fit": fit, "query": query, "index": open_record(job.path({})).index_bytes or 0}


def figures(path: Path, method: str, folder: Path) -> dict[str, float]:
    """Every figure of the answers."""
    found: dict[str, float] = {}
    with watched(found):
        judge(_job(path, method, folder).path({}), EmbeddingSet.open(path))
    return found


def _job(path: Path, method: str, folder: Path) -> Job:
    embeddings, seeded = EmbeddingSet.open(path), ALGORITHMS.get(method).seeded
    return Job(
        set_path=path,
        set_name=embeddings.name,
        set_fingerprint=embeddings.fingerprint,
        instance=method,
        count=100,
        runs=1,
        seed=0 if seeded else None,
        results_dir=folder,
    )


def apart(step: Callable[..., dict[str, float]], *arguments: Any) -> dict[str, float]:
    """What `step` returns, from a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(step, arguments)


def steps(n: int, folder: Path) -> tuple[dict[str, Step], float]:
    """Every step with `n` documents, and ground truth's share of a bare product's speed."""
    found = {}
    made = apart(make, n, folder)
    spare = SPARE + PER_VECTOR * n
    found["making the set"] = Step(made["seconds"], made["peak"], spare)
    path = folder / f"synthetic-{n}x{DIMENSION}.hdf5"
    true = apart(truth, path)
    found["ground truth"] = Step(true["seconds"], true["peak"], spare)
    for method in METHODS:
        ran = apart(measured, path, method, folder / "results")
        for part in ("fit", "query"):
            found[f"{part} {method}"] = Step(ran[part], ran["peak"], ran["index"] + SPARE)
        judged = apart(figures, path, method, folder / "results")
        found[f"figures {method}"] = Step(judged["seconds"], judged["peak"], spare)
    path.unlink()
    return found, true["share"]


@click.command()
@click.option("--documents", "sizes", multiple=True, type=click.IntRange(1000), default=(100_000, 1_000_000))
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), help="For the sets; needs 1.2 GB a million documents.")
def main(sizes: tuple[int, ...], threads: int, folder: Path | None) -> None:
    """Measure every step at each size; the exit status tells whether all stay within bounds."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    faults, before, last = [], {}, 0
    with tempfile.TemporaryDirectory(dir=folder) as place:
        for n in sorted(set(sizes)):
            found, share = steps(n, Path(place))
            click.echo(f"{n:,} documents × {DIMENSION}, {threads} thread{'s' * (threads > 1)}")
            click.echo(f"  {'step':18} {'seconds':>10} {'growth':>8} {'peak MB':>9} {'allowed':>9}")
            for name, step in found.items():
                growth = step.seconds / before[name].seconds if before else float("nan")
                click.echo(
                    f"  {name:18} {step.seconds:10.4g} {growth:8.2f} {step.peak / 1e6:9.1f} {step.allowed / 1e6:9.1f}"
                )
                if before and growth > GROWTH ** np.log10(n / last):
                    faults.append(f"{name}: {growth:.1f} times the seconds for {n / last:g} times the documents")
                if step.peak > step.allowed:
                    faults.append(f"{name}: {step.peak / 1e6:.0f} MB at {n:,} documents")
            click.echo(f"  ground truth: {share:.0%} of a bare float32 matrix product's speed")
            if share < SHARE:
                faults.append(f"ground truth: {share:.0%} of a bare product at {n:,} documents")
            before, last = found, n
    for fault in faults:
        click.echo(f"out of bounds: {fault}")
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
