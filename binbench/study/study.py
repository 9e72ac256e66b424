"""What a campaign asks for beside what is there of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

from binbench.files import atomic
from binbench.harness.config import spelt_out
from binbench.harness.run import plan_set
from binbench.measures.comparison import Comparison
from binbench.measures.comparison import compare as paired
from binbench.plugins.registry import ALGORITHMS
from binbench.records import Record, compare, read
from binbench.records.typed import adapter
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.encoders import encoder_name, is_embedding_model
from binbench.sets.prepare import Preparation
from binbench.study.campaign import StudyCampaign
from binbench.study.experiment import Experiment, hashed, load, restored

F = TypeVar("F")


class Labels(TypedDict):
    """What every row about a set begins with."""

    set: str
    dataset: str
    encoder: str
    tier: int
    counted: bool


@dataclass
class StudySet:
    """One (dataset, encoder) pair of a campaign.

    Attributes:
        tier: the first that asks for it.
        preparation: what makes it.
        embeddings: None where it is not made yet.
        records: method name (with query-time arguments) → its good results, one per seed.
        singles: those that answered one query at a time where the campaign asks for batches too.
        failed: instances whose stored result is neither ok nor skipped → their line of `troubles`.
        troubles: jobs without a good result, one line each.
        jobs: per tier, how many jobs are asked for and how many are settled (ok or skipped).
    """

    tier: int
    preparation: Preparation
    embeddings: EmbeddingSet | None
    records: dict[str, list[Record]] = field(default_factory=dict)
    singles: dict[str, list[Record]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    jobs: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The embedding set's name."""
        return self.embeddings.name if self.embeddings else self.preparation.path.stem

    @property
    def dataset(self) -> str:
        """The collection."""
        return str(self.attributes.get("dataset") or self.preparation.dataset)

    @property
    def encoder(self) -> str:
        """The encoder's name; a dash for vectors that came without one."""
        return encoder_name(self._encoder_spec) if self._encoder_spec else "–"

    @property
    def counted(self) -> bool:
        """Whether bands and switches may rest on it: its vectors are those of a trained embedding model."""
        return bool(self._encoder_spec) and is_embedding_model(self._encoder_spec)

    @property
    def _encoder_spec(self) -> str:
        """Empty for vectors that came without one."""
        if self.embeddings:
            return str(self.attributes.get("encoder_spec", ""))
        return self.preparation.encoder.spec if self.preparation.origin.needs_encoder else ""

    @property
    def vectors(self) -> EmbeddingSet:
        """The embedding set, which must be there."""
        assert self.embeddings is not None
        return self.embeddings

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Those of the embedding set; none where it is not there."""
        return self.embeddings.attributes if self.embeddings else {}

    @property
    def device(self) -> str:
        """What computed the vectors."""
        return str(self.attributes.get("device_name", ""))

    @property
    def hours(self) -> dict[str, float]:
        """Spent on documents and queries, by device, replaced encodings included; empty where none is known."""
        spent = dict(self.attributes.get("earlier_encodings", {}))
        if (seconds := self.attributes.get("encode_seconds")) is not None:
            last = seconds + self.attributes.get("query_encode_seconds", 0.0)
            spent[self.device] = spent.get(self.device, 0.0) + last
        return {device: seconds / 3600 for device, seconds in spent.items()}

    def labels(self) -> Labels:
        """What every row about this set begins with."""
        return Labels(set=self.name, dataset=self.dataset, encoder=self.encoder, tier=self.tier, counted=self.counted)

    def values(self, method: str, measure: str) -> NDArray[np.float64] | None:
        """(S, Q) per-query values, a row for each seed; None where the measure does not apply."""
        kept = [values for record in self.records[method] if (values := record.values(measure)) is not None]
        return np.stack(kept) if kept else None

    def mean(self, method: str, measure: str) -> float | None:
        """The mean over queries and seeds; None where method or measure are not there."""
        kept = self.means(method, measure)
        return float(np.mean(kept)) if kept else None

    def means(self, method: str, measure: str) -> list[float]:
        """The mean over queries of each seed that has one."""
        return [mean for record in self.records.get(method, []) if (mean := record.mean(measure)) is not None]

    def median(self, method: str, value: Callable[[Record], float | None]) -> float:
        """The median of `value` over the seeds; NaN where a seed has none."""
        return float(np.median(np.array([value(record) for record in self.records[method]], dtype=np.float64)))

    def contrast(self, a: str, b: str, measure: str) -> Comparison | None:
        """Method `a` against method `b` query by query, over their seeds; None where either has no such measure."""
        if self.mean(a, measure) is None or self.mean(b, measure) is None:
            return None
        if len(self.records[a]) == len(self.records[b]) == 1:
            return compare(self.records[a][0], self.records[b][0], measure)
        ours, theirs = self.values(a, measure), self.values(b, measure)
        return None if ours is None or theirs is None else paired(ours, theirs)

    def inputs(self, results_dir: Path) -> dict[str, str]:
        """The set and its results, each with a hash of what figures are computed from."""
        found = {self.name: hashed(f"{self.labels()} {dict(self.attributes)} {self.troubles}")}
        for record in (one for held in (self.records, self.singles) for same in held.values() for one in same):
            answers = record.figures.key if record.figures else ""
            told = f"{record.inputs} {answers} {record.provenance.get('date')}"
            found[record.path.relative_to(results_dir.resolve()).as_posix()] = hashed(told)
        return found


@dataclass
class Study:
    """A campaign with its artefacts.

    Attributes:
        campaign: what is asked for.
        data_dir, results_dir: where embedding sets and results live.
        folder: where the study's own files go.
    """

    campaign: StudyCampaign
    data_dir: Path
    results_dir: Path
    folder: Path

    @cached_property
    def asked(self) -> list[StudySet]:
        """Every pair of the campaign, in tier order."""
        found: dict[Path, StudySet] = {}
        options = self.campaign.options(self.results_dir)
        for tier in self.campaign.tiers:
            for preparation in self.campaign.preparations(tier, self.data_dir):
                entry = found.setdefault(preparation.path, StudySet(tier.number, preparation, preparation.find()))
                _collect(entry, tier.number, tier.algorithms, options)
        return list(found.values())

    @cached_property
    def sets(self) -> list[StudySet]:
        """The pairs whose embedding set is there."""
        return [entry for entry in self.asked if entry.embeddings]

    @cached_property
    def inputs(self) -> dict[str, str]:
        """What experiments are computed from, each with a hash: the campaign, the sets, the results by their files."""
        found = {"campaign": hashed(f"{self.campaign.known_as} {spelt_out(self.campaign)}")}
        for entry in self.asked:
            found |= entry.inputs(self.results_dir)
        return found

    @cached_property
    def _measured(self) -> dict[str, Any]:
        return {}

    def figures(self, of: type[Experiment[F]]) -> F:
        """The figures of the experiment `of`, measured once."""
        return self.once(of.id, lambda: restored(load(of.id).measure(self)))

    def once(self, name: str, compute: Callable[[], F]) -> F:
        """What `compute` gives, kept in memory under `name`."""
        if name not in self._measured:
            self._measured[name] = compute()
        found: F = self._measured[name]
        return found

    def progress(self, tier: int) -> tuple[int, int]:
        """How many jobs of `tier` are asked for, and how many are settled."""
        counts = [entry.jobs.get(tier, (0, 0)) for entry in self.asked]
        return sum(asked for asked, _ in counts), sum(settled for _, settled in counts)

    def cached(self, name: str, key: dict[str, Any], kind: type[F], compute: Callable[[], F]) -> F:
        """What `compute` gives, of the type `kind`, kept as JSON in the study's folder under `name` and `key`."""
        digest = hashed(json.dumps(key, sort_keys=True))
        path, stored = self.folder / "cache" / f"{name}-{digest}.json", adapter(kind)
        try:
            found: F = stored.validate_json(path.read_bytes())
        except (OSError, ValueError):
            found = compute()
            with atomic(path) as temporary:
                temporary.write_bytes(stored.dump_json(found))
        return found


