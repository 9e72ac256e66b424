"""What the size of a corpus does to the figures: nested subsets of the largest set, and PQ trained on another half."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.harness.run import Outcome, plan_set, run
from binbench.measures.bootstrap import seeds_ci
from binbench.plugins.faiss_index import FaissAlgorithm, blas_distances, blocks
from binbench.plugins.registry import ALGORITHMS
from binbench.records import Record, read
from binbench.report.render import Table
from binbench.study import plots as draw
from binbench.study.experiment import Plot
from binbench.study.rows import Estimate, SetRow
from binbench.study.study import Study, StudySet
from binbench.study.tables import estimate, listing, number, table
from binbench.study.thresholds import HALVED, LONG_BITS, LONG_PQ

SMALLEST, CLEARLY_LESS = 1000, 0.8
PQ, BINARY = LONG_PQ[0], f"binary{LONG_BITS[0]}"
#: Of these, what a campaign asks for on its largest set is measured on the subsets too.
SHOWN = ("int8", "int4", "sign", PQ, BINARY)
#: Raised when halves are judged otherwise; queries asked of them, seeded.
SCHEMA, QUERIES = 1, 500

Recalls = Mapping[int, Estimate]


@dataclass(frozen=True)
class Curve:
    """recall@10 of methods on nested subsets of a set and on all of it, by the number of documents."""

    set: str
    methods: Mapping[str, Recalls]

    @property
    def sizes(self) -> list[int]:
        """The numbers of documents, ascending."""
        return sorted({size for recalls in self.methods.values() for size in recalls})

    def ratio(self, size: int) -> float | None:
        """`binary` over PQ at equal bytes."""
        ours, theirs = (self.methods.get(name, {}).get(size) for name in (BINARY, PQ))
        return ours.value / theirs.value if ours and theirs and theirs.value else None


@dataclass(frozen=True, kw_only=True)
class Halves:
    """recall@10 of PQ on one half of the documents, with codebooks trained on that half and on the other."""

    own: float
    other: float


@dataclass(frozen=True, kw_only=True)
class HalvedSet(SetRow, Halves):
    """A set, and what its codebooks owe to having seen what they encode."""


def measure_subsets(study: Study, force: bool = False) -> Outcome:
    """Run what is missing on nested subsets of the campaign's largest set."""
    entry = _largest(study)
    if entry is None or not (sizes := _sizes(entry)):
        return Outcome()
    options = study.campaign.options(study.results_dir, force).model_copy(update={"documents": sizes})
    return run([entry.preparation], _methods(study, entry), options)


def curve(study: Study) -> Curve | None:
    """What is stored of the subsets; None where there is nothing, say because the largest set is too small."""
    entry = _largest(study)
    if entry is None or not (sizes := _sizes(entry)):
        return None
    options = study.campaign.options(study.results_dir).model_copy(update={"documents": (*sizes, "all")})
    planned = plan_set(entry.vectors, _methods(study, entry), options)
    paths = [
        path for one in planned if one.state == "done" and one.job.mode == options.modes[0] for path in one.results
    ]
    held: dict[tuple[str, int], list[Record]] = {}
    for record in read(study.results_dir, paths) if paths else []:
        if record.status == "ok" and record.instance in SHOWN:
            held.setdefault((record.method, record.documents or 0), []).append(record)
    found: dict[str, dict[int, Estimate]] = {}
    for (method, size), records in held.items():
        values = [own for record in records if (own := record.values("recall@10")) is not None]
        if values and (recall := Estimate.of(seeds_ci(np.stack(values)))):
            found.setdefault(method, {})[size] = recall
    if not found:
        return None
    return Curve(entry.name, {name: dict(sorted(found[name].items())) for name in SHOWN if name in found})


def _largest(study: Study) -> StudySet | None:
    return max(study.sets, key=lambda entry: len(entry.vectors.train), default=None)


