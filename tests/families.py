"""One method of every family that the package registers."""

from __future__ import annotations

from functools import cache

from binbench import Unsupported
from binbench.plugins.registry import ALGORITHMS


@cache
def one_of_each(dimension: int = 64) -> dict[str, str]:
    """Family → the first of its default instances that serves `dimension`; those that lack a library are left out."""
    found: dict[str, str] = {}
    for family in ALGORITHMS.families():
        for instance in family.instances() if family.plugin.__module__.startswith("binbench.algorithms.") else ():
            try:
                instance.create(dimension=dimension, seed=0, metric="angular")
            except Unsupported:
                continue
            found.setdefault(family.name, instance.name)
    return found
