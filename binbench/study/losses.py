"""Why binary codes lose neighbours where they do: what tells neighbours apart, against the noise of the codes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from binbench.measures.correlation import spearman
from binbench.report.render import Table
from binbench.study.rows import SetRow
from binbench.study.study import Study, StudySet
from binbench.study.tables import listing, number
from binbench.study.thresholds import LONG_BITS

#: Neighbours whose angles are compared: the last one that recall@10 asks for, and one well beyond.
NEAR, FAR = 10, 100


@dataclass(frozen=True, kw_only=True)
class Loss(SetRow):
    """What `binary` has to tell apart on a set, in bits of the Hamming distance, and what came of it.

    Attributes:
        gap: by how many bits the 10th and the 100th neighbor differ in expectation, in the mean over queries.
        noise: the standard deviation of the distance to the 10th, over projections.
        ties: by how much recall@10 depends on the order of documents at one distance; None where that is not known.
        participation: the participation ratio of the set's spectrum (E7); None where that was not measured.
    """

    bits: int
    gap: float
    noise: float
    recall: float
    ties: float | None
    participation: float | None

    @property
    def clarity(self) -> float:
        """The gap in units of the noise."""
        return self.gap / self.noise


def losses(study: Study, participation: Mapping[str, float | None]) -> list[Loss]:
    """Every length of `binary` on every set of angular distance that has enough neighbors."""
    return [loss for entry in study.sets for loss in _of(entry, participation.get(entry.name))]


def _of(entry: StudySet, participation: float | None) -> Iterable[Loss]:
    distances = entry.vectors.distances
    if entry.vectors.distance != "angular" or distances.shape[1] < FAR:
        return
    near, far = (np.arccos(np.clip(1 - distances[:, k - 1].astype(np.float64), -1, 1)) for k in (NEAR, FAR))
    for method, records in entry.records.items():
        recall = entry.mean(method, "recall@10")
        if records[0].family != "binary" or recall is None:
            continue
        bits = records[0].parameters["bits"]
        gap, noise = separation(near, far, bits)
        low, high = (entry.mean(method, f"recall@10_{end}") for end in ("low", "high"))
        ties = None if low is None or high is None else high - low
        told = {"bits": bits, "gap": gap, "noise": noise, "recall": recall, "ties": ties}
        yield Loss(**entry.labels(), **told, participation=participation)


def separation(near: NDArray[np.float64], far: NDArray[np.float64], bits: int) -> tuple[float, float]:
    """The gap between the angles `near` and `far` (Q,) in bits, and the noise at `near`, means over queries.

    A random hyperplane parts two vectors at the angle θ with probability p = θ/π (Goemans and Williamson, 1995), so
    that the Hamming distance of `bits` independent ones is binomial: mean bits · p, variance bits · p (1 − p).
    """
    share = near / np.pi
    return float((bits * (far - near) / np.pi).mean()), float(np.sqrt(bits * share * (1 - share)).mean())


def ranking(found: Sequence[Loss], bits: int) -> tuple[float, int] | None:
    """Spearman's ρ of clarity with recall@10 over the sets at so many `bits`, and their number; None below three."""
    own = [loss for loss in found if loss.bits == bits]
    if len(own) < 3:
        return None
    clarity, recall = (np.array(values) for values in ([x.clarity for x in own], [x.recall for x in own]))
    return float(spearman(clarity, recall)), len(own)


def loss_table(found: Iterable[Loss]) -> Table:
    """The long codes."""
    return listing(
        "What binary codes have to tell apart, in bits of the Hamming distance",
        sorted((loss for loss in found if loss.bits in LONG_BITS), key=lambda loss: (loss.bits, loss.clarity)),
        {
            "set": lambda loss: loss.set,
            "bits": lambda loss: f"{loss.bits}",
            f"gap, neighbor {NEAR} to {FAR}": lambda loss: number(loss.gap, ".1f"),
            "noise (SD)": lambda loss: number(loss.noise, ".1f"),
            "gap / noise": lambda loss: number(loss.clarity, ".2f"),
            "recall@10": lambda loss: number(loss.recall),
            "left to ties": lambda loss: number(loss.ties),
            "participation ratio": lambda loss: number(loss.participation, ".0f"),
        },
    )
