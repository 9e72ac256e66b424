"""Fails when a tracked figure is worse than the committed one: `python -m benchmarks.guard [--update]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from .figures import EXACT, METHODS, Baseline, Figures, baseline, figures, quality_set, write_baseline

UPDATE = "python -m benchmarks.guard --update"


def measured() -> Baseline:
    """The figures of this checkout."""
    return Baseline(quality_set().checksum, {method: figures(method) for method in METHODS})


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
            yield from _worse(method, old.methods[method], new.methods[method])


def _worse(method: str, old: Figures, new: Figures) -> Iterator[str]:
    tolerance = METHODS[method]
    for name in ("recall10", "ndcg10"):
        before, after = getattr(old, name), getattr(new, name)
        if after < before - tolerance:
            yield f"{_track(name, method)}: {after:.4f}, was {before:.4f}; it may fall by {tolerance:g}"
    if new.bytes_per_vector > old.bytes_per_vector:
        before, after = old.bytes_per_vector, new.bytes_per_vector
        yield f"{_track('bytes_per_vector', method)}: {after:g}, was {before:g}; it may not grow"
    if tolerance == EXACT and new.code_checksum != old.code_checksum:
        before, after = old.code_checksum, new.code_checksum
        yield f"{_track('code_checksum_changed', method)}: {after}, was {before}; untrained codes may not change"


def _track(name: str, method: str) -> str:
    return f"quality.Quality.track_{name}({method!r})"


def main(arguments: list[str] | None = None) -> int:
    """Compare with the baseline, or replace it; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.guard", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--update", action="store_true", help="make this checkout's figures the baseline")
    update = parser.parse_args(arguments).update
    new = measured()
    if update:
        write_baseline(new)
        return 0
    found = list(problems(baseline(), new))
    if not found:
        print(f"guard: {len(new.methods)} methods, none worse than the baseline")
        return 0
    print(*(f"guard: {problem}" for problem in found), sep="\n", file=sys.stderr)
    print(f"guard: where that is meant, commit what `{UPDATE}` writes, and say why", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
