"""Plugins that break every promise, each in its own way; loaded with --plugin by the harness' tests."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path
from typing import ClassVar

import numpy as np

from binbench import Algorithm, Footprint, Unsupported, register


class Fine(Algorithm):
    """Exact search, by numpy."""

    def __init__(self, dimension: int, seed: int = 0) -> None:
        self.dimension = dimension

    def fit(self, train):
        self.train_ = train

    def query(self, queries, k):
        scores = queries @ self.train_.T
        ids = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return ids, np.take_along_axis(scores, ids, 1)

    def footprint(self):
        return Footprint(codes=4 * self.dimension)


register("fine")(Fine)


@register("raises")
class Raises(Fine):
    def fit(self, train):
        raise ValueError("no luck today")


@register("exits")
class Exits(Fine):
    def fit(self, train):
        sys.exit(0)


@register("exits-hard")
class ExitsHard(Fine):
    def fit(self, train):
        os._exit(3)


@register("segfaults")
class Segfaults(Fine):
    def fit(self, train):
        os.kill(os.getpid(), signal.SIGSEGV)


@register("reads-null")
class ReadsNull(Fine):
    def fit(self, train):
        ctypes.string_at(0)


@register("hangs")
class Hangs(Fine):
    def query(self, queries, k):
        while True:
            pass


@register("sleeps-deaf")
class SleepsDeaf(Fine):
    def fit(self, train):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        started = os.fork()
        if started:
            Path(os.environ["BINBENCH_TEST_PID"]).write_text(str(started))
        time.sleep(1000)


@register("allocates")
class Allocates(Fine):
    def fit(self, train):
        self.hoard_ = [np.ones(1 << 22) for _ in range(64)]
        time.sleep(5)


@register("out-of-memory-error")
class OutOfMemoryError(Fine):
    def fit(self, train):
        self.hoard_ = np.ones(1 << 60, np.uint8)


@register("wrong-shape")
class WrongShape(Fine):
    def query(self, queries, k):
        ids, scores = super().query(queries, k)
        return ids[:, :-1], scores[:, :-1]


@register("no-tuple")
class NoTuple(Fine):
    def query(self, queries, k):
        return super().query(queries, k)[0]


@register("out-of-range")
class OutOfRange(Fine):
    def query(self, queries, k):
        ids, scores = super().query(queries, k)
        ids[2, 0] = len(self.train_)
        return ids, scores


@register("duplicates")
class Duplicates(Fine):
    def query(self, queries, k):
        ids, scores = super().query(queries, k)
        ids[1, 1] = ids[1, 0]
        return ids, scores


@register("nan-scores")
class NanScores(Fine):
    def query(self, queries, k):
        ids, scores = super().query(queries, k)
        scores[0, 0] = np.nan
        return ids, scores


@register("writes-train")
class WritesTrain(Fine):
    def fit(self, train):
        train /= 2


@register("writes-queries")
class WritesQueries(Fine):
    def query(self, queries, k):
        queries[0] = 0
        return super().query(queries, k)


@register("unsupported")
class Refuses(Fine):
    def fit(self, train):
        raise Unsupported("wants more dimensions")


@register("chatters")
class Chatters(Fine):
    def fit(self, train):
        os.write(1, b"to stdout\n" * 50)
        os.write(2, b"to stderr\n" * 50)
        super().fit(train)


@register("half-done")
class HalfDone(Fine):
    query_grid: ClassVar = {"effort": [1, 2]}

    def query(self, queries, k):
        if self.effort == 2:
            raise RuntimeError("too much effort")
        return super().query(queries, k)


@register("restless")
class Restless(Fine):
    """Answers in another order each time."""

    calls = 0

    def query(self, queries, k):
        ids, scores = super().query(queries, k)
        self.calls += 1
        return np.roll(ids, self.calls, axis=1), scores


@register("slow{milliseconds}", milliseconds=[300])
class Slow(Fine):
    def __init__(self, dimension: int, milliseconds: int, seed: int = 0) -> None:
        super().__init__(dimension, seed)
        self.milliseconds = milliseconds

    def fit(self, train):
        time.sleep(self.milliseconds / 1000)
        super().fit(train)


@register("environment")
class Environment(Fine):
    """Records the threads it sees."""

    def fit(self, train):
        import faiss
        from threadpoolctl import threadpool_info

        super().fit(train)
        self.facts["faiss_threads"] = faiss.omp_get_max_threads()
        self.facts["pools"] = [pool["num_threads"] for pool in threadpool_info()]
        self.facts["variable"] = os.environ["OMP_NUM_THREADS"]
