"""A stored result's figures: computed once, right after its answers, and kept in its file."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.harness.measures import CUT, CUTOFFS, MEASURES
from binbench.harness.results import origin_of, update
from binbench.measures.bootstrap import mean_ci
from binbench.records.compare import contrasts
from binbench.records.record import Record
from binbench.records.store import files_under, member, open_record, read, write_index
from binbench.sets.embeddings import EmbeddingSet

Array = NDArray[np.float64]

SEED = 0
#: Raised when a measure's definition changes, so that stored figures are computed anew.
EVALUATION_SCHEMA = 4


def judge(path: Path, embeddings: EmbeddingSet) -> None:
    """Compute the figures of the result at `path` and store them in it.

    Raises:
        UserError: the result cannot be read, is damaged, or has other vectors than `embeddings`.
    """
    record = open_record(path)
    check_set(record, embeddings)
    values = _compute(record, embeddings)
    names = [name for name in MEASURES if name in values]
    matrix = np.stack([values[name] for name in names])
    limits = np.stack(mean_ci(matrix.T, SEED))
    answers = hashlib.sha256(_answers(record, "neighbors").tobytes()).hexdigest()
    figures = {
        "key": f"{record.inputs[:16]}:{answers[:16]}:{_made_by(embeddings)}",
        "made_by": _made_by(embeddings),
        "names": names,
        "means": {name: column.tolist() for name, column in zip(names, limits.T, strict=True)},
    }
    update(path, {"figures": matrix}, {"figures": figures, "contrasts": {}, "origin": origin_of(embeddings)})


def settle(
    results_dir: Path, paths: Sequence[Path], sets: Mapping[str, EmbeddingSet], force: bool = False
) -> tuple[list[Record], list[str]]:
    """See that the results at `paths` hold their figures and how they compare with ``float``; keep the index.

    Figures are current while the answers, the judgements and the measures' definitions are the same.

    Args:
        results_dir: root of the result files.
        paths: below it.
        sets: embedding sets by name; results of others keep what they have.
        force: compute all figures anew.

    Returns:
        the records, and why those that could not be judged were not, one line each.
    """
    troubles: list[str] = []
    for record in read(results_dir, paths):
        embeddings = sets.get(record.set)
        if record.status != "ok" or embeddings is None:
            continue
        if not force and record.figures and record.figures.made_by == _made_by(embeddings):
            continue
        try:
            judge(record.path, embeddings)
        except UserError as error:
            troubles.append(str(error))
    for record in read(results_dir, paths):
        if record.figures and record.reference and record.reference.figures:
            kept = record.stored_contrasts
            if not kept or any(one["with"] != record.reference.figures.key for one in kept.values()):
                update(record.path, {}, {"contrasts": contrasts(record, record.reference)})
    write_index(results_dir)
    return read(results_dir, paths), troubles


def evaluate(
    results_dir: Path, data_dir: Path, datasets: Sequence[str] = (), force: bool = False
) -> tuple[list[Record], list[str]]:
    """Judge stored results without running any method.

    Args:
        results_dir: the root of the result files.
        data_dir: where the embedding sets live.
        datasets: only these: names of sets or of their datasets, globs, or paths of embedding sets elsewhere; all where
            empty.
        force: compute figures anew that are there.

    Returns:
        the records that are judged, those without answers included, and why others are left out, one line each.

    Raises:
        UserError: there are no results, or none that `datasets` name.
    """
    elsewhere = {Path(name).stem: Path(name).expanduser() for name in datasets if name.endswith((".hdf5", ".h5"))}
    wanted = [name for name in datasets if not name.endswith((".hdf5", ".h5"))] + list(elsewhere)
    asked = f" of {', '.join(datasets)}" if datasets else ""
    paths = [results_dir / file for file in files_under(results_dir)]
    paths = [path for path in paths if not wanted or any(_fits(path.relative_to(results_dir), name) for name in wanted)]
    if not paths:
        raise UserError(f"no results{asked} below {results_dir}; `binbench run` makes them")
    usable, left_out = [], []
    sets: dict[str, EmbeddingSet] = {}
    for record in read(results_dir, paths):
        place = elsewhere.get(record.set, data_dir / f"{record.set}.hdf5")
        try:
            if record.status == "unreadable":
                raise UserError(f"{record.path}: {record.reason}")
            if record.set not in sets and not place.is_file():
                raise UserError(f"{record.path}: its embedding set {record.set} is not in {data_dir}; see --data-dir")
            embeddings = sets.setdefault(record.set, EmbeddingSet.open(place))
            check_set(record, embeddings)
        except UserError as error:
            left_out.append(str(error))
        else:
            usable.append(record.path)
    if not usable:
        return [], left_out
    records, troubles = settle(results_dir, usable, sets, force)
    return records, left_out + troubles


def _fits(file: Path, wanted: str) -> bool:
    set_name = file.parts[0]
    return set_name == wanted or set_name.startswith(f"{wanted}-") or fnmatch.fnmatchcase(set_name, wanted)


def check_set(record: Record, embeddings: EmbeddingSet) -> None:
    """Refuse a result that `embeddings` cannot judge.

    Raises:
        UserError: it was measured on other vectors.
    """
    if record.fingerprint != embeddings.fingerprint:
        raise UserError(f"{record.path} was measured on other vectors than {embeddings.path} holds; run it again")


def _made_by(embeddings: EmbeddingSet) -> str:
    """What figures depend on beside the answers: the judgements and the measures' definitions."""
    return f"{EVALUATION_SCHEMA}:{_judgements(*_stamp(embeddings))}"


