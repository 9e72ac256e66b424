"""What becomes of time and memory as a set grows: ``python -m benchmarks.scale [--documents N …]``.

Not timed by asv, and not part of any test run: ten million vectors take 13 GB of disk, and an hour. Each step runs at
all sizes in turn, several times over, each size in a process of its own, so that whatever else the machine does falls
on all of them; growth is the median of these rounds. Seconds are the processor's, all threads together, because a busy
machine lengthens them least; memory is anonymous, because pages of a mapped set are the system's to give and take.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np

from binbench.harness.figures import judge
from binbench.harness.jobs import Job
from binbench.harness.worker import perform
from binbench.plugins.faiss_index import blas_distances
from binbench.plugins.registry import ALGORITHMS
from binbench.records.store import open_record
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.neighbors import block_rows, nearest
from binbench.sets.prepare import Preparation

from .data import DIMENSION

METHODS = ("float", "int8", "pq32", "binary256", "sign")
#: Ten times the vectors may cost so many times the seconds.
GROWTH = 11
#: Bytes that a worker may take beside its index, and that any other step may take for each further vector.
SPARE, PER_VECTOR = 400e6, 64
#: Of a bare product's speed that ground truth is to reach.
SHARE = 0.8
#: Rows of a bare product, whose result stays in one place: pages that are new would cost more than the product.
PRODUCT = 16384
#: Queries that a method is timed on, and seconds that are filled with repetitions of what takes less.
QUERIES, LEAST = 200, 0.5

#: What a step tells: `peak`, its bytes, `share` or `index`, and seconds under any other name.
Told = dict[str, float]


def anonymous() -> int:
    """Bytes of this process that are no file's."""
    return 1024 * int(re.findall(r"RssAnon:\s*(\d+)", Path("/proc/self/status").read_text())[0])


@contextmanager
def watched(told: Told) -> Iterator[None]:
    """Put the highest number of anonymous bytes while inside, above those at the start, into `told`."""
    start, stop = anonymous(), threading.Event()
    highest = [start]

    def look() -> None:
        while not stop.wait(0.01):
            highest.append(max(highest.pop(), anonymous()))

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield
    finally:
        stop.set()
        watch.join()
        told["peak"] = max(highest[0], anonymous()) - start


def seconds(step: Callable[[], Any]) -> float:
    """The processor's, of one call."""
    began, calls = time.process_time(), 0
    while not calls or time.process_time() - began < LEAST:
        step()
        calls += 1
    return (time.process_time() - began) / calls


def make(n: int, folder: Path) -> Told:
    """The set, without the seconds of its ground truth; the peak is of both."""
    told: Told = {}
    with watched(told):
        began = time.process_time()
        made = Preparation(f"synthetic-{n}x{DIMENSION}", data_dir=folder).run(force=True)
        took = time.process_time() - began
    return told | {"making the set": took - made.attributes["neighbors_cpu_seconds"]}


def truth(n: int, folder: Path) -> Told:
    """The ground truth beside bare float32 products of all queries and documents."""
    embeddings = _set(n, folder)
    train, queries = embeddings.train, embeddings.test
    step, room = block_rows(DIMENSION), np.empty((len(queries), PRODUCT), np.float32)

    def bare() -> None:
        for start in range(0, n, PRODUCT):
            block = train[start : start + PRODUCT]
            np.matmul(queries, block.T, out=room[:, : len(block)])

    def exact() -> None:
        nearest((train[start : start + step] for start in range(0, n, step)), queries, 100)

    nearest([train[:1000]], queries, 100)  # what is loaded at the first call
    told: Told = {}
    with watched(told):
        product, search = seconds(bare), seconds(exact)
    return told | {"ground truth": search, "share": product / search}


def worker(n: int, folder: Path, method: str) -> Told:
    """What the whole job takes as a worker does it."""
    told, job = Told(), _job(n, folder, method)
    with watched(told):
        status = perform(job)
    if status[0] != "ok":
        raise click.ClickException(f"{method}: {status}")
    return told | {"index": open_record(job.path({})).index_bytes or 0}


def times(n: int, folder: Path, method: str) -> Told:
    """Fit and query."""
    embeddings, algorithm = _set(n, folder), ALGORITHMS.get(method).create(dimension=DIMENSION, seed=0)
    with blas_distances():
        return {
            f"fit {method}": seconds(lambda: algorithm.fit(embeddings.train)),
            f"query {method}": seconds(lambda: algorithm.query(embeddings.test[:QUERIES], 100)),
        }


