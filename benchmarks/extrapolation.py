"""How far `recommend` errs: from a random sample of a set's documents to all of them, method by method.

    python benchmarks/extrapolation.py data/msmarco-dl-all-MiniLM-L6-v2.hdf5 --sample 8000

Nested subsets of the sample play the corpus that somebody has; recall@10 over the whole set is what is foretold.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from binbench.errors import Unsupported
from binbench.measures.ranking import recall
from binbench.measures.trend import Points, predicted
from binbench.plugins.faiss_index import blas_distances
from binbench.plugins.registry import ALGORITHMS
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.neighbors import distances_to, nearest
from binbench.tasks.recommend import ZOO, sizes_for

DEPTHS = (10, 5)


def recalls(embeddings: EmbeddingSet, rows: np.ndarray, name: str) -> dict[int, np.ndarray]:
    """Depth → (Q,) recall of the method over the documents in `rows`."""
    train = np.ascontiguousarray(embeddings.train[rows])
    _, exact = nearest(iter([train]), embeddings.test, max(DEPTHS), embeddings.distance)
    made = ALGORITHMS.get(name).create(dimension=train.shape[1], seed=0, metric=embeddings.distance)
    with blas_distances():
        made.fit(train)
        ids, _ = made.query(embeddings.test, max(DEPTHS))
    found = distances_to(train, embeddings.test, ids, embeddings.distance)
    return {k: recall(exact, found, ids, k) for k in DEPTHS}


def main() -> None:
    """Print every method's forecast beside what is so, and the mean error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", type=Path)
    parser.add_argument("--sample", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--methods", default=",".join(ZOO))
    asked = parser.parse_args()
    embeddings = EmbeddingSet.open(asked.set)
    total = len(embeddings.train)
    order = np.random.Generator(np.random.PCG64(asked.seed)).permutation(total)
    sizes = sizes_for(asked.sample, total)
    errors, outside = [], 0
    for name in asked.methods.split(","):
        try:
            held = [recalls(embeddings, np.sort(order[:n]), name) for n in sizes]
            true = float(recalls(embeddings, np.arange(total), name)[10].mean())
        except Unsupported as reason:
            print(f"{name:24} {reason}")
            continue
        values = np.stack([one[k] for one in held for k in DEPTHS])[None]
        points = Points(np.repeat(sizes, len(DEPTHS)).astype(float), np.tile(DEPTHS, len(sizes)), values, None, 10)
        found = predicted(points, total)
        errors.append(found.estimate - true)
        is_outside = not found.low <= true <= found.high
        outside += is_outside
        print(
            f"{name:24} true {true:.3f}  foretold {found.estimate:.3f} [{found.low:.3f}, {found.high:.3f}]"
            + ("  outside" if is_outside else "")
        )
    print(f"mean absolute error {np.abs(errors).mean():.4f}; {outside} of {len(errors)} outside their 95 % interval")


if __name__ == "__main__":
    main()