def _answers(record: Record, name: str) -> NDArray[Any]:
    found = member(record.path, name)
    if found is None:
        raise UserError(f"{record.path} is damaged: it has no {name!r}; delete it and run again")
    return found


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


def _compute(record: Record, embeddings: EmbeddingSet) -> dict[str, Array]:
    values = _against_float(record, embeddings) | _of_scores(record, embeddings)
    if embeddings.qrels is not None:
        values |= _against_qrels(record, embeddings, embeddings.qrels)
    return values | _tie_bounds(record, embeddings)


def _against_float(record: Record, embeddings: EmbeddingSet) -> dict[str, Array]:
    from binbench.measures.ranking import ndcg_float, overlap, recall

    ids, distances = _answers(record, "neighbors"), _answers(record, "distances")
    true_ids, true_distances = embeddings.neighbors, embeddings.distances
    depth = min(ids.shape[1], true_ids.shape[1])
    values = {f"recall@{cut}": recall(true_distances, distances, ids, cut) for cut in CUTOFFS if cut <= depth}
    if depth >= CUT:
        values["overlap@10"] = overlap(true_ids, ids, CUT)
        values["ndcg_float@10"] = ndcg_float(true_ids, ids, CUT)
    return values


def _of_scores(record: Record, embeddings: EmbeddingSet) -> dict[str, Array]:
    from binbench.measures.scores import rank_correlation, relative_score_error

    scores = member(record.path, "scores")
    if scores is None:
        return {}
    distances = _answers(record, "distances").astype(np.float64)
    # The scales that `float` scores on, so that its own error is nil.
    true_scores = 1 - distances if embeddings.distance == "angular" else -(distances**2)
    return {
        "score_error": relative_score_error(true_scores, scores),
        "rank_correlation": rank_correlation(true_scores, scores),
    }


def _against_qrels(record: Record, embeddings: EmbeddingSet, qrels: NDArray[np.int32]) -> dict[str, Array]:
    from binbench.measures.relevance import in_trec_order, judged_queries, relevance

    ids: NDArray[Any] = _answers(record, "neighbors")
    if embeddings.train_ids is not None:
        ids = in_trec_order(ids, _answers(record, "distances"), embeddings.train_ids)
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


def _tie_bounds(record: Record, embeddings: EmbeddingSet) -> dict[str, Array]:
    """Bounds over the orders of tied documents, where the method could name these."""
    from binbench.measures.ties import drop_own, gains_of, ideal_dcg, ndcg_bounds, recall_bounds

    ids, scores, offsets = (member(record.path, f"tied_{name}") for name in ("ids", "scores", "offsets"))
    if ids is None or scores is None or offsets is None:
        return {}
    values: dict[str, Array] = {}
    if embeddings.neighbors.shape[1] >= CUT:
        bounds = recall_bounds(_is_neighbour(embeddings, ids, offsets), scores, offsets, CUT)
        values |= {f"recall@10_{end}": value for end, value in bounds._asdict().items()}
    own = _own(*_stamp(embeddings))
    # With just ten results a query's own document leaves nine: the figure would not lie within the bounds.
    if embeddings.qrels is not None and (record.k > CUT or (own < 0).all()):
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
