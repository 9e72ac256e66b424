"""Timing an algorithm and checking its answers; runs inside a worker."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.harness.jobs import Mode
from binbench.plugins.algorithm import Algorithm, Answer, Footprint


class BadAnswer(Exception):
    """A plugin's answer that breaks the interface; the message says how."""


@dataclass(frozen=True)
class Timing:
    """Repeated measurements of the same queries.

    Attributes:
        seconds: (runs,) wall time of each repeat, all queries.
        latencies: (runs, Q) seconds of each call in single mode; None in batch mode.
    """

    seconds: NDArray[np.float64]
    latencies: NDArray[np.float64] | None

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
) -> tuple[Timing, Answer, bool]:
    """Query `runs` times after an uncounted warm-up.

    Args:
        algorithm: fitted.
        queries: (Q, d) float32.
        k: neighbours asked for.
        n: base vectors, for checking ids.
        mode: one call for all queries, or one for each.
        runs: timed repeats.

    Returns:
        the timing, the answer of the median repeat, and whether all repeats answered alike.

    Raises:
        BadAnswer: an answer breaks the interface.
    """
    once = _batch if mode == "batch" else _single
    once(algorithm, queries, k)
    seconds, latencies, answers = [], [], []
    for _ in range(runs):
        took, answer = once(algorithm, queries, k)
        seconds.append(float(took.sum()))
        latencies.append(took)
        answers.append(checked(answer, len(queries), k, n))
    timing = Timing(np.array(seconds), np.stack(latencies) if mode == "single" else None)
    stable = all(np.array_equal(answers[0][0], other[0]) for other in answers[1:])
    return timing, answers[timing.median_run], stable


def _batch(algorithm: Algorithm, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.float64], Any]:
    start = time.perf_counter_ns()
    answer = algorithm.query(queries, k)
    return np.array([(time.perf_counter_ns() - start) / 1e9]), answer


def _single(algorithm: Algorithm, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.float64], Any]:
    rows = [queries[i : i + 1] for i in range(len(queries))]
    stamps = [0] * (2 * len(rows))
    answers = []
    query, clock = algorithm.query, time.perf_counter_ns
    for i, row in enumerate(rows):
        stamps[2 * i] = clock()
        answer = query(row, k)
        stamps[2 * i + 1] = clock()
        answers.append(answer)
    took = np.diff(np.array(stamps).reshape(-1, 2), axis=1)[:, 0] / 1e9
    for answer in answers:
        _shaped(answer, 1, k)
    return took, tuple(np.concatenate(part) for part in zip(*answers, strict=True))


def _shaped(answer: Any, queries: int, k: int) -> None:
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise BadAnswer(f"query returned {type(answer).__name__}, expected a tuple (ids, scores)")
    for name, array in zip(("ids", "scores"), answer, strict=True):
        if not isinstance(array, np.ndarray) or array.shape != (queries, k):
            shape = getattr(array, "shape", type(array).__name__)
            raise BadAnswer(f"query returned {name} of shape {shape}, expected {(queries, k)}")


def checked(answer: Any, queries: int, k: int, n: int) -> Answer:
    """`answer` if it keeps the interface's promises: shapes, dtypes, range, no duplicates, no NaN.

    Raises:
        BadAnswer: it does not; the message names the first query concerned.
    """
    _shaped(answer, queries, k)
    ids, scores = answer
    if not np.issubdtype(ids.dtype, np.integer) or not np.issubdtype(scores.dtype, np.floating):
        raise BadAnswer(f"query returned ids of {ids.dtype} and scores of {scores.dtype}, expected integers and floats")
    for bad, problem in (
        ((ids < -1) | (ids >= n), f"ids outside -1..{n - 1}"),
        (np.isnan(scores), "NaN scores"),
        (_repeated(ids), "an id more than once"),
    ):
        if bad.any():
            row = int(np.argmax(bad.any(axis=1)))
            raise BadAnswer(f"query {row} was answered with {problem}")
    return ids, scores


def _repeated(ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    ordered = np.sort(ids, axis=1)
    return (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)


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
