"""One seed for everything, and nothing else that touches a global generator."""

from __future__ import annotations

import ast
import hashlib
import json
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import binbench
from binbench import UserError
from binbench.seeds import seed_everything

ROOT = Path(binbench.__file__).resolve().parent
SOURCES = [ROOT, *(folder for folder in (ROOT.parent / "algorithms", ROOT.parent / "datasets") if folder.is_dir())]
#: What of numpy.random has no global state.
STATELESS = {"BitGenerator", "Generator", "PCG64", "SeedSequence"}


@pytest.fixture(autouse=True)
def _restored_state() -> Iterator[None]:
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    yield
    random.setstate(python)
    np.random.set_state(numpy)  # noqa: NPY002


def test_the_same_seed_gives_the_same_draws() -> None:
    def draws(seed: int) -> list[float]:
        seeds = seed_everything(seed)
        legacy = np.random.random()  # noqa: NPY002
        return [random.random(), legacy, *seeds.stream("a").random(3), *seeds.stream("b").random(3)]

    assert draws(5) == draws(5)
    assert not set(draws(5)) & set(draws(6))
    assert len(set(draws(5))) == 8


def test_streams_do_not_depend_on_the_order_of_calls() -> None:
    one, other = seed_everything(1), seed_everything(1)
    first = one.stream("rows").integers(2**62)
    other.stream("columns").random(100)
    assert other.stream("rows").integers(2**62) == first
    assert one.stream("rows").integers(2**62) == first


def test_streams_are_those_of_the_spawn_key() -> None:
    # The name's sha256 as eight little-endian words.
    key = struct.unpack("<8I", hashlib.sha256(b"rows").digest())
    expected = np.random.Generator(np.random.PCG64(np.random.SeedSequence(7, spawn_key=key)))
    assert seed_everything(7).stream("rows").integers(2**62) == expected.integers(2**62)


def test_streams_are_uncorrelated() -> None:
    seeds = seed_everything(0)
    draws = np.array([seeds.stream(f"s{i}").standard_normal(10_000) for i in range(8)])
    off_diagonal = np.corrcoef(draws)[~np.eye(8, dtype=bool)]
    assert np.abs(off_diagonal).max() < 5 / np.sqrt(10_000)


def test_it_records_itself() -> None:
    seeds = seed_everything(3, torch=False)
    seeds.stream("b")
    seeds.stream("a")
    seeds.stream("b")
    assert json.loads(json.dumps(seeds.record())) == {"seed": 3, "seeded": ["python", "numpy"], "streams": ["a", "b"]}


def test_torch_is_seeded_when_asked() -> None:
    torch = pytest.importorskip("torch")
    assert seed_everything(4, torch=True).seeded == ("python", "numpy", "torch")
    first = torch.rand(3).tolist()
    assert seed_everything(4).seeded == ("python", "numpy", "torch")
    assert torch.rand(3).tolist() == first


def test_torch_is_not_imported_unasked() -> None:
    code = (
        "import sys; from binbench.seeds import seed_everything; "
        "print(seed_everything(1).seeded, 'torch' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "('python', 'numpy') False"


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_bounds_is_refused(seed: int) -> None:
    with pytest.raises(UserError, match=r"^seed: expected at least 0 and less than 2\*\*32, got -?\d+$"):
        seed_everything(seed)


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


def test_nothing_else_calls_a_global_generator() -> None:
    modules = [path for folder in SOURCES for path in folder.rglob("*.py") if path != ROOT / "seeds.py"]
    assert len(modules) > 20
    assert {str(path): uses for path in modules if (uses := global_randomness(path.read_text("utf-8")))} == {}
