"""What is to be measured: one job is one instance on one set, at one k, in one mode, with one seed."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from binbench.plugins.identity import code_identity
from binbench.plugins.registry import ALGORITHMS

Mode = Literal["batch", "single"]

#: Raised when stored results can no longer be compared with fresh ones.
RESULT_SCHEMA = 2


@dataclass(frozen=True)
class Job:
    """One job; everything a worker needs to know, as plain values.

    Attributes:
        set_path: the embedding set's file.
        set_name: names the folder of results.
        set_fingerprint: of its vectors.
        instance: name of the algorithm instance.
        count: neighbours asked for (k).
        mode: ``batch`` (all queries in one call) or ``single`` (one call per query).
        seed: for everything random in the method.
        runs: timed repeats.
        threads: for the numeric libraries.
        parallel: jobs that may run at the same time.
        results_dir: root of the result files.
        plugins: plugin files to load first.
        hypotheses: ids such as ``H1`` that travel with the result.
        command: the command line that asked for it.
    """

    set_path: str
    set_name: str
    set_fingerprint: str
    instance: str
    count: int
    mode: Mode = "batch"
    seed: int = 0
    runs: int = 5
    threads: int = 1
    parallel: int = 1
    results_dir: str = "results"
    plugins: tuple[str, ...] = ()
    hypotheses: tuple[str, ...] = ()
    command: str = ""

    def query_arguments(self) -> list[dict[str, Any]]:
        """Every combination of the plugin's query-time arguments; one result each."""
        grid = ALGORITHMS.get(self.instance).family.plugin.query_grid
        return [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]

    def path(self, arguments: dict[str, Any]) -> Path:
        """The result file of this job under `arguments`: the one place that names it."""
        family = ALGORITHMS.get(self.instance).family.name
        folder = family + ("-batch" if self.mode == "batch" else "")
        named = [f"{key}={json.dumps(arguments[key])}" for key in sorted(arguments)]
        stem = "_".join([self.instance, *(quote(text, safe="=") for text in named), f"seed={self.seed}"])
        if len(stem) > 200:
            stem = f"{stem[:160]}-{hashlib.sha256(stem.encode()).hexdigest()[:24]}"
        return Path(self.results_dir) / self.set_name / str(self.count) / folder / f"{stem}.hdf5"

    def inputs(self, arguments: dict[str, Any]) -> str:
        """A hash of everything a result depends on; a stored result with another one is stale."""
        instance = ALGORITHMS.get(self.instance)
        facts = {
            "schema": RESULT_SCHEMA,
            "set": self.set_fingerprint,
            "parameters": instance.parameters,
            "arguments": arguments,
            "code": code_identity(instance.family.plugin),
            "count": self.count,
            "mode": self.mode,
            "seed": self.seed,
            "runs": self.runs,
            "threads": self.threads,
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()

    def to_json(self) -> str:
        """One line of JSON, for a worker."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Job:
        """The inverse of :meth:`to_json`."""
        fields = json.loads(line)
        return cls(**{**fields, "plugins": tuple(fields["plugins"]), "hypotheses": tuple(fields["hypotheses"])})
