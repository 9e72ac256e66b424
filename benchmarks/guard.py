"""Fails when a tracked figure is worse than the committed one: `python -m benchmarks.guard [--spread | --update]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from .baseline import QUALITY, Baseline, baseline, write_baseline
from .figures import Figures
from .methods import exact, tracked
from .spread import PROCESSORS, CannotRun, differing, measured, measured_as, renewed, table

UPDATE = "python -m benchmarks.guard --update"


def problems(old: Baseline, new: Baseline) -> Iterator[str]:
    """What is worse in `new` than in `old`, one line each, named as asv names it."""
    if old.vectors != new.vectors:
        yield "the vectors that the figures are measured on have changed: no figure can be compared"
        return
    for method in sorted(old.methods.keys() | new.methods.keys()):
        if method not in new.methods:
            yield f"{method} is in the baseline but not measured"
        elif method not in old.methods:
            yield f"{method} is measured but not in the baseline"
        else:
            yield from _worse(method, old, new.methods[method])


def _worse(method: str, baseline: Baseline, new: Figures) -> Iterator[str]:
    old = baseline.methods[method]
    if not exact(method) and method not in baseline.spreads:
        yield f"{method} has no measured spread"
    for name in QUALITY:
        before, after, tolerance = getattr(old, name), getattr(new, name), baseline.tolerance(method, name)
        # Figures have six digits; their difference in binary has more.
        if tolerance is not None and round(before - after, 6) > tolerance:
            yield f"{_track(name, method)}: {after:.4f}, was {before:.4f}; it may fall by {tolerance:g}"
    if new.bytes_per_vector > old.bytes_per_vector:
        before, after = old.bytes_per_vector, new.bytes_per_vector
        yield f"{_track('bytes_per_vector', method)}: {after:g}, was {before:g}; it may not grow"
    if exact(method) and new.code_checksum != old.code_checksum:
        yield (
            f"{_track('code_checksum_changed', method)}: {new.code_checksum}, was {old.code_checksum}; "
            "codes that no processor changes may not change"
        )


def _track(name: str, method: str) -> str:
    return f"quality.Quality.track_{name}({method!r})"


def spread(update: bool) -> int:
    """Measure under every processor that runs here and print the table, or make it the baseline; the exit status."""
    runs = []
    for processor in PROCESSORS:
        try:
            run = measured_as(processor)
        except CannotRun as error:
            print(f"{processor}: cannot run here: {error}", flush=True)
            continue
        others = [f"(a copy of OpenBLAS as {kernel})" for kernel in run.kernels if kernel != processor.openblas]
        print(f"{processor}: measured", *others, flush=True)
        runs.append(run.figures)
    if len(runs) < 2:
        print(f"guard: a spread takes two processors, and {len(runs)} ran here", file=sys.stderr)
        return 1
    new = renewed(baseline(), runs)
    print(*table(runs, new), sep="\n")
    if found := list(differing(runs)):
        print(*(f"guard: {problem}" for problem in found), sep="\n", file=sys.stderr)
        return 1
    if update:
        write_baseline(new)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Compare with the baseline, or measure it anew; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=(__doc__ or "").partition(":")[0])
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--spread", action="store_true", help="measure under other processors' kernels, and print how far figures move"
    )
    instead.add_argument("--update", action="store_true", help="the same, and make it the baseline")
    asked = parser.parse_args(arguments)
    if asked.spread or asked.update:
        return spread(asked.update)
    new = measured()
    found = list(problems(baseline(), new))
    if not found:
        print(f"guard: {len(new.methods)} methods, none worse than the baseline")
        for family, why in tracked().left_out.items():
            print(f"guard: {family} is left out: {why}")
        return 0
    print(*(f"guard: {problem}" for problem in found), sep="\n", file=sys.stderr)
    print(f"guard: where that is meant, commit what `{UPDATE}` writes, and say why", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
