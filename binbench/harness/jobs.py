"""What is to be measured: one job is one instance on one set, at one k, in one mode, with one seed."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from binbench.harness.options import Conditions, Count, Mode, Seed, shown
from binbench.plugins.identity import code_identity
from binbench.plugins.registry import ALGORITHMS

#: Raised when stored results can no longer be compared with fresh ones.
RESULT_SCHEMA = 2


class Job(Conditions):
    """One job; everything a worker needs to know, as plain values.

    Attributes:
        set_path: the embedding set's file.
        set_name: names the folder of results.
        set_fingerprint: of its vectors.
        instance: name of the algorithm instance.
        count: neighbours asked for (k).
        documents: how many of the set's; None for all.
        sample: names which ones, in a subset; see :mod:`binbench.sets.subsets`.
        mode: ``batch`` (all queries in one call) or ``single`` (one call per query).
        seed: for everything random in the method; None where it takes none.
        parallel: jobs that may run at the same time.
        results_dir: root of the result files.
        plugins: plugin files to load first.
        hypotheses: ids such as ``H1`` that travel with the result.
        command: the command line that asked for it.
        code: identity of the method's code when the job was planned; empty for what it is now.
    """

    set_path: Path
    set_name: str
    set_fingerprint: str
    instance: str
    count: Count
    documents: Count | None = None
    sample: str | None = None
    mode: Mode = "batch"
    seed: Seed | None = 0
    parallel: Count = 1
    results_dir: Path = Path("results")
    plugins: tuple[Path, ...] = ()
    hypotheses: tuple[str, ...] = ()
    command: str = ""
    code: str = ""

    def query_arguments(self) -> list[dict[str, Any]]:
        """Every combination of the plugin's query-time arguments as it works at this k; one result each."""
        instance = ALGORITHMS.get(self.instance)
        grid, effective = instance.query_grid, instance.family.plugin.effective
        asked = (dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values()))
        return list({str(found): found for one in asked for found in [effective(self.count, **one)]}.values())

    def path(self, arguments: dict[str, Any]) -> Path:
        """The result file of this job under `arguments`: the one place that names it.

        Below the folders for set, k and family with mode, the name tells the instance, its arguments, the seed, and
        those conditions that are not the default; a method without a seed lies where seed 0 would.
        """
        family = ALGORITHMS.get(self.instance).family.name
        folder = family + ("-batch" if self.mode == "batch" else "")
        conditions = {
            name: getattr(self, name)
            for name, field in (Conditions.model_fields | {"documents": Job.model_fields["documents"]}).items()
            if shown(field).in_place and getattr(self, name) != field.default
        }
        named = [*sorted(arguments.items()), ("seed", self.seed or 0), *conditions.items()]
        told = [quote(f"{key}={json.dumps(value)}", safe="=") for key, value in named]
        stem = "_".join([quote(self.instance, safe="@+"), *told])
        if len(stem) > 200:
            stem = f"{stem[:160]}-{hashlib.sha256(stem.encode()).hexdigest()[:24]}"
        return self.folder / str(self.count) / folder / f"{stem}.hdf5"

    @property
    def folder(self) -> Path:
        """Where results on the set lie, and the truth of its subsets."""
        return self.results_dir / self.set_name

    def inputs(self, arguments: dict[str, Any]) -> str:
        """A hash of everything a result depends on; a stored result with another one is stale."""
        instance = ALGORITHMS.get(self.instance)
        depends_on = {"set_fingerprint", "count", "documents", "sample", "mode", "seed", *Conditions.model_fields}
        facts = {
            "schema": RESULT_SCHEMA,
            "parameters": instance.parameters,
            "arguments": arguments,
            # Fixed when the job is planned: code that is edited while it runs must not be taken for what ran.
            "code": self.code or code_identity(instance.family.plugin),
            # A condition that is None is left out: a new one does not make all that was measured before it stale.
            **self.model_dump(mode="json", include=depends_on, exclude_none=True),
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()

    def to_json(self) -> str:
        """One line of JSON, for a worker."""
        return self.model_dump_json()

    @classmethod
    def from_json(cls, line: str) -> Job:
        """The inverse of :meth:`to_json`."""
        return cls.model_validate_json(line)
