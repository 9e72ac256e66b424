"""The table of all methods, written from the registry."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

from binbench.plugins.registry import ALGORITHMS, Family
from binbench.sets.neighbors import DISTANCES

_HEAD = """# Methods

Written from the registry by `binbench.report.methods.methods_markdown`; a test keeps it so. Symmetric: a query's code
meets a document's code; asymmetric: the float query does. Query arguments are varied over one and the same index.

| method | default instances | scoring | ranks by | query arguments | what it does, and what it stores |
|---|---|---|---|---|---|
"""


def methods_markdown() -> str:
    """A Markdown document with one row for each of the package's own families, sorted by name."""
    ours = (family for family in ALGORITHMS.families() if family.plugin.__module__.startswith("binbench.algorithms."))
    return _HEAD + "".join(f"| {' | '.join(_cells(family))} |\n" for family in ours)


def _cells(family: Family) -> Iterator[str]:
    yield f"`{family.pattern}`"
    yield ", ".join(f"`{instance.name}`" for instance in family.instances())
    yield getattr(family.plugin, "scoring", "")
    yield ", ".join(metric for metric, distance in DISTANCES.items() if distance in family.plugin.metrics)
    grid = getattr(family.plugin, "query_grid", {})
    yield "; ".join(f"`{name}` {', '.join(map(str, values))}" for name, values in grid.items()) or "–"
    yield re.sub(r"\s+", " ", inspect.getdoc(family.plugin) or "").replace("|", "\\|")
