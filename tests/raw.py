"""Result files as h5py reads them: what tests hold the package's own reader against."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np


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
