"""What the methods that faiss searches have in common: seeded training, encoding in blocks, and exact ranking."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.codes.projections import orthonormal
from binbench.errors import Unsupported
from binbench.plugins.algorithm import Algorithm, Answer, FloatArray, Ids

if TYPE_CHECKING:
    import faiss

#: Rows encoded at once: large enough for faiss to use its threads, small enough to stream a corpus larger than memory.
BLOCK = 65536
#: faiss' own bounds on the training points per k-means centroid (`ClusteringParameters`).
ADVISED_PER_CENTROID, MOST_PER_CENTROID = 39, 256
#: Rows multiplied at once: few, because they are doubled in size.
_PRODUCT_ROWS = 8192
#: Results asked for beyond k, so that a tie across the cut is seen.
MARGIN = 8
_MOST_ROWS: ContextVar[int | None] = ContextVar("most training rows", default=None)

Search = Callable[[FloatArray, int], tuple[FloatArray, Ids]]


class FaissAlgorithm(Algorithm):
    """A method that is one faiss index: a subclass gives `build` and `footprint`.

    A subclass that trains k-means sets `centroids`, the largest number trained at once, and passes faiss' parameters
    through `seeded`; one that trains anything else on a sample sets `training_limit`. One that rotates or projects
    vectors sets `transform_` in `build` or `train_index`. A method whose search is not exhaustive sets `exhaustive` to
    False: there is then no further tie to be found by searching deeper.
    """

    score_scale: ClassVar[Literal["cosine", "hamming", "own"]] = "cosine"
    centroids: int = 0
    #: k-means iterations, faiss' default.
    rounds: int = 25
    training_limit: int | None = None
    exhaustive: bool = True
    #: (d, width) that vectors are multiplied with before the index sees them; None for nothing.
    transform_: FloatArray | None = None

    def __init__(self, dimension: int, seed: int = 0) -> None:
        self.dimension = dimension
        self.seed = seed

    @property
    def metric_type(self) -> int:
        """`metric` as faiss calls it; on unit rows inner products are cosines."""
        import faiss

        return int(faiss.METRIC_L2 if self.metric == "euclidean" else faiss.METRIC_INNER_PRODUCT)

    @abstractmethod
    def build(self) -> faiss.Index:
        """An empty, untrained index whose random parts are seeded with `self.seed`."""

    def fit(self, train: FloatArray) -> None:
        """Train an index on a seeded sample of `train` and add every row.

        Raises:
            Unsupported: there are fewer rows than k-means centroids.
        """
        self.facts.clear()
        index = self.build()
        if not index.is_trained:
            with self.stage("train"):
                self.train_index(index, train)
        with self.stage("encode"):
            _reserve(index, len(train))
            for block in blocks(train):
                self.add(index, self.transformed(block))
        self.index_ = index

    def add(self, index: faiss.Index, block: FloatArray) -> None:
        """Encode `block`, transformed already, and append it to `index`."""
        index.add(block)

    def train_index(self, index: faiss.Index, train: FloatArray) -> None:
        """Train `index` on a seeded sample of the documents."""
        index.train(self.transformed(self.training_sample(train)))

    def transformed(self, vectors: FloatArray) -> FloatArray:
        """(n, d) documents as the index takes them."""
        return vectors if self.transform_ is None else multiplied(vectors, self.transform_)

    def training_sample(self, train: FloatArray) -> FloatArray:
        """A seeded sample of rows of `train`, in row order; records its size and whether faiss advises more.

        Raises:
            Unsupported: there are fewer rows than k-means centroids.
        """
        sample = sample_rows(train, self.training_limit or MOST_PER_CENTROID * self.centroids or None, self.seed)
        if len(sample) < self.centroids:
            raise Unsupported(f"{len(sample)} documents are too few to train {self.centroids} centroids")
        trained_on(self, len(sample), self.centroids)
        return sample

    def seeded(self, parameters: Any) -> None:
        """Seed faiss' `ClusteringParameters` and keep its "please provide at least" off the terminal."""
        parameters.seed = self.seed
        parameters.niter = self.rounds
        parameters.min_points_per_centroid = 1

    def query(self, queries: FloatArray, k: int) -> Answer:
        """Rank by the index's own scores; L2 distances are negated."""
        return ranked(self.search, queries, k, self.index_.ntotal, self.exhaustive)

    def decode(self, vectors: FloatArray) -> FloatArray | None:
        """The codes of `vectors` as faiss de-codes them, in the space that is searched; None for graphs of vectors."""
        import faiss

        if isinstance(self.index_, faiss.IndexHNSW):
            return None
        return self.index_.sa_decode(self.index_.sa_encode(self.transformed(np.ascontiguousarray(vectors))))

    def search(self, queries: FloatArray, k: int) -> tuple[FloatArray, Ids]:
        """The index's own `k` results: scores, larger is better, and ids, in no guaranteed order of ties."""
        import faiss

        queries = np.ascontiguousarray(queries, dtype=np.float32)
        if self.transform_ is not None:
            queries = queries @ self.transform_
        scores, ids = self.index_.search(queries, k)
        if self.index_.metric_type != faiss.METRIC_INNER_PRODUCT:
            np.negative(scores, out=scores)
        return scores, ids


def trained_on(algorithm: Algorithm, rows: int, centroids: int) -> None:
    """Record that `algorithm` learned so many `centroids` at once from so many `rows`, and whether these are few."""
    advised = ADVISED_PER_CENTROID * centroids
    algorithm.facts["training_rows"] = rows
    if centroids:
        algorithm.facts["points_per_centroid"] = rows / centroids
    if rows < advised:
        algorithm.note(f"trained on {rows} points; faiss advises at least {advised}; so few flatter it")


