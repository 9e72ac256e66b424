"""A stored result's figures: computed once, kept beside it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError, unknown
from binbench.files import atomic
from binbench.harness.measures import CUT, CUTOFFS, MEASURES
from binbench.harness.results import Result
from binbench.measures.bootstrap import Interval, mean_ci
from binbench.measures.comparison import Comparison, compare
from binbench.sets.embeddings import EmbeddingSet

__all__ = ["MEASURES", "Comparison", "Figures", "Interval", "compare_results", "evaluate", "kept_figures"]

logger = logging.getLogger("binbench")

Array = NDArray[np.float64]

#: Raised when a measure's definition changes, so that stored figures are computed anew.
EVALUATION_SCHEMA = 3
SEED = 0
#: What reading a damaged file of figures can raise.
_DAMAGED = (OSError, ValueError, KeyError, EOFError, BadZipFile)


@dataclass(frozen=True)
class Figures:
    """Every measure that applies to a result, per query and in the mean.

    Attributes:
        key: names the result, the set and the definitions that the figures come from.
        names: the measures, in the order of :data:`binbench.harness.measures.MEASURES`.
        summary: (3, M) mean over queries and the limits of its 95 % bootstrap interval.
    """

    key: str
    names: Sequence[str]
    summary: Array = field(repr=False)
    _matrix: Callable[[], Array] = field(repr=False)

    @cached_property
    def values(self) -> dict[str, Array]:
        """Measure name → (Q,) float64, one value per query row of the set.

        NaN where a measure is not defined for a query: against qrels for queries that are not judged, scores for
        queries without results or (rank correlation) with equal scores only. A judged query without results has 0, and
        every query of a collection's split is judged.
        """
        return dict(zip(self.names, self._matrix(), strict=True))

    def mean(self, measure: str) -> float | None:
        """The mean over the queries that have a value; None where the measure does not apply or none has."""
        found = self.interval(measure)
        return None if found is None else found.estimate

    def interval(self, measure: str) -> Interval | None:
        """The mean with its 95 % BCa bootstrap interval over the same queries; None as for :meth:`mean`.

        Raises:
            UserError: there is no such measure.
        """
        _check_measure(measure)
        if measure not in self.names:
            return None
        estimate, low, high = self.summary[:, self.names.index(measure)].tolist()
        return None if np.isnan(estimate) else Interval(estimate, low, high)


def evaluate(result: Result, embeddings: EmbeddingSet, force: bool = False) -> Figures:
    """The figures of `result`, from its cache where that is still good.

    Args:
        result: a result with status ``ok``.
        embeddings: the set it was measured on.
        force: compute them anew.

    Raises:
        UserError: the result has other vectors than `embeddings`, or no answers.
    """
    check_set(result, embeddings)
    cache = result.path.with_suffix(".figures.npz")
    key = f"{EVALUATION_SCHEMA}:{result['inputs']}:{result.path.stat().st_mtime_ns}:{_judgements(*_stamp(embeddings))}"
    if not force and (found := _cached(cache, key)):
        return found
    values = _compute(result, embeddings)
    names = [name for name in MEASURES if name in values]
    matrix = np.stack([values[name] for name in names])
    summary = np.stack(mean_ci(matrix.T, SEED))
    try:
        with atomic(cache) as temporary, open(temporary, "wb") as file:
            np.savez(file, head=np.array([key, *names]), summary=summary, values=matrix)
    except UserError as error:
        logger.debug("figures are not kept: %s", error)
    return Figures(key, names, summary, lambda: matrix)


def kept_figures(result: Result) -> Figures | None:
    """The figures beside `result`, for when its embedding set is not at hand; None where there are none for it."""
    path = result.path.with_suffix(".figures.npz")
    try:
        with np.load(path, allow_pickle=False) as stored:
            key = str(stored["head"][0])
    except _DAMAGED:
        return None
    same = key.startswith(f"{EVALUATION_SCHEMA}:{result['inputs']}:{result.path.stat().st_mtime_ns}:")
    return _cached(path, key) if same else None


def check_set(result: Result, embeddings: EmbeddingSet, answered: bool = True) -> None:
    """Refuse a result that `embeddings` cannot judge; one without answers too, unless `answered` is False.

    Raises:
        UserError: it was measured on other vectors, or has no answers.
    """
    if result.attributes.get("set_fingerprint") != embeddings.fingerprint:
        raise UserError(f"{result.path} was measured on other vectors than {embeddings.path} holds; run it again")
    if answered and result.status != "ok":
        raise UserError(f"{result.path} has no answers ({result.status}: {result['reason']}); run it again")


def compare_results(a: Result, b: Result, measure: str, embeddings: EmbeddingSet, force: bool = False) -> Comparison:
    """Result `a` against result `b` by `measure`, query by query; kept beside `a`.

    The comparison's `ratio` is the retention where `b` is the float reference. Wins are queries on which `a` is better,
    whether larger or smaller values are.

    Raises:
        UserError: there is no such measure, it does not apply to both, or as for :func:`evaluate`.
    """
    _check_measure(measure)
    ours, theirs = evaluate(a, embeddings), evaluate(b, embeddings)
    for result, figures in ((a, ours), (b, theirs)):
        if measure not in figures.names:
            raise UserError(f"{result.path} has no {measure}: its set or its k = {result['count']} does not allow it")
    path = a.path.with_suffix(".comparisons.json")
    key = hashlib.sha256(f"{ours.key} {theirs.key} {measure}".encode()).hexdigest()
    kept = {} if force else _kept_comparisons(path, ours.key)
    if key in kept:
        return _comparison(kept[key])
    found = compare(ours.values[measure], theirs.values[measure], SEED)
    if not MEASURES[measure].larger_is_better:
        found = dataclasses.replace(found, wins=found.losses, losses=found.wins)
    kept[key] = dataclasses.asdict(found)
    try:
        with atomic(path) as temporary:
            temporary.write_text(json.dumps({"of": ours.key, "comparisons": kept}))
    except UserError as error:
        logger.debug("comparisons are not kept: %s", error)
    return found


def _check_measure(measure: str) -> None:
    if measure not in MEASURES:
        raise unknown("measure", measure, MEASURES)


def _kept_comparisons(path: Path, of: str) -> dict[str, Any]:
    """The comparisons in `path`, unless they are of other figures than `of`."""
    try:
        stored = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return stored["comparisons"] if stored.get("of") == of else {}


def _comparison(stored: dict[str, Any]) -> Comparison:
    intervals = {name: Interval(*stored[name]) for name in ("difference", "ratio")}
    return Comparison(**stored | intervals)


def _cached(path: Path, key: str) -> Figures | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            stored_key, *names = stored["head"].tolist()
            if stored_key != key:
                return None
            return Figures(key, names, stored["summary"], lambda: _matrix(path, key))
    except _DAMAGED:
        return None


def _matrix(path: Path, key: str) -> Array:
    try:
        with np.load(path, allow_pickle=False) as stored:
            if stored["head"][0] == key:
                return stored["values"]
    except _DAMAGED:
        pass
    raise UserError(f"{path} was changed while it was in use; run the same command again")


def _stamp(embeddings: EmbeddingSet) -> tuple[Path, int]:
    return embeddings.path, embeddings.path.stat().st_mtime_ns


@lru_cache(maxsize=64)
def _judgements(path: Path, mtime: int) -> str:
    """A hash of what the vectors' fingerprint does not cover."""
    embeddings = EmbeddingSet.open(path)
    digest = hashlib.sha256(b"" if embeddings.qrels is None else embeddings.qrels.tobytes())
    digest.update(_own(path, mtime).tobytes())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=64)
