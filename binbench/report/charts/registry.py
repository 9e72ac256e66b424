"""The charts by their kinds: every module of this folder registers what it draws."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from binbench.records.rows import Row
from binbench.records.select import APART, groups, whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Draw = Callable[[Sequence[Row]], "Figure | None"]


@dataclass(frozen=True)
class Chart:
    """One kind of picture.

    Attributes:
        kind: names it on the command line and in file names.
        draw: from rows of one set, k and number of threads; None where there is nothing to draw.
        mode: whose rows it takes; None for all.
        over_sets: whether it takes all sets together.
        across: whether it takes the subsets of a set's documents together; others show the whole set, or one subset.
    """

    kind: str
    draw: Draw
    mode: Literal["batch", "single"] | None = None
    across: bool = False
    over_sets: bool = False

    @property
    def summary(self) -> str:
        """One line."""
        return (self.draw.__doc__ or "").partition("\n")[0]

    def parts(self, rows: Sequence[Row]) -> list[tuple[tuple[Any, ...], list[Row]]]:
        """What belongs into one picture, by set, fingerprint, k, threads, max_train and, unless across, documents."""
        if self.over_sets:
            return [(("sets", None, *key), part) for key, part in groups(whole(rows), ["k", "threads", "max_train"])]
        apart = [name for name in APART if name != "mode"]
        return groups(rows, apart) if self.across else groups(whole(rows), [*apart, "documents"])

    def __call__(self, rows: Sequence[Row]) -> Figure | None:
        """The picture of those of `rows` that it takes."""
        return self.draw([row for row in rows if self.mode in (None, row["mode"])])


_CHARTS: dict[str, Chart] = {}


def chart(
    kind: str, mode: Literal["batch", "single"] | None = None, across: bool = False, over_sets: bool = False
) -> Callable[[Draw], Draw]:
    """Register the decorated function as the chart `kind`; for the rest see :class:`Chart`."""

    def decorate(draw: Draw) -> Draw:
        _CHARTS[kind] = Chart(kind, draw, mode, across, over_sets)
        return draw

    return decorate


@cache
def _load() -> None:
    folder = importlib.import_module("binbench.report.charts")
    for module in sorted(info.name for info in pkgutil.iter_modules(folder.__path__)):
        importlib.import_module(f"binbench.report.charts.{module}")


def charts() -> dict[str, Chart]:
    """Every chart by its kind, sorted."""
    _load()
    return dict(sorted(_CHARTS.items()))
