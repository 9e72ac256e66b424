"""What methods of other libraries tell of what their k-means learned from."""

from __future__ import annotations

from binbench.plugins.algorithm import Algorithm
from binbench.plugins.faiss_index import ADVISED_PER_CENTROID


def trained_on(algorithm: Algorithm, rows: int, centroids: int) -> None:
    """Record that `algorithm` learned so many `centroids` at once from so many `rows`, and whether these are few."""
    advised = ADVISED_PER_CENTROID * centroids
    algorithm.facts.update(training_rows=rows, points_per_centroid=rows / centroids)
    if rows < advised:
        algorithm.note(f"trained on {rows} points; faiss advises at least {advised}; so few flatter it")
