"""Core code knows no dataset and no encoder by name: what it has to know of one, that one says itself."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from binbench.plugins.registry import DATASETS, ENCODERS

PACKAGE = Path(__file__).resolve().parents[2] / "binbench"

#: Examples in help texts, and figures that were published of certain sets: data, which decide nothing.
ALLOWED = {
    "cli/__init__.py": {"pydocs"},
    "harness/options.py": {"lsa"},
    # The encoder that is taken where none is named.
    "sets/__init__.py": {"all-MiniLM-L6-v2"},
    "cli/classify.py": {"pydocs"},
    "cli/demo.py": {"pydocs"},
    "cli/evaluate.py": {"scifact"},
    "cli/prepare.py": {"scifact", "all-MiniLM-L6-v2"},
    "cli/run.py": {"pydocs"},
    "cli/weights.py": {"all-MiniLM-L6-v2"},
    "cli/plot.py": {"scifact"},
    "cli/site.py": {"scifact"},
    "study/report/views.py": {
        "msmarco-500k",
        "nq-500k",
        "scifact",
        "all-MiniLM-L6-v2",
        "e5-base-v2",
        "bge-large-en-v1.5",
    },
    "study/published.py": {
        *("scifact", "nfcorpus", "arguana", "scidocs", "fiqa", "nq", "msmarco"),
        *("all-MiniLM-L6-v2", "all-mpnet-base-v2", "e5-base-v2", "bge-large-en-v1.5"),
    },
}


def names() -> set[str]:
    """Every registered name of the package's own datasets and encoders, and what such names are told by."""
    families = [*DATASETS.families(), *ENCODERS.families()]
    own = [family for family in families if Path(family.source).is_relative_to(PACKAGE.parent)]
    found = {family.name.partition("-{")[0] for family in own} | {i.name for family in own for i in family.instances()}
    return found | {"500k", "synthetic"}


@pytest.fixture(scope="module")
def mentioned() -> dict[str, set[str]]:
    """File → the names in it."""
    known = "|".join(map(re.escape, sorted(names(), key=len, reverse=True)))
    pattern = re.compile(rf"(?<![\w-])({known})(?![a-z])|(500k)|binbench\.(?:datasets|algorithms)\.(\w+)")
    found = {}
    for path in PACKAGE.rglob("*.py"):
        if PACKAGE / "sets" / "encoders" not in path.parents:
            matches = pattern.findall(path.read_text(encoding="utf-8"))
            found[path.relative_to(PACKAGE).as_posix()] = {"".join(groups) for groups in matches}
    return found


def test_core_code_knows_no_plugin_by_name(mentioned):
    strange = {file: sorted(known - ALLOWED.get(file, set())) for file, known in mentioned.items()}
    assert {file: known for file, known in strange.items() if known} == {}


def test_names_are_looked_for():
    assert {"pydocs", "scifact", "nq-500k", "synthetic", "lsa", "lsa256", "e5-base-v2", "500k"} <= names()
