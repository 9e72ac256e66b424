"""Every method that the package registers keeps every rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from binbench import Unsupported
from binbench.check import check
from binbench.plugins.faiss_index import FaissAlgorithm
from binbench.plugins.registry import ALGORITHMS

ROOT = Path(__file__).parents[2]


def built_in() -> list[str]:
    """The default instances of the package's own plugins."""
    families = [f for f in ALGORITHMS.families() if f.plugin.__module__.startswith("binbench.algorithms.")]
    return [instance.name for family in families for instance in family.instances()]


def test_every_method_that_is_registered_or_promised_is_covered():
    """By the text of the plugins, and by the committed page that users read; neither asks the registry."""
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "algorithms").glob("*.py"))
    patterns = re.findall(r'^@register\(\s*"([^"]+)"', source, re.MULTILINE)
    assert len(patterns) > 30
    assert {ALGORITHMS.get(name).family.pattern for name in built_in()} == set(patterns)
    page = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    promised = [
        name for _, names in re.findall(r"^\| `(.+?)` \| (.+?) \|", page, re.MULTILINE) for name in names.split(", ")
    ]
    assert sorted(name.strip("`") for name in promised) == sorted(built_in())


@pytest.fixture
def few_turns(monkeypatch):
    """Training that takes the same way in a tenth of the time: how good codes are is tested elsewhere."""
    monkeypatch.setattr(FaissAlgorithm, "rounds", 1)
    for name, attribute, value in (
        ("opq8", "turns", 1),
        ("itq64", "turns", 2),
        ("itq-faiss64", "turns", 2),
        ("adapter128", "most_steps", 3),
        ("rq8", "beam", 1),
    ):
        monkeypatch.setattr(ALGORITHMS.get(name).family.plugin, attribute, value)


@pytest.mark.parametrize("name", built_in())
def test_every_built_in_instance_conforms(name, few_turns):
    try:
        results = check(name)
    except Unsupported as reason:
        if "pip install" not in str(reason):
            # A method that refuses every size has failed.
            raise
        pytest.skip(str(reason))
    assert [f"{result.rule}: {result.message}" for result in results if not result.ok] == []
