"""Everything random draws from a generator of its own, ``Generator(PCG64(seed))``; nothing touches a global one."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: What of numpy.random has no global state.
STATELESS = {"BitGenerator", "Generator", "PCG64", "SeedSequence"}


def global_randomness(source: str) -> list[str]:
    """The uses of a global generator in a module: Python's `random`, `np.random.<function>`, `torch`'s own."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name in ("random", "numpy.random")]
        elif isinstance(node, ast.ImportFrom) and node.module == "random":
            found.append("random")
        elif isinstance(node, ast.ImportFrom) and node.module == "numpy.random":
            found += [alias.name for alias in node.names if alias.name not in STATELESS]
        elif isinstance(node, ast.Attribute):
            path = ast.unparse(node)
            is_numpy = path.startswith(("np.random.", "numpy.random.")) and path.split(".")[2] not in STATELESS
            if is_numpy or path.startswith(("torch.manual_seed", "torch.seed", "torch.rand", "torch.normal")):
                found.append(path)
    return found


def test_the_search_finds_what_it_looks_for() -> None:
    uses = """
import random
from random import choice
from numpy.random import default_rng, PCG64
import numpy as np, torch
np.random.seed(1); np.random.Generator; torch.randn(3); self.random.random()
"""
    assert sorted(global_randomness(uses)) == ["default_rng", "np.random.seed", "random", "random", "torch.randn"]


def test_nothing_calls_a_global_generator() -> None:
    modules = [path for folder in ("binbench", "algorithms", "datasets") for path in (ROOT / folder).rglob("*.py")]
    assert len(modules) > 100
    assert {str(path): uses for path in modules if (uses := global_randomness(path.read_text("utf-8")))} == {}