def _reserve(index: faiss.Index, rows: int) -> None:
    """Take the memory of `rows` codes at once: faiss would double it as it grows, and for a while hold both."""
    import faiss

    if isinstance(index, faiss.IndexFlatCodes):
        index.codes.resize(rows * index.code_size)
        index.codes.resize(0)


def blocks(train: FloatArray, rows: int = BLOCK) -> Iterator[FloatArray]:
    """`train` in contiguous float32 blocks of `rows` rows, without copying what is contiguous already."""
    for start in range(0, len(train), rows):
        yield np.ascontiguousarray(train[start : start + rows], dtype=np.float32)


def sample_rows(train: FloatArray, limit: int | None, seed: int) -> FloatArray:
    """At most `limit` rows of `train`, drawn without replacement from PCG64(`seed`), in row order.

    Whatever learns from documents takes them from here, so that :func:`training_at_most` caps it.
    """
    limit = min((most for most in (limit, _MOST_ROWS.get()) if most is not None), default=None)
    if limit is None or len(train) <= limit:
        return np.ascontiguousarray(train, dtype=np.float32)
    rows = Generator(PCG64(seed)).choice(len(train), size=limit, replace=False, shuffle=False)
    return np.ascontiguousarray(train[np.sort(rows)], dtype=np.float32)


@contextmanager
def training_at_most(rows: int | None) -> Iterator[None]:
    """Let methods learn from at most `rows` documents; None for as many as each takes by itself."""
    token = _MOST_ROWS.set(rows)
    try:
        yield
    finally:
        _MOST_ROWS.reset(token)


def multiplied(vectors: FloatArray, matrix: FloatArray) -> FloatArray:
    """(n, width) float32 product of (n, d) `vectors` and a (d, width) `matrix`, added up in float64.

    BLAS adds up in an order that depends on a row's place. In float32 that makes equal rows differ in their last digit,
    so that their order is no longer that of their numbers.
    """
    matrix = matrix.astype(np.float64)
    product = np.empty((len(vectors), matrix.shape[1]), np.float32)
    for start in range(0, len(vectors), _PRODUCT_ROWS):
        product[start : start + _PRODUCT_ROWS] = vectors[start : start + _PRODUCT_ROWS].astype(np.float64) @ matrix
    return product


def encoded(encode: Callable[[FloatArray], NDArray[Any]], block: FloatArray) -> NDArray[Any]:
    """The codes of `block` (n, d), each distinct row encoded once.

    Equal rows have equal codes then, also where the rounding of BLAS, which depends on a row's place, would decide
    between two centroids at the same distance.
    """
    first: dict[bytes, int] = {}
    places = np.array([first.setdefault(row.tobytes(), i) for i, row in enumerate(block)], dtype=np.int64)
    if len(first) == len(block):
        return encode(block)
    distinct, places = np.unique(places, return_inverse=True)
    return encode(np.ascontiguousarray(block[distinct]))[places]


def random_rotation(dimension: int, seed: int) -> NDArray[np.float32]:
    """A random orthonormal (d, d) float32 matrix."""
    return orthonormal(dimension, dimension, seed).astype(np.float32)


def ranked(search: Search, queries: FloatArray, k: int, n: int, exhaustive: bool = True) -> Answer:
    """The `k` best of `n` rows by `search`, which returns scores (larger is better) and ids, -1 where it has no more.

    faiss keeps any of the rows that tie at the cut, so where the last result asked for still ties with the k-th,
    these queries are searched deeper until all tied rows are seen.

    Returns:
        ids (Q, k) int64, best first, ties by row number, padded with -1; scores (Q, k) float32, padded with -inf.
    """
    ids = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    kept = min(k, n)
    depth = min(k + MARGIN, n) if exhaustive else kept
    rows = np.arange(len(queries))
    while len(rows) and kept:
        found, labels = search(queries[rows], depth)
        found = np.where(labels < 0, -np.inf, found).astype(np.float32, copy=False)
        found, labels = _in_order(found, labels)
        ids[rows, :kept], scores[rows, :kept] = labels[:, :kept], found[:, :kept]
        if depth in (kept, n):
            break
        rows = rows[found[:, depth - 1] == found[:, kept - 1]]
        depth = min(4 * depth, n)
    return ids, scores


def _in_order(scores: FloatArray, ids: Ids) -> tuple[FloatArray, Ids]:
    """(Q, n) results by score, ties by id; only the few queries that faiss left otherwise are sorted."""
    ahead, behind = scores[:, :-1], scores[:, 1:]
    wrong = ((behind > ahead) | ((behind == ahead) & (ids[:, 1:] < ids[:, :-1]))).any(axis=1)
    if not wrong.any():
        return scores, ids
    order = np.lexsort((ids[wrong], -scores[wrong]), axis=-1)
    scores, ids = scores.copy(), ids.copy()
    scores[wrong] = np.take_along_axis(scores[wrong], order, axis=-1)
    ids[wrong] = np.take_along_axis(ids[wrong], order, axis=-1)
    return scores, ids


@contextmanager
def blas_distances() -> Iterator[None]:
    """Let faiss compute distances by BLAS from 20 vectors on, as it used to; recent builds wait for 128,000.

    k-means and exhaustive batch search take several times as long without. The results are the same but for rounding,
    which then depends on the number of threads: this is for processes where that number is fixed.
    """
    import faiss

    usual = faiss.cvar.distance_compute_blas_threshold
    faiss.cvar.distance_compute_blas_threshold = 20
    try:
        yield
    finally:
        faiss.cvar.distance_compute_blas_threshold = usual


@contextmanager
def one_thread() -> Iterator[None]:
    """Let faiss use one thread, where the result of several depends on their number or their timing."""
    import faiss

    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)
