"""Timing an algorithm and checking its answers; runs inside a worker."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass

# Bound here, before any plugin is loaded: what a plugin puts into the module `time` later changes nothing.
from time import perf_counter_ns as clock
from time import process_time, thread_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.harness.jobs import Mode
from binbench.harness.processes import below, has_children, processor_seconds
from binbench.harness.promises import alike, checked, shaped
from binbench.plugins.algorithm import Algorithm, Answer, Footprint

#: Processor time over wall time × threads that is still explained by how clocks are read, and seconds likewise.
TOLERANCE, GRAIN = 1.2, 0.02


@dataclass(frozen=True)
class Timing:
    """Repeated measurements of the same queries.

    Attributes:
        seconds: (runs,) wall time of each repeat, all queries.
        latencies: (runs, Q) seconds of each call in single mode; None in batch mode.
        processor: seconds of processor time that all repeats took together, of all threads.
    """

    seconds: NDArray[np.float64]
    latencies: NDArray[np.float64] | None
    processor: float = 0.0

    @property
    def median_run(self) -> int:
        """The repeat with the (lower) median time: its time, ids and latencies are the reported ones."""
        return int(np.argsort(self.seconds, kind="stable")[(len(self.seconds) - 1) // 2])

    def per_query(self, queries: int) -> NDArray[np.float32]:
        """(Q,) seconds per query in the median repeat; in batch mode its total shared out evenly."""
        if self.latencies is not None:
            return self.latencies[self.median_run].astype(np.float32)
        return np.full(queries, self.seconds[self.median_run] / queries, np.float32)

    def percentiles(self) -> dict[str, float]:
        """Latency percentiles in seconds over all repeats; empty in batch mode."""
        if self.latencies is None:
            return {}
        return {f"p{p:g}": float(np.percentile(self.latencies, p)) for p in (50, 95, 99, 99.9)}


def measure(
    algorithm: Algorithm, queries: NDArray[np.float32], k: int, n: int, mode: Mode, runs: int
) -> tuple[Timing, Answer, list[str]]:
    """Query `runs` times after an uncounted warm-up, each time in another order, so that no answer can be a kept one.

    Args:
        algorithm: fitted.
        queries: (Q, d) float32.
        k: neighbours asked for.
        n: base vectors, for checking ids.
        mode: one call for all queries, or one for each.
        runs: timed repeats.

    Returns:
        the timing, the answer of the median repeat, and remarks on how it came about. All in the order of `queries`.

    Raises:
        BadAnswer: an answer breaks the interface.
    """
    once = _batch if mode == "batch" else _single
    order = np.arange(len(queries))
    _, _, first = once(algorithm, queries, k)
    answers = [checked(first, len(queries), k, n)]
    before, kept = answers[0][0], False
    seconds, latencies, processor = [], [], 0.0
    random = np.random.Generator(np.random.PCG64(0))
    for _ in range(runs):
        order = random.permutation(order)
        back = np.argsort(order)
        asked = queries[order]
        asked.flags.writeable = False
        took, busy, answer = once(algorithm, asked, k)
        seconds.append(float(took.sum()))
        processor += busy
        latencies.append(took[back] if mode == "single" else took)
        ids, scores = checked(answer, len(queries), k, n)
        kept |= np.array_equal(ids, before) and not np.array_equal(ids[back], answers[0][0])
        before = ids
        answers.append((ids[back], scores[back]))
    timing = Timing(np.array(seconds), np.stack(latencies) if mode == "single" else None, processor)
    remarks = []
    if kept:
        remarks.append("answers in the order of the repeat before: kept, not searched for")
    if not all(alike(answers[1], other) for other in answers):
        remarks.append("answers differ between repeats")
    return timing, answers[1 + timing.median_run], remarks


def _batch(algorithm: Algorithm, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.float64], float, Any]:
    busy, start = processor_time(), clock()
    answer = algorithm.query(queries, k)
    took = clock() - start
    return np.array([took / 1e9]), processor_time() - busy, answer


def _single(algorithm: Algorithm, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.float64], float, Any]:
    rows = [queries[i : i + 1] for i in range(len(queries))]
    stamps = [0] * (2 * len(rows))
    answers = []
    query, now = algorithm.query, clock
    busy = processor_time()
    for i, row in enumerate(rows):
        stamps[2 * i] = now()
        answer = query(row, k)
        stamps[2 * i + 1] = now()
        answers.append(answer)
    busy = processor_time() - busy
    took = np.diff(np.array(stamps).reshape(-1, 2), axis=1)[:, 0] / 1e9
    for answer in answers:
        shaped(answer, 1, k)
    return took, busy, tuple(np.concatenate(part) for part in zip(*answers, strict=True))


#: Seconds that this process has spent on looking for its children.
_looking = [0.0]


def processor_time() -> float:
    """Seconds of processor time of this process and of those that it has started, all their threads.

    What looking for these takes does not count: milliseconds, more than many a method.
    """
    began = thread_time()
    own = process_time() - _looking[0]
    waited = resource.getrusage(resource.RUSAGE_CHILDREN)
    running = processor_seconds(below(os.getpid())) if has_children() else 0.0
    _looking[0] += thread_time() - began
    return own + waited.ru_utime + waited.ru_stime + running


def excess(what: str, processor: float, wall: float, threads: int) -> str | None:
    """A remark where `what` took more processor seconds than `threads` threads have in `wall` seconds."""
    if processor <= TOLERANCE * wall * threads + GRAIN:
        return None
    allowed = f"{threads} thread{'s' if threads > 1 else ''}"
    return f"{what} kept {processor / wall:.1f} processors busy, with {allowed} asked for"


class Noop(Algorithm):
    """Answers at once: what remains is the harness's own time."""

    def fit(self, train: NDArray[np.float32]) -> None:
        """Nothing to learn."""

    def query(self, queries: NDArray[np.float32], k: int) -> Answer:
        """The same rows for every query, made beforehand."""
        return self.answers[len(queries)]

    def footprint(self) -> Footprint:
        """Nothing held."""
        return Footprint(codes=0)

    @classmethod
    def overhead(cls, queries: NDArray[np.float32], k: int, mode: Mode) -> float:
        """Seconds per query that the harness itself takes in `mode`."""
        noop = cls()
        noop.answers = {
            size: (np.full((size, k), -1, np.int64), np.full((size, k), -np.inf, np.float32))
            for size in (1, len(queries))
        }
        timing, _, _ = measure(noop, queries, k, 0, mode, 3)
        return float(np.median(timing.seconds)) / len(queries)

    answers: dict[int, Answer]
