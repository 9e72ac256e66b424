"""The same figures under other processors' ways of adding up: `python -m benchmarks.guard --spread`.

A sum in float32 depends on its order, and that on the instructions: k-means and eigenvectors then learn something else.
Two libraries choose by the processor, and both can be told: OpenBLAS its kernels (`OPENBLAS_CORETYPE`, read by numpy's
copy and by faiss' own), and faiss the code of its own loops (`FAISS_SIMD_LEVEL`). Both are read once, when the library
is loaded, so that every processor takes a process of its own.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import faiss

from . import ONE_THREAD
from .baseline import QUALITY, Baseline, Spread
from .figures import Figures, figures, quality_set
from .methods import exact, tracked

ROOT = Path(__file__).resolve().parents[1]


class Processor(NamedTuple):
    """What OpenBLAS and faiss are told to compute as."""

    openblas: str
    faiss: str

    def __str__(self) -> str:
        return f"{self.openblas}/{self.faiss}"


class Run(NamedTuple):
    """What one process measured, and what its libraries really computed as."""

    kernels: list[str]
    level: str
    figures: Baseline


#: Every pair, also those that no processor has: they add up in other orders all the same. The checksums of the baseline
#: are those of the first.
PROCESSORS = [
    Processor(*pair)
    for pair in product(("Haswell", "Zen", "SkylakeX", "Sandybridge", "Nehalem"), ("AVX2", "AVX512", "NONE"))
]


class CannotRun(Exception):
    """This machine cannot compute as the processor asked for."""


def measured() -> Baseline:
    """The figures of this checkout in this process."""
    return Baseline(quality_set().checksum, {method: figures(method) for method in tracked().methods.values()})


def measured_as(processor: Processor) -> Run:
    """The figures of this checkout in a process told to compute as `processor`.

    Raises:
        CannotRun: the libraries were not built for it, or the machine lacks its instructions.
    """
    told = {"OPENBLAS_CORETYPE": processor.openblas, "FAISS_SIMD_LEVEL": processor.faiss} | ONE_THREAD
    command = [sys.executable, "-m", "benchmarks.spread"]
    child = subprocess.run(command, cwd=ROOT, env=os.environ | told, capture_output=True, text=True)
    if child.returncode in (-signal.SIGILL, -signal.SIGABRT):
        raise CannotRun(f"it ended by {signal.Signals(-child.returncode).name}")
    if child.returncode:
        raise RuntimeError(f"under {processor}:\n{child.stderr}")
    said = json.loads(child.stdout.splitlines()[-1])
    methods = {method: Figures(**values) for method, values in said["methods"].items()}
    run = Run(said["kernels"], said["level"], Baseline(said["vectors"], methods))
    # numpy's OpenBLAS has fewer kernels than faiss', and takes a near one for those it lacks.
    if processor.openblas not in run.kernels:
        raise CannotRun(f"OpenBLAS computes as {' and '.join(run.kernels) or 'nothing known'}")
    if processor.faiss != run.level:
        raise CannotRun(f"faiss computes as {run.level}")
    return run


def differing(runs: list[Baseline]) -> Iterator[str]:
    """The exact methods that are not: one line for each whose codes differ between `runs`."""
    for method in runs[0].methods:
        if exact(method) and (count := len({run.methods[method].code_checksum for run in runs})) > 1:
            yield f"{method} is named as exact, and {len(runs)} processors made {count} different codes"


def renewed(old: Baseline, runs: list[Baseline]) -> Baseline:
    """The baseline that `runs`, one per processor, ask for.

    A spread in `old` that was measured under more processors stays where all figures of `runs` lie within it.
    """
    methods, spreads = {}, {}
    # Known methods keep their place, so that a new baseline differs from the old one only in what changed.
    for method in sorted(runs[0].methods, key=[*old.methods, *runs[0].methods].index):
        seen = [run.methods[method] for run in runs]
        methods[method] = seen[0]
        if exact(method):
            continue
        lowest: dict[str, float] = {name: min(getattr(figures, name) for figures in seen) for name in QUALITY}
        highest: dict[str, float] = {name: max(getattr(figures, name) for figures in seen) for name in QUALITY}
        recall10, ndcg10 = (round(highest[name] - lowest[name], 6) for name in QUALITY)
        spread = Spread(recall10, ndcg10, len(runs))
        if old.vectors == runs[0].vectors and _covered(method, old, lowest, highest, len(runs)):
            lowest, spread = {name: getattr(old.methods[method], name) for name in QUALITY}, old.spreads[method]
        methods[method] = dataclasses.replace(seen[0], recall10=lowest["recall10"], ndcg10=lowest["ndcg10"])
        spreads[method] = spread
    return Baseline(runs[0].vectors, methods, spreads)


def table(runs: list[Baseline], new: Baseline) -> Iterator[str]:
    """One line per method: of each figure the lowest, the highest, their difference and how far it may fall in `new`.

    The last column counts the different codes.
    """
    one = "{:>7} {:>7} {:>7} {:>8}"
    row = "{:<24} | " + one + " | " + one + " | {:>5}"
    columns = ("lowest", "highest", "spread", "may fall")
    yield row.format("", "recall", "@10", "", "", "nDCG", "@10", "", "", "")
    yield row.format("method", *columns, *columns, "codes")
    for method in new.methods:
        seen = [run.methods[method] for run in runs]
        cells = []
        for name in QUALITY:
            values = [getattr(figures, name) for figures in seen]
            low, high = min(values), max(values)
            cells += [f"{low:.4f}", f"{high:.4f}", f"{high - low:.4f}", f"{new.tolerance(method, name):.4f}"]
        yield row.format(method, *cells, len({figures.code_checksum for figures in seen}))


def _covered(method: str, old: Baseline, lowest: dict[str, float], highest: dict[str, float], runs: int) -> bool:
    """Whether `old` has a spread of `method`, of more than `runs` processors, that the new figures lie within."""
    if method not in old.spreads or old.spreads[method].processors <= runs:
        return False
    figures, spread = old.methods[method], old.spreads[method]
    return all(
        getattr(figures, name) <= lowest[name]
        and round(highest[name] - getattr(figures, name), 6) <= getattr(spread, name)
        for name in QUALITY
    )


def _kernels() -> list[str]:
    """What the copies of OpenBLAS in this process compute as."""
    from threadpoolctl import threadpool_info

    libraries: list[dict[str, Any]] = threadpool_info()
    return sorted({library["architecture"] for library in libraries if library["internal_api"] == "openblas"})


if __name__ == "__main__":
    found = measured()
    # Asked for afterwards: by then every library that takes part is loaded.
    computed_as = {"kernels": _kernels(), "level": faiss.SIMDConfig.get_level_name()}
    print(json.dumps(computed_as | dataclasses.asdict(found)))
