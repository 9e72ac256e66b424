"""What compression does to search, on texts: methods side by side, query by query."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.files import atomic
from binbench.measures.ranking import recall
from binbench.measures.relevance import relevance
from binbench.plugins.algorithm import Algorithm, FloatArray, Ids
from binbench.plugins.faiss_index import blas_distances
from binbench.plugins.registry import ALGORITHMS
from binbench.sets.corpus import Collection
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.encoders import Encoder, vectors_of
from binbench.sets.neighbors import distances_to
from binbench.sets.prepare import Preparation

#: Texts shown for each query, and what figures are taken at.
SHOWN = 5
CUT = 10
#: The method that the others are compared with.
REFERENCE = "float"


@dataclass(frozen=True)
class Method:
    """One method over the whole collection.

    Attributes:
        name: the instance's.
        index_bytes: of the whole index.
        seconds_per_query: all queries in one call, the faster of two.
        recall: recall@10 against the exact float ranking, mean over all queries.
        ndcg: nDCG@10 against relevance judgements, likewise; None without judgements.
    """

    name: str
    index_bytes: int
    seconds_per_query: float
    recall: float
    ndcg: float | None


@dataclass(frozen=True)
class Hit:
    """A text that was found.

    Attributes:
        text: of the document.
        id: of the document.
        change: against float: ``same`` rank, ``moved``, or ``new`` among the first five.
        was: its rank with float, from 1, where it moved.
    """

    text: str
    id: str
    change: Literal["same", "moved", "new"]
    was: int | None = None


@dataclass(frozen=True)
class Shown:
    """What one method found for a query: `hits`, best first, and the texts of float's first five it `lost`."""

    method: str
    hits: list[Hit]
    lost: list[Hit]


@dataclass
class QueryVectors:
    """The unit vectors of queries: a collection's own, those asked before, and new ones, which are encoded and kept.

    Attributes:
        own: (Q, d) vectors of the collection's queries, and their rows by text.
        path: where those asked before are kept, beside the set whose fingerprint it names.
        encoder: opens the encoder, once.
    """

    own: tuple[FloatArray, dict[str, int]]
    path: Path
    encoder: Callable[[], Encoder]

    def __post_init__(self) -> None:
        self._asked: dict[str, FloatArray] = {}
        # What was kept saves time only: where it is gone or damaged, it is encoded again.
        with suppress(OSError, ValueError, KeyError, BadZipFile), np.load(self.path) as kept:
            vectors = kept["vectors"].reshape(-1, 1, self.own[0].shape[1])
            self._asked = dict(zip(kept["texts"].tolist(), vectors, strict=True))

    def __contains__(self, query: object) -> bool:
        return query in self.own[1] or query in self._asked

    def __getitem__(self, query: str) -> FloatArray:
        """(1, d) float32."""
        vectors, rows = self.own
        if query in rows:
            return vectors[rows[query] : rows[query] + 1]
        if query not in self._asked:
            self._asked[query] = vectors_of(self.encoder(), [query], "query")
            with atomic(self.path) as temporary, open(temporary, "wb") as file:
                np.savez(file, texts=list(self._asked), vectors=np.concatenate(list(self._asked.values())))
        return self._asked[query]


@dataclass
class Demonstration:
    """A collection under several methods, ready to be asked.

    Attributes:
        name: of the embedding set.
        documents, queries: how many there are.
        methods: float first.
        own_queries: texts of the collection's own queries, by row.
    """

    name: str
    documents: int
    methods: list[Method]
    own_queries: list[str]
    _texts: tuple[list[str], list[str]]
    _fitted: dict[str, Algorithm]
    _vectors: QueryVectors = field(repr=False)

    @property
    def queries(self) -> int:
        """How many queries the figures are means over."""
        return len(self.own_queries)

    def ask(self, query: str) -> list[Shown]:
        """What every method finds for `query`; encoded unless it is the collection's own or was asked before."""
        vector = self._vectors[query]
        with blas_distances():
            found = {name: one.query(vector, SHOWN)[0][0] for name, one in self._fitted.items()}
        return [Shown(name, *self._against(ids, found[REFERENCE])) for name, ids in found.items()]

    def _against(self, ids: NDArray[np.int64], reference: NDArray[np.int64]) -> tuple[list[Hit], list[Hit]]:
        ranks = {int(row): rank for rank, row in enumerate(reference, start=1) if row >= 0}
        hits = []
        for rank, row in enumerate((int(one) for one in ids if one >= 0), start=1):
            was = ranks.get(row)
            hits.append(self._hit(row, "new" if was is None else "same" if was == rank else "moved", was))
        lost = [self._hit(row, "same", rank) for row, rank in ranks.items() if row not in set(ids.tolist())]
        return hits, lost

    def _hit(self, row: int, change: Literal["same", "moved", "new"], was: int | None) -> Hit:
        names, texts = self._texts
        return Hit(texts[row], names[row], change, was)


