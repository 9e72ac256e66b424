"""One seed for everything stochastic, and named streams under it."""

from __future__ import annotations

import hashlib
import random
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence

from binbench.errors import UserError


@dataclass(frozen=True)
class Seeds:
    """The streams under one seed, and a record of those handed out; made by :func:`seed_everything`."""

    seed: int
    seeded: tuple[str, ...]
    _handed_out: list[str] = field(default_factory=list, repr=False, compare=False)

    def stream(self, name: str) -> Generator:
        """The generator called `name`, at its start: independent of every other name's, equal for equal seeds.

        The name's sha256 is the spawn key of the seed's `SeedSequence`, so that the order of calls does not matter.
        """
        digest = hashlib.sha256(name.encode()).digest()
        key = np.frombuffer(digest, dtype="<u4").tolist()
        if name not in self._handed_out:
            self._handed_out.append(name)
        return Generator(PCG64(SeedSequence(self.seed, spawn_key=key)))

    def record(self) -> dict[str, Any]:
        """What to store beside a result, as JSON values: the seed, the libraries seeded, the streams handed out."""
        return {"seed": self.seed, "seeded": list(self.seeded), "streams": sorted(self._handed_out)}


def seed_everything(seed: int, torch: bool | None = None) -> Seeds:
    """Seed the global generators of Python, numpy and torch, for libraries that use them, and hand out named streams.

    binbench itself draws only from streams and from ``Generator(PCG64(seed))``; this is the one place that touches a
    global generator.

    Args:
        seed: at least 0 and below 2**32, numpy's bound.
        torch: whether to seed torch, which is slow to import; None to seed it where it is imported already.

    Raises:
        UserError: `seed` is out of bounds.
    """
    if not 0 <= seed < 2**32:
        raise UserError(f"seed: expected at least 0 and less than 2**32, got {seed}")
    seeded = ["python", "numpy"]
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - other libraries draw from it
    if torch or (torch is None and "torch" in sys.modules):
        import torch as torch_module

        torch_module.manual_seed(seed)
        seeded.append("torch")
    return Seeds(seed, tuple(seeded))
