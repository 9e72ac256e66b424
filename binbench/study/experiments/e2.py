"""E2: what binarization makes of the documents: balance, collisions, distances, reproducibility."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from binbench.report.render import Table
from binbench.study import plots as draw
from binbench.study.binarization import Codes, binomial, sweep
from binbench.study.experiment import Band, Experiment, Plot, experiment
from binbench.study.rows import SetRow, by_set, counting, uncovered
from binbench.study.tables import listing, noted, number, seconds, timed_on
from binbench.study.thresholds import DISCRIMINATIVE, FREQUENT, MIN_LENGTHS, SKEWED

if TYPE_CHECKING:
    from binbench.study.study import Study, StudySet

#: Raised when what is counted of codes changes.
SCHEMA = 2


@dataclass(frozen=True, kw_only=True)
class SweptCodes(SetRow, Codes):
    """The codes of a set at a number of bits, and what the stored result says of storage and speed on its `machine`."""

    bytes_per_vector: float
    queries_per_second: float
    encode_rows_per_second: float | None
    machine: str

    @property
    def where(self) -> str:
        """Set and bits, in words."""
        return f"{self.set} at {self.bits} bits"


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The codes of every set and number of bits, and failures to store results."""

    codes: tuple[SweptCodes, ...]
    failures: tuple[str, ...]


