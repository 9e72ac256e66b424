"""How far `recommend` errs: from random samples of a set's documents to all of them, method by method.

    python benchmarks/extrapolation.py data/msmarco-dl-all-MiniLM-L6-v2.hdf5 --sample 8000 --seeds 11,12,13

Nested subsets of a sample play the corpus that somebody has; recall@10 over the whole set is what is foretold. `float`,
which misses nothing at any size, is left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from binbench.errors import Unsupported
from binbench.measures.ranking import recall
from binbench.measures.trend import Points, depths, predicted
from binbench.plugins.faiss_index import blas_distances
from binbench.plugins.registry import ALGORITHMS
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.neighbors import distances_to, nearest
from binbench.tasks.recommend import ZOO, sizes_for

DEPTH = 10


def recalls(embeddings: EmbeddingSet, rows: np.ndarray, name: str) -> dict[int, np.ndarray]:
    """Depth → (Q,) recall of the method over the documents in `rows`; of two stages, with candidates in proportion."""
    train = np.ascontiguousarray(embeddings.train[np.sort(rows)])
    _, exact = nearest(iter([train]), embeddings.test, DEPTH, embeddings.distance)
    made = ALGORITHMS.get(name).create(dimension=train.shape[1], seed=0, metric=embeddings.distance)
    with blas_distances():
        made.fit(train)
        ids = dict.fromkeys(depths(DEPTH), made.query(embeddings.test, DEPTH)[0])
        if asked := getattr(made, "candidates", None):
            ids = {}
            for candidates in (number for number in made.query_grid["candidates"] if number <= asked):
                made.set_query_arguments(candidates=candidates)
                ids[DEPTH * candidates // asked] = made.query(embeddings.test, DEPTH)[0]
    true = {k: distances_to(train, embeddings.test, found, embeddings.distance) for k, found in ids.items()}
    return {k: recall(exact, true[k], found, k) for k, found in ids.items()}


def foretold(embeddings: EmbeddingSet, sample: np.ndarray, name: str) -> tuple[float, float, float]:
    """The recall of the whole set as nested subsets of the rows in `sample` tell it, and its interval."""
    total = len(embeddings.train)
    held = [(n, recalls(embeddings, sample[:n], name)) for n in sizes_for(len(sample), total)]
    points = [(n, k, values) for n, by_depth in held for k, values in by_depth.items()]
    sizes, at, values = zip(*points, strict=True)
    return predicted(Points(np.array(sizes, float), np.array(at), np.stack(values)[None], None, DEPTH), total)


def main() -> None:
    """Print every method's forecasts beside what is so, and the mean errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("set", type=Path)
    parser.add_argument("--sample", type=int, default=8000)
    parser.add_argument("--seeds", default="0", help="Comma-separated: one sample each.")
    parser.add_argument("--methods", default=",".join(name for name in ZOO if name != "float"))
    asked = parser.parse_args()
    embeddings = EmbeddingSet.open(asked.set)
    every = np.arange(len(embeddings.train))
    seeds = [int(seed) for seed in asked.seeds.split(",")]
    samples = [np.random.Generator(np.random.PCG64(seed)).permutation(every)[: asked.sample] for seed in seeds]
    errors, outside = [], []
    for name in asked.methods.split(","):
        try:
            true = float(recalls(embeddings, every, name)[DEPTH].mean())
        except Unsupported as reason:
            print(f"{name:24} {reason}")
            continue
        found = [foretold(embeddings, sample, name) for sample in samples]
        errors.append([estimate - true for estimate, _, _ in found])
        outside.append([not low <= true <= high for _, low, high in found])
        shown = (
            f"{e:.3f} [{low:.3f}, {high:.3f}]{' out' * o}" for (e, low, high), o in zip(found, outside[-1], strict=True)
        )
        print(f"{name:24} true {true:.3f}  foretold {'  '.join(shown)}", flush=True)
    for seed, mean, out in zip(seeds, np.abs(errors).mean(axis=0), np.sum(outside, axis=0), strict=True):
        print(f"sample {seed}: mean absolute error {mean:.4f}; {out} of {len(errors)} outside their 95 % interval")


if __name__ == "__main__":
    main()
