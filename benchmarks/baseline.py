"""The committed figures, how far each of them may fall, and the file they are in."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from .figures import Figures
from .methods import exact

BASELINE = Path(__file__).with_name("baseline.json")

#: What may fall: the larger, the better.
QUALITY: tuple[Literal["recall10", "ndcg10"], ...] = ("recall10", "ndcg10")

#: How far recall@10 and nDCG@10 of an exact method may fall: one neighbour of one query in 200 × 10.
SAME = 0.0005

#: How far a figure of any other method may fall at least: six neighbours in 200 × 10. Most methods show no spread, but
#: the processors tried are not all there are. Where the last bits of the vectors were drawn at random instead, eight
#: times, the most that one without spread moved by was one neighbour.
LEAST = 0.003


@dataclass(frozen=True)
class Spread:
    """Highest less lowest figure of one method over processors that add up in different orders.

    Attributes:
        processors: how many it was measured under.
    """

    recall10: float
    ndcg10: float
    processors: int


@dataclass(frozen=True)
class Baseline:
    """Figures, and the checksum of the vectors they were measured on.

    Attributes:
        methods: of a method with a spread, the lowest recall@10 and nDCG@10 over the processors.
        spreads: of every method that is not exact.
    """

    vectors: str
    methods: dict[str, Figures]
    spreads: dict[str, Spread] = field(default_factory=dict)

    def tolerance(self, method: str, name: Literal["recall10", "ndcg10"]) -> float | None:
        """How far the figure `name` of `method` may fall; None where its spread has not been measured.

        The baseline is the lowest figure over the processors measured; one spread more is left for those that were not.
        A method that rounding moves far is given that far again, one that it does not move is held where it is.
        """
        if exact(method):
            return SAME
        if method not in self.spreads:
            return None
        return max(getattr(self.spreads[method], name), LEAST)


def baseline() -> Baseline:
    """The committed figures."""
    stored = json.loads(BASELINE.read_text())
    return Baseline(
        stored["vectors"],
        {method: Figures(**values) for method, values in stored["methods"].items()},
        {method: Spread(**values) for method, values in stored.get("spreads", {}).items()},
    )


def write_baseline(new: Baseline) -> None:
    """Make `new` the figures to be compared with."""
    BASELINE.write_text(json.dumps(asdict(new), indent=2) + "\n")