def _own(path: Path, mtime: int) -> NDArray[np.int64]:
    """(Q,) the row of the document with the query's own id, -1 where there is none."""
    from binbench.measures.relevance import own_documents

    embeddings = EmbeddingSet.open(path)
    if embeddings.test_ids is None or embeddings.train_ids is None:
        return np.full(len(embeddings.test), -1, np.int64)
    return own_documents(embeddings.test_ids, embeddings.train_ids)


def _compute(result: Result, embeddings: EmbeddingSet) -> dict[str, Array]:
    values = _against_float(result, embeddings) | _of_scores(result, embeddings)
    if embeddings.qrels is not None:
        values |= _against_qrels(result, embeddings, embeddings.qrels)
    return values | _tie_bounds(result, embeddings)


def _against_float(result: Result, embeddings: EmbeddingSet) -> dict[str, Array]:
    from binbench.measures.ranking import ndcg_float, overlap, recall

    ids, distances = result.neighbors, result.distances
    true_ids, true_distances = embeddings.neighbors, embeddings.distances
    depth = min(ids.shape[1], true_ids.shape[1])
    values = {f"recall@{cut}": recall(true_distances, distances, ids, cut) for cut in CUTOFFS if cut <= depth}
    if depth >= CUT:
        values["overlap@10"] = overlap(true_ids, ids, CUT)
        values["ndcg_float@10"] = ndcg_float(true_ids, ids, CUT)
    return values


