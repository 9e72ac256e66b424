"""What a campaign would cost, before anything is spent."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace
from pathlib import Path

from binbench.errors import UserError
from binbench.harness.estimate import Times
from binbench.harness.estimate import measured as measured_times
from binbench.plugins.registry import ALGORITHMS
from binbench.report.render import Table
from binbench.sets.embeddings import NEIGHBORS, EmbeddingSet
from binbench.sets.encoders import encoder_name
from binbench.study.study import Study, StudySet
from binbench.study.tables import listing, number

#: Documents per second on the reference device, assumed where nothing was measured and the encoder does not say.
ASSUMED_RATE = 500.0
#: A result stores ids, distances and scores of 4 bytes each.
_BYTES_PER_NEIGHBOR = 12


@dataclass(frozen=True)
class Planned:
    """One set of the campaign.

    Attributes:
        set, tier: which.
        state: ``there`` or ``to make``.
        documents, queries, dimension: sizes; None where they are not known before the set is made.
        jobs: to run, of all.
        disk: bytes still to be written.
        embedding_hours, run_hours: still to be spent; None where the sizes are not known.
        rate: documents per second, and where that comes from.
    """

    set: str
    tier: int
    state: str
    documents: int | None
    queries: int | None
    dimension: int | None
    jobs: tuple[int, int]
    disk: int | None
    embedding_hours: float | None
    run_hours: float | None
    rate: str


@dataclass(frozen=True)
class Rates:
    """What was measured before.

    Attributes:
        encoding: encoder → documents per second, and its source.
        times: of methods.
    """

    encoding: dict[str, tuple[float, str]]
    times: Times


def plan(study: Study) -> list[Planned]:
    """Every set of the campaign with its cost; nothing is prepared or run."""
    rates = measured(study.data_dir, study.results_dir)
    return [_planned(study, entry, rates) for entry in study.asked]


def measured(data_dir: Path, results_dir: Path) -> Rates:
    """Rates from the embedding sets and results that exist; the median where there are several."""
    speeds: dict[str, list[tuple[float, str]]] = {}
    for path in sorted(data_dir.glob("*.hdf5")) if data_dir.is_dir() else []:
        try:
            found = EmbeddingSet.open(path).attributes
        except UserError:
            continue
        rate, spec = found.get("documents_per_second"), found.get("encoder_spec")
        if rate and spec:
            speeds.setdefault(encoder_name(spec), []).append((float(rate), str(found.get("device_name", ""))))
    encoding = {}
    for name, seen in speeds.items():
        rate = statistics.median(value for value, _ in seen)
        encoding[name] = rate, f"measured on {', '.join(sorted({device for _, device in seen}))}, {len(seen)} sets"
    return Rates(encoding, measured_times(results_dir))


def _planned(study: Study, entry: StudySet, rates: Rates) -> Planned:
    sizes = _sizes(study, entry)
    asked, settled = (sum(counts) for counts in zip(*entry.jobs.values(), strict=True))
    methods = _methods(study, entry)
    rate, source = rates.encoding.get(
        entry.encoder, (entry.preparation.encoder.rate or ASSUMED_RATE, "assumed for the reference device")
    )
    state = "there" if entry.embeddings else "to make"
    known = f"{rate:,.0f}/s, {source}"
    jobs = asked - settled
    row = Planned(entry.name, entry.tier, state, *sizes, (jobs, asked), None, None, None, known)
    if None in sizes:
        return row
    n, q, d = (size or 0 for size in sizes)
    seconds = sum(rates.times.seconds(name, n, d, q * (study.campaign.runs + 1)) for name, _ in methods)
    names = {name for name, _ in methods}
    if unmeasured := names - set(rates.times.build):
        known += f"; times of {len(unmeasured)} of {len(names)} methods assumed"
    disk = jobs * q * min(NEIGHBORS, n) * _BYTES_PER_NEIGHBOR
    hours = jobs / max(1, asked) * seconds / 3600
    if entry.embeddings:
        return replace(row, disk=disk, embedding_hours=0.0, run_hours=hours, rate=known)
    disk += 4 * d * (n + q) + 8 * NEIGHBORS * q
    embedding = (n + q) / rate / 3600 if entry.preparation.origin.needs_encoder else 0.0
    return replace(row, disk=disk, embedding_hours=embedding, run_hours=hours, rate=known)


def _methods(study: Study, entry: StudySet) -> set[tuple[str, int | None]]:
    """The methods that any tier asks for on this set, with their seeds."""
    campaign = study.campaign
    return {
        (instance.name, seed)
        for tier in campaign.tiers
        if any(p.path == entry.preparation.path for p in campaign.preparations(tier, study.data_dir))
        for instance in ALGORITHMS.resolve(("float", *tier.algorithms))
        for seed in campaign.seeds_for(instance)
    }


def _sizes(study: Study, entry: StudySet) -> tuple[int | None, int | None, int | None]:
    """Documents, queries and dimension, as far as they are known without loading anything large."""
    if entry.embeddings:
        return len(entry.vectors.train), len(entry.vectors.test), entry.vectors.train.shape[1]
    known = entry.preparation.origin.sizes()
    return known.documents, known.queries, known.dimension or entry.preparation.encoder.dimension


def plan_tables(study: Study, rows: list[Planned]) -> list[Table]:
    """The plan for people, with its sums; what matters least stands last, where a narrow terminal has no room."""
    made = listing(
        f"Campaign {study.campaign.name}: what would run",
        rows,
        {
            "set": lambda row: row.set,
            "state": lambda row: row.state,
            "jobs to run": lambda row: f"{row.jobs[0]} of {row.jobs[1]}",
            "runs h": lambda row: number(row.run_hours, ",.2f"),
            "embedding h": lambda row: number(row.embedding_hours, ",.2f"),
            "disk MB": lambda row: number(row.disk and row.disk / 1e6, ",.1f") if row.disk else number(row.disk, "d"),
            "vectors": lambda row: number(row.documents, ",d"),
            "queries": lambda row: number(row.queries, ",d"),
            "dimension": lambda row: number(row.dimension, "d"),
            "tier": lambda row: str(row.tier),
            "encoding rate": lambda row: row.rate,
        },
    )
    made.lines.append(
        [
            "all",
            "",
            f"{sum(row.jobs[0] for row in rows)} of {sum(row.jobs[1] for row in rows)}",
            f"{sum(row.run_hours or 0 for row in rows):,.2f}",
            f"{sum(row.embedding_hours or 0 for row in rows):,.2f}",
            f"{sum(row.disk or 0 for row in rows) / 1e6:,.1f}",
            f"{sum(row.documents or 0 for row in rows):,}",
            f"{sum(row.queries or 0 for row in rows):,}",
            "",
            "",
            "",
        ]
    )
    budgets = study.campaign.budgets
    made.notes.append(
        f"Budgets on the reference device ({study.campaign.reference_device}): embedding "
        f"{budgets.embedding_green:g} h, ground truth {budgets.ground_truth_green:g} CPU-h, "
        f"everything {budgets.study_cap:g} h. Hours of runs are linear in vectors, dimension and queries."
    )
    unknown = [row.set for row in rows if row.documents is None]
    if unknown:
        made.notes.append(f"Sizes not known before they are made, not in the sums: {', '.join(unknown)}")
    return [made]