def _collect(entry: StudySet, tier: int, algorithms: tuple[str, ...], options: Any) -> None:
    """Add what is there of `algorithms` to `entry`."""
    asked, settled = entry.jobs.get(tier, (0, 0))
    if entry.embeddings is None:
        instances = {instance.name: instance for instance in ALGORITHMS.resolve(("float", *algorithms))}
        seeds = sum(len(options.seeds_for(instance)) for instance in instances.values())
        entry.jobs[tier] = asked + seeds * len(options.modes), settled
        entry.troubles.append("not prepared")
        return
    known = {record.path for held in (entry.records, entry.singles) for same in held.values() for record in same}
    paths: list[Path] = []
    for planned in plan_set(entry.embeddings, algorithms, options):
        asked += 1
        job = planned.job
        if planned.state != "done":
            which = job.mode if job.seed is None else f"seed {job.seed}, {job.mode}"
            entry.troubles.append(f"{job.instance} ({which}): {planned.state}")
            if planned.state == "failed before":
                entry.failed[job.instance] = entry.troubles[-1]
            continue
        settled += 1
        paths += [path for path in planned.results if path not in known]
    for record in read(options.results_dir, paths) if paths else []:
        if record.status == "ok":
            held = entry.records if record.mode == options.modes[0] else entry.singles
            held.setdefault(record.method, []).append(record)
        else:
            entry.troubles.append(f"{record.method}: {record.status}: {record.reason}")
    entry.jobs[tier] = asked, settled
    entry.troubles = list(dict.fromkeys(entry.troubles))
