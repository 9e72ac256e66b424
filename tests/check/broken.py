"""Quantizers that each break one rule; `EXPECTED` says which."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import ClassVar

import numpy as np

from binbench import Algorithm, Footprint, register

EXPECTED: dict[str, str] = {}


def breaks(rule):
    def decorate(plugin):
        name = "broken-" + plugin.__name__.lower()
        EXPECTED[name] = rule
        return register(name)(plugin)

    return decorate


class Sound(Algorithm):
    """Exact search: nothing wrong with it."""

    def __init__(self, dimension: int, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, train):
        self.train_ = train.copy()

    def scores(self, queries):
        # einsum, so that equal rows get equal scores whatever stands beside them.
        return np.einsum("qd,nd->qn", queries, self.train_)

    def query(self, queries, k):
        return ranking(self.scores(queries), k)

    def footprint(self):
        return Footprint(codes=4 * self.train_.shape[1])


def ranking(scores, k):
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    ids = np.full((len(scores), k), -1)
    best = np.full((len(scores), k), -np.inf, dtype=np.float32)
    ids[:, : order.shape[1]] = order
    best[:, : order.shape[1]] = np.take_along_axis(scores, order, axis=1)
    return ids, best


register("sound")(Sound)


@breaks("shapes-and-dtypes")
class NarrowIds(Sound):
    def query(self, queries, k):
        ids, scores = super().query(queries, k)
        return ids.astype(np.int32), scores


@breaks("ids-in-range-and-unique")
class Repeats(Sound):
    def query(self, queries, k):
        ids, scores = super().query(queries, k)
        if 3 < k < len(self.train_) and len(self.train_) == len(np.unique(self.train_, axis=0)):
            ids[:, 3] = ids[:, 2]
        return ids, scores


@breaks("order-by-score")
class Distances(Sound):
    def query(self, queries, k):
        ids, scores = super().query(queries, k)
        return ids, np.where(np.isfinite(scores), 1 - scores, scores)


@breaks("ties-by-row")
class LastOfEquals(Sound):
    def query(self, queries, k):
        scores = self.scores(queries)[:, ::-1]
        ids, best = ranking(scores, k)
        return np.where(ids >= 0, len(self.train_) - 1 - ids, -1), best


@breaks("deterministic")
class Unseeded(Sound):
    fits = 0

    def fit(self, train):
        super().fit(train)
        Unseeded.fits += 1
        # Every third fit is another one: the first, the one of the rule, and no two others that are compared.
        self.train_ = self.train_ + np.float32(0.01 * (Unseeded.fits == 3)) * np.linspace(-1, 1, train.shape[1])
        self.train_ = self.train_.astype(np.float32)


@breaks("same-on-any-threads")
class ThreadBound(Sound):
    def fit(self, train):
        import faiss

        super().fit(train)
        self.train_ *= np.linspace(1, faiss.omp_get_max_threads(), train.shape[1], dtype=np.float32)


@breaks("inputs-untouched")
class Normalizes(Sound):
    def fit(self, train):
        train /= np.linalg.norm(train, axis=1, keepdims=True)
        super().fit(train)


@breaks("inputs-untouched")
class Unlocks(Sound):
    def query(self, queries, k):
        answer = super().query(queries, k)
        queries.setflags(write=True)
        queries += 1
        return answer


@breaks("more-asked-than-there-are")
class PadsWithZero(Sound):
    def query(self, queries, k):
        ids, scores = super().query(queries, k)
        return np.where((ids < 0) & (k > 3), 0, ids), scores


@breaks("one-vector")
class NeedsTwo(Sound):
    def fit(self, train):
        super().fit(train)
        self.train_[1]


@breaks("duplicates")
class Whitens(Sound):
    def fit(self, train):
        super().fit(train)
        if len(np.unique(train, axis=0)) < len(train):
            raise np.linalg.LinAlgError("singular matrix")


@breaks("refit")
class Remembers(Sound):
    def fit(self, train):
        known = getattr(self, "train_", None)
        super().fit(train)
        if known is not None:
            self.train_ = np.roll(self.train_, 1, axis=0)


@breaks("save-without-pickle")
class Pickles(Sound):
    def save(self, path: Path) -> None:
        path.write_bytes(pickle.dumps(self.train_))

    @classmethod
    def load(cls, path: Path):
        loaded = cls(0)
        loaded.train_ = pickle.loads(path.read_bytes())
        return loaded


@breaks("save-without-pickle")
class SavesHalf(Sound):
    def save(self, path: Path) -> None:
        np.save(path, self.train_[::-1])

    @classmethod
    def load(cls, path: Path):
        loaded = cls(0)
        loaded.train_ = np.load(path.with_suffix(".npy"))
        return loaded


@breaks("bytes-honest")
class CountsCodesOnly(Sound):
    def footprint(self):
        return Footprint(codes=self.train_.shape[1] / 8)


@breaks("bytes-honest")
class KeepsTheVectors(Sound):
    def fit(self, train):
        super().fit(train)
        self.kept = {"vectors": [train.astype(np.float16)]}


@breaks("independent-of-queries")
class LearnsFromQueries(Sound):
    def query(self, queries, k):
        if len(queries) == 20:
            self.train_ *= np.linspace(1, 1.05, self.train_.shape[1], dtype=np.float32)
        return super().query(queries, k)


@breaks("independent-of-queries")
class CentresQueries(Sound):
    def query(self, queries, k):
        if len(self.train_) == len(np.unique(self.train_, axis=0)) > 1 and k <= len(self.train_):
            queries = queries - 0.3 * queries.mean(axis=0)
        return super().query(queries, k)


@breaks("query-arguments")
class TakesAnything(Sound):
    def set_query_arguments(self, **arguments):
        self.__dict__.update(arguments)


@breaks("query-arguments")
class NoSuchSetting(Sound):
    query_grid: ClassVar = {"depth": [1, 0]}
    depth = 1

    def query(self, queries, k):
        ids, scores = super().query(queries, k)
        return (ids, scores) if self.depth else (ids * 2, scores)


@breaks("finds-itself")
class HidesTheBest(Sound):
    def scores(self, queries):
        scores = super().scores(queries)
        return np.where(scores > 0.9999, -scores, scores) if len(np.unique(self.train_, axis=0)) > 40 else scores


@breaks("fits")
class CannotFit(Sound):
    def fit(self, train):
        raise ZeroDivisionError("float division by zero")


class Shuffled(Sound):
    """Not better than chance; a method that finds nothing cannot find itself either."""

    def fit(self, train):
        super().fit(train)
        if len(train) == len(np.unique(train, axis=0)) > 1:
            self.train_ = np.random.Generator(np.random.PCG64(self.seed)).permutation(self.train_)


register("broken-shuffled")(Shuffled)


class Dies(Sound):
    def query(self, queries, k):
        import os
        import signal

        if k > len(self.train_) > 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().query(queries, k)


register("dies")(Dies)


class Hangs(Sound):
    def fit(self, train):
        import time

        if len(train) == 1:
            time.sleep(600)
        super().fit(train)


register("hangs")(Hangs)
