"""A stored result's figures: computed once, kept beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.embeddings import EmbeddingSet
from binbench.files import atomic
from binbench.harness.results import Result

#: Raised when a measure's definition changes, so that stored figures are computed anew.
EVALUATION_SCHEMA = 1
CUTOFFS = (1, 5, 10, 50, 100)


@dataclass(frozen=True)
class Figures:
    """Per-query values of every measure that applies.

    Attributes:
        values: measure name → (Q,) float64. Measures against qrels cover judged queries only.
    """

    values: dict[str, NDArray[np.float64]]

    def mean(self, measure: str) -> float | None:
        """The mean over queries, or None where the measure does not apply."""
        found = self.values.get(measure)
        return None if found is None else float(np.mean(found))


def evaluate(result: Result, embeddings: EmbeddingSet, force: bool = False) -> Figures:
    """The figures of `result`, from its cache where that is still good.

    Args:
        result: a result with status ``ok``.
        embeddings: the set it was measured on.
        force: compute them anew.
    """
    cache = result.path.with_suffix(".figures.npz")
    key = f"{EVALUATION_SCHEMA}:{result['inputs']}:{result.path.stat().st_mtime_ns}"
    if not force and (found := _cached(cache, key)):
        return found
    figures = Figures(_compute(result, embeddings))
    with atomic(cache) as temporary, open(temporary, "wb") as file:
        np.savez(file, key=np.array(key), **figures.values)  # type: ignore[arg-type]
    return figures


def _cached(path: Path, key: str) -> Figures | None:
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["key"]) != key:
                return None
            return Figures({name: stored[name] for name in stored.files if name != "key"})
    except (OSError, ValueError, KeyError):
        return None


def _compute(result: Result, embeddings: EmbeddingSet) -> dict[str, NDArray[np.float64]]:
    from binbench.metrics.neighbours import ndcg_float, overlap, recall
    from binbench.metrics.relevance import relevance

    ids, distances, k = result.neighbors, result.distances, result["count"]
    true_ids, true_distances = embeddings.neighbors, embeddings.distances
    values: dict[str, Any] = {
        f"recall@{cut}": recall(true_distances, distances, ids, cut)
        for cut in CUTOFFS
        if cut <= min(k, true_ids.shape[1])
    }
    if min(k, true_ids.shape[1]) >= 10:
        values["overlap@10"] = overlap(true_ids, ids, 10)
        values["ndcg_float@10"] = ndcg_float(true_ids, ids, 10)
    if embeddings.qrels is not None:
        against = relevance(embeddings.qrels, ids, len(ids), embeddings.test_ids, embeddings.train_ids)
        values |= {f"qrels_{name}" if name.startswith("recall") else name: value for name, value in against.items()}
    return values
