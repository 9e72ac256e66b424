"""Result files: ann-benchmarks' members and attributes, and ours on top."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.files import atomic
from binbench.harness.jobs import RESULT_SCHEMA, Job
from binbench.plugins.registry import ALGORITHMS
from binbench.provenance import circumstances

Status = Literal["ok", "failed", "skipped", "timeout", "out-of-memory"]

#: Attributes stored as JSON text, because they hold more than one value.
_JSON = ("parameters", "query_arguments", "footprint", "facts", "provenance", "hypotheses", "latency", "noop_overhead")


@dataclass(frozen=True)
class Result:
    """A stored result, opened for reading.

    Attributes:
        path: its file.
        attributes: root attributes, the JSON ones decoded.
    """

    path: Path
    attributes: dict[str, Any] = field(repr=False)

    @classmethod
    def open(cls, path: Path) -> Result:
        """Open the result at `path`.

        Raises:
            UserError: it cannot be read.
        """
        import h5py

        try:
            with h5py.File(path, "r") as file:
                attributes = {k: v.item() if isinstance(v, np.generic) else v for k, v in file.attrs.items()}
        except OSError as error:
            raise UserError(f"{path} is not a readable result file; delete it and run again") from error
        for key in _JSON:
            if key in attributes:
                attributes[key] = json.loads(attributes[key])
        return cls(path, attributes)

    def __getitem__(self, name: str) -> Any:
        return self.attributes[name]

    def array(self, name: str) -> NDArray[Any] | None:
        """A stored member, or None."""
        import h5py

        with h5py.File(self.path, "r") as file:
            return file[name][:] if name in file else None

    @cached_property
    def neighbors(self) -> NDArray[np.int32]:
        """(Q, k) int32 returned rows, padded with -1."""
        found = self.array("neighbors")
        assert found is not None
        return found

    @cached_property
    def distances(self) -> NDArray[np.float32]:
        """(Q, k) float32 true distances of the returned rows, padded with inf."""
        found = self.array("distances")
        assert found is not None
        return found

    @property
    def status(self) -> Status:
        """How the run ended."""
        return self.attributes.get("status", "ok")


def results_under(folder: Path) -> Iterator[Result]:
    """Every result below `folder`, in the order of their paths."""
    for path in sorted(folder.rglob("*.hdf5")):
        if not path.name.startswith("."):
            yield Result.open(path)


def write_result(job: Job, arguments: dict[str, Any], attributes: dict[str, Any], arrays: dict[str, Any]) -> Path:
    """Write the result of `job` under `arguments`, whole or not at all.

    `attributes` and `arrays` are what was measured; what follows from the job and the machine is added here.
    """
    import h5py

    instance = ALGORITHMS.get(job.instance)
    path = job.path(arguments)
    suffix = "".join(f" {key}={value}" for key, value in arguments.items())
    everything = {
        "algo": instance.family.name,
        "name": job.instance + suffix,
        "instance": job.instance,
        "dataset": job.set_name,
        "count": job.count,
        "batch_mode": job.mode == "batch",
        "run_count": job.runs,
        "expect_extra": False,
        "parameters": instance.parameters,
        "query_arguments": arguments,
        "scoring": instance.family.plugin.scoring,
        "seed": job.seed or 0,
        "seeded": instance.seeded,
        "threads": job.threads,
        "parallel_jobs": job.parallel,
        "hypotheses": list(job.hypotheses),
        "inputs": job.inputs(arguments),
        "set_fingerprint": job.set_fingerprint,
        "schema_version": RESULT_SCHEMA,
        "provenance": circumstances() | {"command": job.command},
    } | attributes
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        for name, array in arrays.items():
            file.create_dataset(name, data=array)
        for key, value in everything.items():
            file.attrs[key] = json.dumps(value, sort_keys=True, default=str) if key in _JSON else value
    return path


def write_failure(
    job: Job, arguments: dict[str, Any], status: Status, reason: str, queries: int, distance: str
) -> Path:
    """Record that `job` gave no answer; shaped so that readers of good results can read it too."""
    attributes = {
        "status": status,
        "reason": reason,
        "distance": distance,
        "best_search_time": np.inf,
        "build_time": 0.0,
        "index_size": 0.0,
        "candidates": 0.0,
    }
    shape = queries, job.count
    arrays = {
        "times": np.zeros(queries, np.float32),
        "neighbors": np.full(shape, -1, np.int32),
        "distances": np.full(shape, np.inf, np.float32),
    }
    return write_result(job, arguments, attributes, arrays)
