"""Measures over stored rankings."""

from __future__ import annotations

import numpy as np

from .data import processor_seconds, version, wanted

QUERIES, COUNT, DOCUMENTS, JUDGED = 1000, 100, 5000, 20


class Metrics:
    """`time_recall` and `time_relevance`: rankings of 100 documents for 1,000 queries, 20 judged each."""

    timer = processor_seconds

    def setup(self) -> None:
        self.recall = wanted("binbench.measures.ranking", "recall")
        self.relevance = wanted("binbench.measures.relevance", "relevance")
        rng = np.random.Generator(np.random.PCG64(0))
        self.ids = np.stack([rng.choice(DOCUMENTS, COUNT, replace=False) for _ in range(QUERIES)])
        self.distances = rng.random((QUERIES, COUNT))
        self.true_distances = np.sort(rng.random((QUERIES, COUNT)), axis=1)
        judged = np.stack([rng.choice(DOCUMENTS, JUDGED, replace=False) for _ in range(QUERIES)])
        rows = np.repeat(np.arange(QUERIES), JUDGED)
        self.qrels = np.stack([rows, judged.ravel(), rng.integers(0, 3, len(rows))], axis=1)

    @version("1")
    def time_recall(self) -> None:
        self.recall(self.true_distances, self.distances, self.ids, 10)

    @version("1")
    def time_relevance(self) -> None:
        self.relevance(self.qrels, self.ids, QUERIES)
