"""How long jobs will take, from how long such jobs took."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from binbench.errors import UserError
from binbench.records.store import read

if TYPE_CHECKING:
    from binbench.harness.jobs import Job
    from binbench.sets.embeddings import EmbeddingSet

#: Seconds per document and dimension of a build, and per query, document and dimension of a search, assumed where
#: nothing was measured.
ASSUMED_BUILD = 1e-6
ASSUMED_SEARCH = 1e-9


@dataclass(frozen=True)
class Times:
    """What was measured before.

    Attributes:
        build: method → seconds per document and dimension.
        search: method → seconds per query, document and dimension.
    """

    build: Mapping[str, float]
    search: Mapping[str, float]

    def seconds(self, method: str, documents: int, dimension: int, searches: int) -> float:
        """Of one build and `searches` queries, all repeats included: linear in documents and dimension."""
        build, search = self.build.get(method, ASSUMED_BUILD), self.search.get(method, ASSUMED_SEARCH)
        return documents * dimension * (build + searches * search)


def measured(results_dir: Path) -> Times:
    """Times of the results that exist; the median where there are several."""
    build: dict[str, list[float]] = {}
    search: dict[str, list[float]] = {}
    try:
        records = read(results_dir)
    except UserError:
        records = []
    for record in records:
        size = (record.documents or 0) * (record.dimension or 0)
        if record.status == "ok" and size:
            build.setdefault(record.instance, []).append((record.build_seconds or 0.0) / size)
            search.setdefault(record.instance, []).append((record.seconds_per_query or 0.0) / size)
    return Times(_medians(build), _medians(search))


def duration(jobs: Sequence[Job], sets: Mapping[str, EmbeddingSet], results_dir: Path) -> tuple[float, int]:
    """Seconds that `jobs` will take one after another, and how many of them are of methods never measured before."""
    if not jobs:
        return 0.0, 0
    times = measured(results_dir)
    seconds = 0.0
    for job in jobs:
        count, dimension = sets[job.set_name].train.shape
        searches = len(job.query_arguments()) * (job.runs + 1) * len(sets[job.set_name].test)
        seconds += times.seconds(job.instance, job.documents or count, dimension, searches)
    return seconds, sum(job.instance not in times.build for job in jobs)


def told(seconds: float) -> str:
    """`seconds` as people say it."""
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _medians(values: Mapping[str, Iterable[float]]) -> dict[str, float]:
    return {name: statistics.median(seen) for name, seen in values.items()}