@experiment
class E2(Experiment[Sweep]):
    """Codes of the `binary` methods that were run."""

    id = "e2"
    title = "Binarization sweep: balance, collisions, distances, reproducibility"
    figures = Sweep

    def measure(self, study: Study) -> Sweep:
        """Codes are computed anew, in two processes."""
        failures = [
            f"{entry.name}: {trouble}"
            for entry in study.sets
            for instance, trouble in entry.failed.items()
            if re.fullmatch(r"binary\d+", instance)
        ]
        codes = [row for entry in study.sets for row in _sweep(study, entry)]
        return Sweep(codes=tuple(codes), failures=tuple(failures))

    def judge(self, figures: Sweep) -> Band:
        """Green: exact, reproducible, balanced. Yellow: skewed bits that still discriminate. Red: broken."""
        rows, counted = figures.codes, counting(figures.codes)
        if not rows:
            return Band("not applicable", ["no binary codes of angular sets"])
        faults = [f"stored results failed: {'; '.join(figures.failures)}"] if figures.failures else []
        for wrong, text in (
            ([row for row in rows if not row.reproduced], "irreproducible in a second process"),
            ([row for row in rows if row.self_distance], "self-distance is not 0"),
            ([row for row in rows if row.bytes_per_vector * 8 < row.bits], "fewer bytes stored than bits"),
            ([row for row in counted if row.colliding > FREQUENT], f"more than {FREQUENT:.0%} of rows collide"),
        ):
            if wrong:
                faults.append(f"{text}: {', '.join(row.where for row in wrong)}")
        if faults:
            return Band("red", faults)
        sets = by_set(counted).values()
        if missing := uncovered(own[0] for own in sets if len({row.bits for row in own}) >= MIN_LENGTHS):
            return Band("not applicable", [f"sweeps of at least {MIN_LENGTHS} lengths: {missing}"])
        worst = max(counted, key=lambda row: row.skewed)
        blur = min(counted, key=lambda row: row.discrimination)
        most = max(counted, key=lambda row: row.colliding)
        sound = [
            (
                f"{len(rows)} sweeps reproduced in a second process, self-distance 0, "
                f"at most {most.colliding:.2%} of rows collide ({most.where})"
            ),
            (
                f"bits set in more than {SKEWED:.0%} or less than {1 - SKEWED:.0%} of rows: "
                f"at most {worst.skewed:.0%} ({worst.where})"
            ),
            f"discrimination of true neighbours at least {blur.discrimination:.3f} ({blur.where})",
        ]
        if worst.skewed == 0:
            return Band("green", sound)
        if blur.discrimination >= DISCRIMINATIVE:
            return Band("yellow", sound)
        return Band("not applicable", [*sound, f"skewed bits and distances below {DISCRIMINATIVE}: no band is defined"])

    def tables(self, figures: Sweep) -> list[Table]:
        timed = timed_on(figures.codes)
        made = listing(
            "Codes of `binary` (seeded Gaussian projections, thresholds at zero)",
            figures.codes,
            {
                "set": lambda row: row.set,
                "bits": lambda row: str(row.bits),
                "reproduced": lambda row: "yes" if row.reproduced else "no",
                "discrimination": lambda row: f"{row.discrimination:.3f}",
                "skewed bits": lambda row: f"{row.skewed:.0%}",
                "bytes": lambda row: f"{row.bytes_per_vector:g}",
                "self-distance": lambda row: str(row.self_distance),
                "prevalence min … max": lambda row: f"{min(row.prevalence):.2f} … {max(row.prevalence):.2f}",
                "colliding rows": lambda row: f"{row.colliding:.2%}",
                "duplicate vectors": lambda row: f"{row.same_vectors:.2%}",
                "distance mean ± SD (bits)": lambda row: (
                    f"{number(row.distance_mean, '.1f')} ± {number(row.distance_sd, '.1f')}"
                ),
                "encoded rows/s": lambda row: seconds(timed, row, row.encode_rows_per_second, ",.0f"),
                "queries/s": lambda row: seconds(timed, row, row.queries_per_second, ",.0f"),
            },
        )
        return [noted(made, (), timed)]

    def plots(self, figures: Sweep, folder: Path) -> list[Plot]:
        if not figures.codes:
            return []
        swept = {row.bits for row in figures.codes}
        bits = 256 if 256 in swept else max(swept)
        shown = [row for row in figures.codes if row.bits == bits]
        balance = {row.set: (np.linspace(0, 1, bits).tolist(), sorted(row.prevalence)) for row in shown}
        fair, classes = "fair bits (binomial)", len(shown[0].histogram)
        centers = ((np.arange(classes) + 0.5) / classes).tolist()
        spread = {row.set: (centers, row.histogram) for row in shown} | {fair: (centers, binomial(bits))}
        return [
            draw.curves(
                folder / "e2-prevalence.svg",
                balance,
                ("bits, sorted by prevalence (share)", "share of documents with the bit set"),
                f"Prevalence of each of {bits} bits, sorted: level at ½ for balanced bits.",
                markers=False,
                unit_y=True,
            ),
            draw.curves(
                folder / "e2-distances.svg",
                spread,
                (f"Hamming distance / {bits}", "share of random pairs"),
                f"Hamming distances of random document pairs at {bits} bits, beside those of fair, independent bits.",
                markers=False,
                dashed=[fair],
            ),
        ]


def _sweep(study: Study, entry: StudySet) -> list[SweptCodes]:
    bits = sorted(int(name[6:]) for name in entry.records if re.fullmatch(r"binary\d+", name))
    if not bits or entry.vectors.distance != "angular":
        return []
    seed = entry.records[f"binary{bits[0]}"][0].seed or 0
    key = {"set": entry.vectors.fingerprint, "bits": bits, "seed": seed, "schema": SCHEMA}
    codes = study.cached("e2", key, list[Codes], partial(sweep, entry.vectors, bits, seed))
    return [_stored(entry, found) for found in codes]


def _stored(entry: StudySet, codes: Codes) -> SweptCodes:
    from binbench.records.machines import kind_of

    record = entry.records[f"binary{codes.bits}"][0]
    took = record.facts.encode_seconds
    return SweptCodes(
        **entry.labels(),
        **vars(codes),
        bytes_per_vector=record.sizes.codes_bytes_per_vector if record.sizes else 0.0,
        queries_per_second=record.queries_per_second or 0.0,
        encode_rows_per_second=None if took is None else (record.documents or 0) / max(took, 1e-9),
        machine=kind_of([record.provenance["machine"]]),
    )