def _of_scores(result: Result, embeddings: EmbeddingSet) -> dict[str, Array]:
    from binbench.measures.scores import rank_correlation, relative_score_error

    scores = result.array("scores")
    if scores is None:
        return {}
    distances = result.distances.astype(np.float64)
    # The scales that `float` scores on, so that its own error is nil.
    true_scores = 1 - distances if embeddings.distance == "angular" else -(distances**2)
    return {
        "score_error": relative_score_error(true_scores, scores),
        "rank_correlation": rank_correlation(true_scores, scores),
    }


def _against_qrels(result: Result, embeddings: EmbeddingSet, qrels: NDArray[np.int32]) -> dict[str, Array]:
    from binbench.measures.relevance import in_trec_order, judged_queries, relevance

    ids: NDArray[Any] = result.neighbors
    if embeddings.train_ids is not None:
        ids = in_trec_order(ids, result.distances, embeddings.train_ids)
    has_own = (_own(*_stamp(embeddings)) >= 0).any()
    named = (embeddings.test_ids, embeddings.train_ids) if has_own else (None, None)
    judged = judged_queries(qrels)
    values = {}
    for name, found in relevance(qrels, ids, len(ids), *named).items():
        # Recall is the one name that both families have.
        column = f"qrels_{name}" if name.startswith("recall") else name
        everywhere = np.zeros(len(ids))
        everywhere[judged] = found
        values[column] = _judged_only(everywhere, embeddings)
    return values


def _judged_only(values: Array, embeddings: EmbeddingSet) -> Array:
    """`values` (Q,) with NaN for queries that are not judged.

    A collection's set holds judged queries only; one whose judged documents are all unknown finds nothing, which is 0.
    """
    from binbench.measures.relevance import judged_queries

    if embeddings.attributes.get("split") or embeddings.qrels is None:
        return values
    return np.where(np.isin(np.arange(len(values)), judged_queries(embeddings.qrels)), values, np.nan)


def _tie_bounds(result: Result, embeddings: EmbeddingSet) -> dict[str, Array]:
    """Bounds over the orders of tied documents, where the method could name these."""
    from binbench.measures.ties import drop_own, gains_of, ideal_dcg, ndcg_bounds, recall_bounds

    ids, scores, offsets = (result.array(f"tied_{name}") for name in ("ids", "scores", "offsets"))
    if ids is None or scores is None or offsets is None:
        return {}
    values: dict[str, Array] = {}
    if embeddings.neighbors.shape[1] >= CUT:
        bounds = recall_bounds(_is_neighbour(embeddings, ids, offsets), scores, offsets, CUT)
        values |= {f"recall@10_{end}": value for end, value in bounds._asdict().items()}
    own = _own(*_stamp(embeddings))
    # With just ten results a query's own document leaves nine: the figure would not lie within the bounds.
    if embeddings.qrels is not None and (result["count"] > CUT or (own < 0).all()):
        ids, scores, offsets = drop_own(ids, scores, offsets, own)
        ideal = ideal_dcg(embeddings.qrels, len(own), CUT)
        bounds = ndcg_bounds(gains_of(embeddings.qrels, ids, offsets), scores, offsets, ideal, CUT)
        values |= {f"ndcg@10_{end}": _judged_only(value, embeddings) for end, value in bounds._asdict().items()}
    return values


def _is_neighbour(embeddings: EmbeddingSet, ids: NDArray[Any], offsets: NDArray[Any]) -> NDArray[np.bool_]:
    """(T,) whether each document is no farther than its query's true tenth neighbour, within recall's tolerance."""
    from binbench.measures.ranking import TOLERANCE
    from binbench.measures.ties import gains_of
    from binbench.sets.neighbors import distances_to

    true_distances = embeddings.distances.astype(np.float64)
    cut = true_distances[:, CUT - 1] + TOLERANCE
    queries, columns = np.nonzero(true_distances <= cut[:, None])
    nearest = np.stack([queries, embeddings.neighbors[queries, columns], np.ones(len(queries), np.int32)], axis=1)
    found = gains_of(nearest, ids, offsets) > 0
    # Where all stored neighbours are that near, there may be more.
    for query in np.flatnonzero(true_distances[:, -1] <= cut):
        own = slice(offsets[query], offsets[query + 1])
        test = embeddings.test[query : query + 1]
        distances = distances_to(embeddings.train, test, ids[None, own], embeddings.distance)[0]
        found[own] = distances.astype(np.float32) <= cut[query]
    return found