def _sizes(entry: StudySet) -> tuple[int, ...]:
    """1,000 documents, doubled as long as that is clearly less than the set."""
    doublings = range(int(CLEARLY_LESS * len(entry.vectors.train) / SMALLEST).bit_length())
    return tuple(SMALLEST << i for i in doublings)


def _methods(study: Study, entry: StudySet) -> list[str]:
    campaign = study.campaign
    asked = {
        instance.name
        for tier in campaign.tiers
        if any(one.path == entry.preparation.path for one in campaign.preparations(tier, study.data_dir))
        for instance in ALGORITHMS.resolve(tier.algorithms)
    }
    return [name for name in SHOWN if name in asked]


def halves(study: Study) -> list[HalvedSet]:
    """PQ on every set that is large enough, angular, and has results of it; measured once."""
    found = []
    for entry in study.sets:
        if len(entry.vectors.train) < HALVED or entry.vectors.distance != "angular" or PQ not in entry.records:
            continue
        record = entry.records[PQ][0]
        key = {"inputs": record.inputs, "schema": SCHEMA, "queries": QUERIES}
        measure = partial(half_trained, entry.vectors.train, entry.vectors.test, threads=record.threads)
        found.append(HalvedSet(**entry.labels(), **vars(study.cached("halves", key, Halves, measure))))
    return found


def half_trained(
    train: NDArray[np.float32], test: NDArray[np.float32], seed: int = 0, threads: int = 1, method: str = PQ
) -> Halves:
    """recall@10 among one seeded half of `train` (N, d), of unit length, for a seeded sample of `test` (Q, d)."""
    from threadpoolctl import threadpool_limits

    rng = Generator(PCG64(seed))
    order = rng.permutation(len(train))
    base, others = (train[np.sort(rows)] for rows in np.array_split(order, 2))
    queries = test[np.sort(rng.choice(len(test), min(QUERIES, len(test)), replace=False))]
    found = []
    with threadpool_limits(threads), blas_distances():
        scores = queries @ base.T
        least = np.partition(scores, -10, axis=1)[:, -10:].min(axis=1)
        for learned in (base, others):
            algorithm = ALGORITHMS.get(method).create(dimension=train.shape[1], seed=seed)
            assert isinstance(algorithm, FaissAlgorithm)
            algorithm.index_ = algorithm.build()
            algorithm.train_index(algorithm.index_, learned)
            for block in blocks(base):
                algorithm.add(algorithm.index_, algorithm.transformed(block))
            ids, _ = algorithm.query(queries, 10)
            found.append(float((np.take_along_axis(scores, ids, axis=1) >= least[:, None] - 1e-6).mean()))
    return Halves(own=found[0], other=found[1])


def curve_table(found: Curve) -> Table:
    """A line per number of documents."""
    lines = [
        [
            f"{size:,}",
            *(estimate(recalls.get(size)) for recalls in found.methods.values()),
            number(found.ratio(size), ".2f"),
        ]
        for size in found.sizes
    ]
    header = ("documents", *found.methods, f"{BINARY} ÷ {PQ}")
    return table(f"recall@10 on nested random subsets of {found.set} [95 % CI]", header, lines)


def halves_table(found: Sequence[HalvedSet]) -> Table:
    """A line per set."""
    return listing(
        f"{PQ} on one half of the documents, recall@10",
        found,
        {
            "set": lambda row: row.set,
            "trained on that half": lambda row: number(row.own),
            "trained on the other": lambda row: number(row.other),
            "difference": lambda row: number(row.own - row.other, "+.3f"),
        },
    )


def curve_plot(found: Curve, path: Path) -> Plot:
    """recall@10 against the number of documents."""
    return draw.curves(
        path,
        {name: ([*recalls], [one.value for one in recalls.values()]) for name, recalls in found.methods.items()},
        ("documents", "recall@10 against float"),
        f"recall@10 on nested random subsets of {found.set}, by their size.",
        log_x=True,
        unit_y=True,
        ticks=found.sizes,
    )
