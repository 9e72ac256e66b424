"""Result files as h5py reads them: what tests hold the package's own reader against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

#: The attributes that the version before wrote, with figures in files beside the result.
SCHEMA_1 = {
    *("algo", "name", "instance", "dataset", "distance", "count", "batch_mode", "run_count", "expect_extra"),
    *("parameters", "query_arguments", "scoring", "seed", "threads", "parallel_jobs", "hypotheses", "inputs"),
    *("set_fingerprint", "schema_version", "provenance", "status", "reason", "documents", "queries", "dimension"),
    *("best_search_time", "build_time", "index_size", "candidates"),
}
#: The same of results with answers only.
SCHEMA_1_OK = {
    *("queries_per_second", "latency", "noop_overhead", "train_seconds", "index_bytes", "footprint"),
    *("peak_memory_bytes", "facts"),
}


def as_schema_1(path: Path) -> None:
    """Take from the result at `path` what the version before did not write."""
    with h5py.File(path, "a") as file:
        known = SCHEMA_1 | (SCHEMA_1_OK if file.attrs["status"] == "ok" else set())
        assert known <= set(file.attrs)
        for name in set(file.attrs) - known:
            del file.attrs[name]
        if "figures" in file:
            del file["figures"]
        file.attrs["schema_version"] = 1


class Raw:
    """The attributes of a result file, JSON decoded, and its arrays."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with h5py.File(path) as file:
            self.attributes = {name: _plain(value) for name, value in file.attrs.items()}

    def __getitem__(self, name: str) -> Any:
        return self.attributes[name]

    @property
    def status(self) -> str:
        return str(self["status"])

    def array(self, name: str) -> np.ndarray:
        with h5py.File(self.path) as file:
            return np.asarray(file[name][:])

    @property
    def neighbors(self) -> np.ndarray:
        return self.array("neighbors")

    @property
    def distances(self) -> np.ndarray:
        return self.array("distances")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, str) and value[:1] in ("{", "["):
        return json.loads(value)
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value