def demonstrate(
    preparation: Preparation, algorithms: Sequence[str], asked: Sequence[str] | None = None
) -> Demonstration:
    """Build float and `algorithms` over the set of `preparation`, made where it is missing, and measure them.

    Args:
        preparation: a set of texts.
        algorithms: methods to set beside float.
        asked: the queries to come, where they are known: where none is new, no encoder is loaded. Vectors of new ones
            are kept in the data folder.

    Raises:
        UserError: an unknown method, or a dataset without texts.
        Unsupported: a method does not fit the set.
    """
    instances = ALGORITHMS.resolve([REFERENCE, *algorithms])
    if not preparation.origin.needs_encoder:
        raise UserError(f"{preparation.dataset} holds vectors only, and a demonstration shows texts; name a collection")
    embeddings = preparation.run()
    names, documents, queries = _texts(preparation, embeddings)
    encoder = cache(lambda: preparation.encoder.fitted(documents, preparation.source.seed))
    path = preparation.data_dir / f".asked-{embeddings.fingerprint[:16]}.npz"
    vectors = QueryVectors((embeddings.test, {text: row for row, text in enumerate(queries)}), path, encoder)
    fitted: dict[str, Algorithm] = {}
    with ThreadPoolExecutor(1) as beside, blas_distances():
        if asked is None or not all(query in vectors for query in asked):
            # Loading a model takes longer than building most methods, which leave the interpreter free meanwhile.
            beside.submit(encoder)
        for instance in instances:
            made: Algorithm = instance.create(
                dimension=embeddings.train.shape[1], seed=preparation.source.seed, metric=embeddings.distance
            )
            made.fit(embeddings.train)
            fitted[instance.name] = made
    # Only now, so that times per query are the methods' own.
    with blas_distances():
        methods = [_measured(name, made, embeddings) for name, made in fitted.items()]
    return Demonstration(embeddings.name, len(documents), methods, queries, (names, documents), fitted, vectors)


def _measured(name: str, algorithm: Algorithm, embeddings: EmbeddingSet) -> Method:
    k, queries = min(CUT, len(embeddings.train)), embeddings.test
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        # One more, because a query's own document is dropped before relevance is judged.
        ids = algorithm.query(queries, min(k + 1, len(embeddings.train)))[0]
        seconds.append(time.perf_counter() - start)
    return Method(
        name,
        algorithm.footprint().total(len(embeddings.train)),
        min(seconds) / len(queries),
        _recall(ids[:, :k], embeddings, k),
        _ndcg(ids, embeddings),
    )


def _recall(ids: Ids, embeddings: EmbeddingSet, k: int) -> float:
    distances = distances_to(embeddings.train, embeddings.test, ids, embeddings.distance)
    return float(recall(embeddings.distances, distances, ids, k).mean())


def _ndcg(ids: Ids, embeddings: EmbeddingSet) -> float | None:
    if embeddings.qrels is None or ids.shape[1] < CUT:
        return None
    found = relevance(embeddings.qrels, ids, len(ids), embeddings.test_ids, embeddings.train_ids)
    return float(found["ndcg@10"].mean())


def _texts(preparation: Preparation, embeddings: EmbeddingSet) -> tuple[list[str], list[str], list[str]]:
    """Ids and texts of the set's documents, and the queries; kept beside the set, because sources may load slowly.

    Raises:
        UserError: the source no longer holds what the set was made from.
    """
    kept = embeddings.path.with_name(f".{embeddings.name}-{embeddings.fingerprint}.texts.json")
    if kept.is_file():
        try:
            names, documents, queries = json.loads(kept.read_text(encoding="utf-8"))
        except ValueError:
            kept.unlink()
        else:
            return names, documents, queries
    source = preparation.origin.load()
    assert isinstance(source, Collection)
    if source.doc_ids != embeddings.train_ids or source.query_ids != embeddings.test_ids:
        raise UserError(
            f"{embeddings.path} was made from other texts than {preparation.dataset} holds now; make it anew with "
            "`binbench prepare --force`"
        )
    with atomic(kept) as temporary:
        temporary.write_text(json.dumps([source.doc_ids, source.documents, source.queries]), encoding="utf-8")
    return source.doc_ids, source.documents, source.queries
