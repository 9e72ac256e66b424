"""Stored results judged anew, without running any method: figures, and comparisons that hold up in a review."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from binbench.errors import UserError, unknown
from binbench.harness.evaluation import MEASURES, Comparison, Figures, check_set, compare_results, evaluate
from binbench.harness.results import Result
from binbench.sets.embeddings import EmbeddingSet

COMPARED = ("recall@10", "ndcg@10")
#: Families compared with each other where they take the same bytes per vector.
RIVALS = ("binary", "pq")


@dataclass(frozen=True)
class Contrast:
    """One method against another.

    Attributes:
        a, b: the results.
        measure: what they are compared by.
        comparison: `a` against `b`.
        p_holm: the p-value after Holm's correction over the family: all contrasts of one measure in one group.
    """

    a: Result
    b: Result
    measure: str
    comparison: Comparison
    p_holm: float


@dataclass(frozen=True)
class Group:
    """Results of one set under one condition.

    Attributes:
        embeddings: the set.
        count, mode, threads, seed: the condition.
        results: its results, failed ones included, in the order of their paths.
        figures: those of the results that are ok, by path.
        contrasts: every method against float, and binary against pq at equal bytes per vector.
    """

    embeddings: EmbeddingSet
    count: int
    mode: str
    threads: int
    seed: int
    results: list[Result]
    figures: dict[Path, Figures]
    contrasts: list[Contrast]


@dataclass
class Review:
    """All groups, and what could not be judged.

    Attributes:
        groups: by set and condition.
        left_out: why each result that could not be judged was left out, one line each.
    """

    groups: list[Group] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def failures(self) -> list[Result]:
        """Results that are neither ok nor skipped."""
        return [r for group in self.groups for r in group.results if r.status not in ("ok", "skipped")]


def review(
    results_dir: Path,
    data_dir: Path,
    datasets: Sequence[str] = (),
    measures: Sequence[str] = COMPARED,
    force: bool = False,
) -> Review:
    """Evaluate the stored results below `results_dir`.

    Args:
        results_dir: the root of the result files.
        data_dir: where the embedding sets live.
        datasets: only these: names of sets or of their datasets, globs, or paths of embedding sets elsewhere; all where
            empty.
        measures: what methods are compared by, where it applies.
        force: compute figures anew that are there.

    Raises:
        UserError: there are no results, none that `datasets` name, or an unknown measure.
    """
    for measure in measures:
        if measure not in MEASURES:
            raise unknown("measure", measure, MEASURES)
    found = Review()
    usable: list[Result] = []
    sets: dict[str, EmbeddingSet | None] = {}
    files = [name for name in datasets if name.endswith((".hdf5", ".h5"))]
    paths = {Path(name).stem: Path(name).expanduser() for name in files}
    wanted = [name for name in datasets if name not in files] + list(paths)
    for result in _opened(results_dir, wanted, found.left_out):
        name = result["dataset"]
        if name not in sets:
            path = paths.get(name, data_dir / f"{name}.hdf5")
            sets[name] = EmbeddingSet.open(path) if path.is_file() else None
        embeddings = sets[name]
        try:
            if embeddings is None:
                raise UserError(f"{result.path}: its embedding set {name} is not in {data_dir}; see --data-dir")
            check_set(result, embeddings, answered=False)
        except UserError as error:
            found.left_out.append(str(error))
        else:
            usable.append(result)
    if not usable and not found.left_out:
        asked = f" of {', '.join(datasets)}" if datasets else ""
        raise UserError(f"no results{asked} below {results_dir}; `binbench run` makes them")
    for _, group in groupby(sorted(usable, key=_condition), key=_condition):
        results = list(group)
        embeddings = sets[results[0]["dataset"]]
        assert embeddings is not None
        found.groups.append(_group(results, embeddings, measures, force))
    return found


def _opened(results_dir: Path, wanted: Sequence[str], left_out: list[str]) -> Iterator[Result]:
    """The results of the `wanted` sets; files that cannot be read or are not ours go to `left_out`."""
    for path in sorted(results_dir.rglob("*.hdf5")):
        name = path.relative_to(results_dir).parts[0]
        if path.name.startswith(".") or (wanted and not any(_fits(name, pattern) for pattern in wanted)):
            continue
        try:
            result = Result.open(path)
        except UserError as error:
            left_out.append(str(error))
            continue
        if "inputs" in result.attributes:
            yield result
        else:
            left_out.append(f"{path} is another tool's result; binbench judges its own")


def _fits(set_name: str, wanted: str) -> bool:
    return set_name == wanted or set_name.startswith(f"{wanted}-") or fnmatch.fnmatchcase(set_name, wanted)


def _condition(result: Result) -> tuple[Any, ...]:
    return result["dataset"], result["count"], not result["batch_mode"], result["threads"], result["seed"]


def _group(results: list[Result], embeddings: EmbeddingSet, measures: Sequence[str], force: bool) -> Group:
    figures = {r.path: evaluate(r, embeddings, force) for r in results if r.status == "ok"}
    first = results[0]
    return Group(
        embeddings=embeddings,
        count=first["count"],
        mode="batch" if first["batch_mode"] else "single",
        threads=first["threads"],
        seed=first["seed"],
        results=results,
        figures=figures,
        contrasts=[c for m in measures for c in _family(results, figures, m, embeddings, force)],
    )


def _family(
    results: list[Result], figures: dict[Path, Figures], measure: str, embeddings: EmbeddingSet, force: bool
) -> list[Contrast]:
    from binbench.measures.comparison import holm

    judged = [r for r in results if r.path in figures and figures[r.path].mean(measure) is not None]
    reference = next((r for r in judged if r["instance"] == "float"), None)
    pairs = [(r, reference) for r in judged if reference and r is not reference]
    mine, theirs = ([r for r in judged if r["algo"] == family] for family in RIVALS)
    pairs += [(a, b) for a in mine for b in theirs if _code_bytes(a) == _code_bytes(b)]
    compared = [compare_results(a, b, measure, embeddings, force) for a, b in pairs]
    corrected = holm([c.p_value for c in compared])
    return [Contrast(a, b, measure, c, float(p)) for (a, b), c, p in zip(pairs, compared, corrected, strict=True)]


def _code_bytes(result: Result) -> float:
    return result["footprint"]["codes_bytes_per_vector"]
