"""The benchmark suites lie outside the package; these fixtures import them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import faiss
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def suite() -> Iterator[Callable[[str], Any]]:
    """A module of `benchmarks` by its name."""
    sys.path.append(str(ROOT))
    usual = faiss.cvar.distance_compute_blas_threshold
    # As benchmarks.data sets it where it is first imported; other tests of this process expect faiss as it comes.
    faiss.cvar.distance_compute_blas_threshold = 20
    yield lambda name: importlib.import_module(f"benchmarks.{name}")
    faiss.cvar.distance_compute_blas_threshold = usual
    sys.path.remove(str(ROOT))
