"""What a campaign asks for beside what is there of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.files import atomic
from binbench.harness.evaluation import evaluate
from binbench.harness.results import Result
from binbench.harness.run import plan_set
from binbench.plugins.registry import ALGORITHMS
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.encoders import encoder_name
from binbench.sets.prepare import Preparation
from binbench.study.campaign import StudyCampaign


@dataclass
class StudySet:
    """One (dataset, encoder) pair of a campaign.

    Attributes:
        tier: the first that asks for it.
        preparation: what makes it.
        embeddings: None where it is not made yet.
        results: method name (with query-time arguments) → its ok results, one per seed.
        troubles: jobs without an ok result, one line each.
        jobs: per tier, how many jobs are asked for and how many are settled (ok or skipped).
    """

    tier: int
    preparation: Preparation
    embeddings: EmbeddingSet | None
    results: dict[str, list[Result]] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    jobs: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The embedding set's name."""
        return self.embeddings.name if self.embeddings else self.preparation.path.stem

    @property
    def dataset(self) -> str:
        """The collection."""
        return str((self.embeddings and self.embeddings.attributes.get("dataset")) or self.preparation.dataset)

    @property
    def encoder(self) -> str:
        """The encoder's name; a dash for vectors that came without one."""
        if self.embeddings is None:
            needed = self.preparation.origin.needs_encoder
            return encoder_name(self.preparation.encoder.spec) if needed else "–"
        spec = self.embeddings.attributes.get("encoder_spec")
        return encoder_name(spec) if spec else "–"

    @property
    def vectors(self) -> EmbeddingSet:
        """The embedding set, which must be there."""
        assert self.embeddings is not None
        return self.embeddings

    def labels(self) -> dict[str, Any]:
        """What every row about this set begins with."""
        return {"set": self.name, "dataset": self.dataset, "encoder": self.encoder, "tier": self.tier}

    def values(self, method: str, measure: str) -> NDArray[np.float64] | None:
        """(Q,) per-query values, averaged over the seeds; None where the measure does not apply."""
        found = [evaluate(result, self.vectors).values.get(measure) for result in self.results[method]]
        kept = [values for values in found if values is not None]
        return np.mean(kept, axis=0) if kept else None

    def mean(self, method: str, measure: str) -> float | None:
        """The mean over queries and seeds; None where method or measure are not there."""
        if method not in self.results:
            return None
        found = [evaluate(result, self.vectors).mean(measure) for result in self.results[method]]
        kept = [value for value in found if value is not None]
        return float(np.mean(kept)) if kept else None


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

    def progress(self, tier: int) -> tuple[int, int]:
        """How many jobs of `tier` are asked for, and how many are settled."""
        counts = [entry.jobs.get(tier, (0, 0)) for entry in self.asked]
        return sum(asked for asked, _ in counts), sum(settled for _, settled in counts)

    def cached(self, kind: str, key: dict[str, Any], compute: Callable[[], Any]) -> Any:
        """The JSON value that `compute` gives, kept in the study's folder under `kind` and `key`."""
        digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
        path = self.folder / "cache" / f"{kind}-{digest}.json"
        try:
            return json.loads(path.read_text())["value"]
        except (OSError, ValueError, KeyError):
            pass
        value = compute()
        with atomic(path) as temporary:
            temporary.write_text(json.dumps({"key": key, "value": value}))
        return json.loads(json.dumps(value))


def _collect(entry: StudySet, tier: int, algorithms: tuple[str, ...], options: Any) -> None:
    """Add what is there of `algorithms` to `entry`."""
    asked, settled = entry.jobs.get(tier, (0, 0))
    if entry.embeddings is None:
        names = {"float", *(instance.name for instance in ALGORITHMS.resolve(algorithms))}
        entry.jobs[tier] = asked + len(names) * len(options.modes) * len(options.seeds), settled
        entry.troubles.append("not prepared")
        return
    for planned in plan_set(entry.embeddings, algorithms, options):
        asked += 1
        job = planned.job
        if planned.state != "done":
            entry.troubles.append(f"{job.instance} (seed {job.seed}, {job.mode}): {planned.state}")
            continue
        settled += 1
        if job.mode != options.modes[0]:
            continue
        for path in planned.results:
            result = Result.open(path)
            if result.status == "ok":
                known = entry.results.setdefault(result["name"], [])
                if all(other.path != path for other in known):
                    known.append(result)
            else:
                entry.troubles.append(f"{result['name']}: {result.status}: {result['reason']}")
    entry.jobs[tier] = asked, settled
    entry.troubles = list(dict.fromkeys(entry.troubles))
