"""Any index that faiss' factory makes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

from binbench import Footprint, Unsupported, UserError, register
from binbench.plugins.algorithm import Answer, FloatArray
from binbench.plugins.faiss_index import FaissAlgorithm, encoded, one_thread

if TYPE_CHECKING:
    import faiss

#: A dimension that most numbers of sub-vectors divide: what faiss refuses here too is no index at all.
_DIVISIBLE = 2**6 * 3**2 * 5 * 7


class Factory(str):
    """A string for `faiss.index_factory`; no ``@``, which begins a transform."""

    expression = r"[A-Z][A-Za-z0-9_,()\[\].:+-]*"


@register(
    "faiss:{factory}",
    factory=[Factory(text) for text in ("SQ8", "IVF64,SQ4", "HNSW32,SQ8", "RaBitQ", "PQ16x4fs,RFlat")],
)
class FactoryIndex(FaissAlgorithm):
    """Whatever index `faiss.index_factory` makes of the text behind the colon.

    Seeded, trained and ranked as our own methods on faiss are; graphs are built with `efConstruction` 200. Query
    arguments go through `faiss.ParameterSpace`: `nprobe` of inverted lists, `quantizer_efSearch` of a graph over them,
    `efSearch` of a graph; `candidates` of re-scoring are a number of documents, at least k. Stores the serialized
    index: what the empty one takes is shared.
    """

    metrics = ("angular", "euclidean", "ip")
    score_scale = "own"
    at_least_k = ("efSearch", "candidates")

    @classmethod
    def query_grid_of(cls, **parameters: Any) -> Mapping[str, Sequence[Any]]:
        """The arguments that the index has, by what its string names."""
        factory = parameters["factory"]
        grid: dict[str, Sequence[Any]] = {}
        if lists := re.search(r"\bIVF(\d+)", factory):
            grid["nprobe"] = [n for n in (1, 4, 16, 64) if n <= int(lists[1])]
            if re.search(r"\bIVF\d+_HNSW", factory):
                grid["quantizer_efSearch"] = [16, 64]
        elif re.search(r"\bHNSW", factory):
            grid["efSearch"] = [16, 64, 256]
        if re.search(r"\b(RFlat|Refine)\b", factory):
            grid["candidates"] = [20, 40, 100, 250, 1000]
        return grid

    @classmethod
    def effective(cls, k: int, **arguments: Any) -> dict[str, Any]:
        """The graph over the lists is asked for `nprobe` of them, and keeps as many in view."""
        found = super().effective(k, **arguments)
        if "quantizer_efSearch" in found:
            found["quantizer_efSearch"] = max(found["quantizer_efSearch"], found["nprobe"])
        return found

    def __init__(self, dimension: int, factory: str, seed: int = 0, metric: str = "angular") -> None:
        super().__init__(dimension, seed)
        self.factory = str(factory)
        self.metric = metric
        self.query_grid: Mapping[str, Sequence[Any]] = self.query_grid_of(factory=factory)  # type: ignore[misc]
        self.arguments = {name: values[-1] for name, values in self.query_grid.items()}
        self.graph = re.search(r"\b(HNSW|NSG)", self.factory) is not None
        self.exhaustive = re.search(r"\b(IVF|IMI|HNSW|NSG|RFlat|Refine)", self.factory) is None
        lists = re.findall(r"\b(?:IVF|IMI2x)(\d+)", self.factory)
        bits = [int(text or 8) for text in re.findall(r"\b(?:PQ|RQ|LSQ)\d+(?:x(\d+))?", self.factory)]
        self.centroids = max([*map(int, lists), *(2**number for number in bits)], default=0)
        self.training_limit = None if self.centroids else 65536
        self.build()

    def build(self) -> faiss.Index:
        try:
            index = made(self.dimension, self.factory, self.metric)
        except RuntimeError as error:
            reason = told(error)
            try:
                made(_DIVISIBLE, self.factory, self.metric)
            except RuntimeError as general:
                raise UserError(f"faiss makes no index of {self.factory!r}: {told(general)}") from error
            raise Unsupported(f"{self.factory} does not fit {self.dimension} dimensions: {reason}") from error
        self.seed_parts(index)
        return index

    def seed_parts(self, index: faiss.Index) -> None:
        """Seed what is random in `index` and in the indexes and transforms that it is made of."""
        import faiss

        index = faiss.downcast_index(index)
        if hasattr(index, "do_polysemous_training"):
            # It only permutes codes for a filter that no query argument switches on, and takes most of the time.
            index.do_polysemous_training = False
        if isinstance(index, faiss.IndexPreTransform):
            for place in range(index.chain.size()):
                transform = faiss.downcast_VectorTransform(index.chain.at(place))
                if isinstance(transform, faiss.ITQTransform):
                    transform.itq.seed = self.seed
                elif isinstance(transform, faiss.RandomRotationMatrix):
                    transform.init(self.seed)
        for holder in (index, *(getattr(index, name, None) for name in ("pq", "rq"))):
            if (parameters := getattr(holder, "cp", None)) is not None:
                self.seeded(parameters)
        if (graph := getattr(index, "hnsw", None)) is not None:
            graph.efConstruction = 200
            graph.rng = faiss.RandomGenerator(self.seed)
        for name in ("index", "base_index", "refine_index", "quantizer", "storage"):
            if (part := getattr(index, name, None)) is not None:
                self.seed_parts(part)

    def fit(self, train: FloatArray) -> None:
        # Several threads add nodes to a graph in an order of their own, and with it another graph each time; each turn
        # of faiss' ITQ magnifies the rounding of the last, which depends on their number.
        with one_thread() if self.graph or "ITQ" in self.factory else nullcontext():
            super().fit(train)

    def add(self, index: faiss.Index, block: FloatArray) -> None:
        import faiss

        if not index.ntotal:
            self.empty_ = len(faiss.serialize_index(index))
        if not isinstance(index, faiss.IndexPreTransform):
            index.add(block)
            return
        # BLAS adds up in an order that depends on a row's place: equal documents are transformed once.
        turned: Any = partial(transformed, index)
        index.index.add(encoded(turned, block))
        index.ntotal = index.index.ntotal

    def train_index(self, index: faiss.Index, train: FloatArray) -> None:
        try:
            super().train_index(index, train)
        except RuntimeError as error:
            raise Unsupported(f"faiss cannot train {self.factory} on {len(train)} documents: {told(error)}") from error

    def set_query_arguments(self, **arguments: Any) -> None:
        """Set the arguments named in `query_grid`; the index gets them when it is asked."""
        for name in arguments:
            if name not in self.query_grid:
                raise TypeError(f"faiss:{self.factory} has no query argument {name!r}")
        self.arguments = self.arguments | arguments

    def query(self, queries: FloatArray, k: int) -> Answer:
        import faiss

        for name, value in self.effective(k, **self.arguments).items():
            if name == "candidates":
                # faiss states them as a multiple of what it is asked for.
                name, value = "k_factor_rf", value / k
            faiss.ParameterSpace().set_index_parameter(self.index_, name, value)
        return super().query(queries, k)

    def decode(self, vectors: FloatArray) -> FloatArray | None:
        """As faiss de-codes; None where it does not, for graphs, and for RaBitQ, of which it leaves bits out."""
        if self.graph or "RaBitQ" in self.factory:
            return None
        try:
            return super().decode(vectors)
        except RuntimeError:
            return None

    def footprint(self) -> Footprint:
        import faiss

        added = len(faiss.serialize_index(self.index_)) - self.empty_
        codes, rescore = code_bytes(self.index_)
        extras = added / max(1, self.index_.ntotal) - codes - rescore
        return Footprint(codes=codes, extras=extras, shared=self.empty_, rescore=rescore)


def made(dimension: int, factory: str, metric: str) -> faiss.Index:
    """What faiss' factory makes, untrained; RuntimeError where it refuses.

    What knows no inner product ranks by squared distance, which is the same order on unit rows.

    Raises:
        Unsupported: and on no others.
    """
    import faiss

    if metric != "angular" and "LSH" in factory:
        raise Unsupported(f"faiss' {factory} ranks by the Hamming distance of codes, which is no {metric} distance")
    if metric != "euclidean":
        try:
            return faiss.index_factory(dimension, factory, faiss.METRIC_INNER_PRODUCT)
        except RuntimeError as error:
            if "METRIC_L2" not in str(error):
                raise
            if metric == "ip":
                raise Unsupported(f"faiss has {factory} for distances only, not for inner products") from error
    return faiss.index_factory(dimension, factory, faiss.METRIC_L2)


def transformed(index: faiss.IndexPreTransform, rows: FloatArray) -> FloatArray:
    """(n, width) `rows` as the index behind the transforms takes them."""
    import faiss

    for place in range(index.chain.size()):
        rows = faiss.downcast_VectorTransform(index.chain.at(place)).apply(rows)
    return rows


def told(error: RuntimeError) -> str:
    """faiss' message in one line, without the place in its source."""
    text = str(error).strip()
    return text.rpartition(": ")[2].splitlines()[0] if text else type(error).__name__


def code_bytes(index: faiss.Index) -> tuple[int, int]:
    """Bytes per vector of the codes that are searched, and of those kept for re-scoring."""
    import faiss

    index = faiss.downcast_index(index)
    if isinstance(index, faiss.IndexPreTransform):
        return code_bytes(index.index)
    if isinstance(index, faiss.IndexRefine):
        return code_bytes(index.base_index)[0], code_bytes(index.refine_index)[0]
    if (storage := getattr(index, "storage", None)) is not None:
        return code_bytes(storage)
    return int(getattr(index, "code_size", 0)), 0
