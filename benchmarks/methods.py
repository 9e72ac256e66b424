"""Which methods the figures are tracked for: one instance of every family that the package registers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from .data import DIMENSION, wanted

if TYPE_CHECKING:
    from binbench.plugins.registry import Family, Instance

#: Of a family's default instances the one nearest to these values: two bits per dimension, and as many bytes as one bit
#: per dimension takes. Of any other placeholder the smallest value is taken.
NEAR = {"bits": 256, "bytes": 16}

#: Families whose instance is not what `NEAR` says: `rq` has been tracked with 8 bytes from its first baseline on, and
#: its history goes on.
CHOSEN = {"rq": "rq8"}

#: Families that are not tracked, and why.
LEFT_OUT = {
    "scann": "an extra with a wheel for few machines, and its training takes no seed",
    "faiss": "any index of faiss; those that have a family of their own are tracked there",
}

#: Families whose codes are made of float64 products, comparisons and counts only: they are the same on every processor,
#: bit for bit, and have to stay so. A family that is not named here has a measured spread instead.
EXACT = frozenset(
    {
        "float",
        "float16",
        "int8",
        "int6",
        "int4",
        "int8-minmax",
        "binary",
        "binary-asym",
        "binary-hnsw",
        "binary-rescore-float",
        "binary-rescore-int8",
        "ortho",
        "ortho-asym",
        "sign",
        "sign-mean",
        "sign-median",
        "sign-asym",
        "sign-rescore-self",
    }
)


@dataclass(frozen=True)
class Tracked:
    """One method of each family, and the families without one.

    Attributes:
        methods: a method's name for a family's.
        left_out: the reason for a family's name.
    """

    methods: dict[str, str]
    left_out: dict[str, str]


@cache
def tracked() -> Tracked:
    """What the guard measures."""
    methods: dict[str, str] = {}
    left_out = dict(LEFT_OUT)
    for family in families():
        if family.name in left_out:
            continue
        reasons = []
        for instance in _in_order(family):
            if (reason := _unfit(instance)) is None:
                methods[family.name] = instance.name
                break
            reasons.append(reason)
        else:
            left_out[family.name] = reasons[0]
    return Tracked(methods, left_out)


def families() -> list[Family]:
    """The package's own families; those of other packages' entry points are theirs to watch."""
    registered = wanted("binbench.plugins.registry", "ALGORITHMS").families()
    return [family for family in registered if family.plugin.__module__.startswith("binbench.algorithms")]


def exact(method: str) -> bool:
    """Whether `method` is of a family whose codes are the same on every processor."""
    family: Family = wanted("binbench.plugins.registry", "ALGORITHMS").get(method).family
    return family.name in EXACT


def _in_order(family: Family) -> list[Instance]:
    if family.name in CHOSEN:
        return [instance for instance in [family.match(CHOSEN[family.name])] if instance is not None]

    def distances(instance: Instance) -> list[int]:
        values = {name: instance.parameters[name] for name in family.grid}
        return [abs(value - NEAR.get(name, 0)) if isinstance(value, int) else 0 for name, value in values.items()]

    return sorted(family.instances(), key=distances)


def _unfit(instance: Instance) -> str | None:
    """Why `instance` cannot be made here, say for a missing library or the vectors' dimension."""
    try:
        instance.create(dimension=DIMENSION, seed=0)
    except wanted("binbench", "Unsupported") as error:
        return str(error)
    return None