def figures(n: int, folder: Path, method: str) -> Told:
    """Every figure of the answers."""
    told, path, embeddings = Told(), _job(n, folder, method).path({}), _set(n, folder)
    with watched(told):
        told[f"figures {method}"] = seconds(lambda: judge(path, embeddings))
    return told


def _set(n: int, folder: Path) -> EmbeddingSet:
    return EmbeddingSet.open(folder / f"synthetic-{n}x{DIMENSION}.hdf5")


def _job(n: int, folder: Path, method: str) -> Job:
    embeddings, seeded = _set(n, folder), ALGORITHMS.get(method).seeded
    return Job(
        set_path=embeddings.path,
        set_name=embeddings.name,
        set_fingerprint=embeddings.fingerprint,
        instance=method,
        count=100,
        runs=1,
        seed=0 if seeded else None,
        results_dir=folder / "results",
    )


def in_turn(sizes: Sequence[int], rounds: int, step: Callable[..., Told], *arguments: Any) -> dict[int, list[Told]]:
    """What `step` tells at each of the `sizes` in each round, every size in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        pools = {n: stack.enter_context(context.Pool(1)) for n in sizes}
        told = [{n: pool.apply(step, (n, *arguments)) for n, pool in pools.items()} for _ in range(rounds)]
    return {n: [one[n] for one in told] for n in sizes}


def judged(told: Mapping[int, list[Told]]) -> Iterator[str]:
    """Print what a step told at each size; in what it is out of bounds."""
    peaks = {n: max((one["peak"] for one in rounds if "peak" in one), default=None) for n, rounds in told.items()}
    smaller = {after: before for before, after in pairwise(told)}
    for name in [name for name in next(iter(told.values()))[0] if name not in ("peak", "share", "index")] or ["worker"]:
        for n, rounds in told.items():
            line, less = f"{name:15} {n:>11,}", smaller.get(n)
            if name in rounds[0]:
                line += f" {statistics.median(one[name] for one in rounds):10.4g}"
                if less:
                    growth = statistics.median(b[name] / a[name] for a, b in zip(told[less], rounds, strict=True))
                    line += f" {growth:8.2f}"
                    if growth > GROWTH ** np.log10(n / less):
                        yield f"{name}: {growth:.1f} times the seconds for {n / less:g} times the documents"
            if (peak := peaks[n]) is not None:
                line = f"{line:47} {peak / 1e6:9.1f}"
                if "index" in rounds[0]:
                    beside = peak - rounds[0]["index"]
                    line += f" {beside / 1e6:9.1f} beside the index"
                    if beside > SPARE:
                        yield f"{name}: {beside / 1e6:.0f} MB beside the index at {n:,} documents"
                elif less and (before := peaks[less]) is not None:
                    line += f" {(slope := (peak - before) / (n - less)):9.1f}"
                    if slope > PER_VECTOR:
                        yield f"{name}: {slope:.0f} bytes for each vector beyond {less:,}"
            if "share" in rounds[0]:
                share = statistics.median(one["share"] for one in rounds)
                line += f"  {share:.0%} of a bare product's speed"
                if share < SHARE:
                    yield f"{name}: {share:.0%} of a bare product's speed at {n:,} documents"
            click.echo(line)


@click.command()
@click.option("--documents", "sizes", multiple=True, type=click.IntRange(1000), default=(100_000, 1_000_000))
@click.option("--algorithm", "methods", multiple=True, default=METHODS, show_default=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), help="For the sets; needs 1.3 GB a million documents.")
def main(sizes: tuple[int, ...], methods: tuple[str, ...], threads: int, rounds: int, folder: Path | None) -> None:
    """Measure every step at each size; the exit status tells whether all stay within bounds."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(threads)
    ordered, faults = sorted(set(sizes)), []
    click.echo(f"{'step':15} {'documents':>11} {'seconds':>10} {'growth':>8} {'peak MB':>9} {'B/vector':>9}")
    with tempfile.TemporaryDirectory(dir=folder) as place:
        where = Path(place)
        for step in (make, truth):
            faults += judged(in_turn(ordered, rounds, step, where))
        # glibc would give a small index memory that it has at hand, and a large one pages that are new.
        os.environ["MALLOC_MMAP_THRESHOLD_"] = str(1 << 17)
        for method in methods:
            faults += judged(in_turn(ordered, 1, worker, where, method))
            for step in (times, figures):
                faults += judged(in_turn(ordered, rounds, step, where, method))
    for fault in faults:
        click.echo(f"out of bounds: {fault}")
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main()
