"""Sentence pairs: how well methods' codes agree with people, and with float."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from binbench.errors import Unsupported
from binbench.measures.correlation import Similarity, similarity
from binbench.plugins.algorithm import Algorithm, FloatArray
from binbench.plugins.registry import ALGORITHMS, Instance
from binbench.plugins.two_stage import TwoStage
from binbench.sets.prepare import EncoderOptions
from binbench.sets.text_vectors import text_vectors
from binbench.tasks.tsv import Pairs, read_pairs

logger = logging.getLogger("binbench")

#: Queries asked at a time; each is answered with every sentence.
_BLOCK = 256


@dataclass(frozen=True)
class PairFigures:
    """One method on one file of pairs.

    Attributes:
        name: the instance.
        status: ``skipped`` where the method cannot serve, ``failed`` where it broke.
        reason: why, for those.
        figures: the correlations and the bias of the angle, for ``ok``.
        bytes_per_vector: everything held per vector, a re-scoring store included.
        notes: what the method remarks on its training.
    """

    name: str
    status: Literal["ok", "skipped", "failed"]
    reason: str = ""
    figures: Similarity | None = None
    bytes_per_vector: float = np.nan
    notes: list[str] = field(default_factory=list)


def pair_similarity(
    pairs_file: Path,
    algorithms: Iterable[str],
    encoder: EncoderOptions | None = None,
    data_dir: Path = Path("data"),
    seed: int = 0,
) -> list[PairFigures]:
    """Compare methods by sentence pairs with human scores.

    Each method is fitted on the distinct sentences of the file, first and second ones, as its documents; a pair's code
    similarity is the score that the second sentence gets when the first is the query. Every default of the method
    holds; query-time grids are not run through.

    Args:
        pairs_file: see :func:`binbench.tasks.tsv.read_pairs`.
        algorithms: names as for `binbench run`.
        encoder: MiniLM by default.
        data_dir: where the embeddings are kept.
        seed: of everything random.

    Returns:
        One row for each instance, in order.

    Raises:
        UserError: the file, a name or the encoder is not usable.
    """
    pairs = read_pairs(pairs_file)
    instances = ALGORITHMS.resolve(algorithms)
    sentences = list(dict.fromkeys([*pairs.first, *pairs.second]))
    vectors = text_vectors(sentences, encoder or EncoderOptions(), data_dir, seed)
    row_of = {sentence: row for row, sentence in enumerate(sentences)}
    rows = np.array([[row_of[a], row_of[b]] for a, b in zip(pairs.first, pairs.second, strict=True)])
    return [_figures(instance, pairs, vectors, rows, seed) for instance in instances]


def _figures(instance: Instance, pairs: Pairs, vectors: FloatArray, rows: NDArray[np.int64], seed: int) -> PairFigures:
    try:
        algorithm: Algorithm = instance.create(dimension=vectors.shape[1], seed=seed, metric="angular")
        algorithm.fit(vectors)
        code = pair_scores(algorithm, vectors, rows)
    except Unsupported as error:
        return PairFigures(instance.name, "skipped", str(error))
    except Exception as error:
        logger.debug("%s", instance.name, exc_info=True)
        return PairFigures(instance.name, "failed", f"{type(error).__name__}: {error}".partition("\n")[0])
    first, second = (vectors[column].astype(np.float64) for column in rows.T)
    figures = similarity(pairs.scores, np.einsum("nd,nd->n", first, second), code, angles(algorithm, code), seed)
    notes = algorithm.facts.get("notes", [])
    return PairFigures(instance.name, "ok", "", figures, algorithm.footprint().per_vector, notes)


def pair_scores(algorithm: Algorithm, vectors: FloatArray, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The score of each pair's second row when its first is the query.

    Args:
        algorithm: fitted on `vectors`.
        vectors: (N, d).
        rows: (n, 2) the pairs.

    Raises:
        Unsupported: the method does not score every row.
    """
    if isinstance(algorithm, TwoStage):
        # A pair is scored by both stages, as its documents would be if one of them were searched for.
        algorithm.candidates = len(vectors)
    scores = np.full(len(rows), np.nan)
    for start in range(0, len(rows), _BLOCK):
        first, second = rows[start : start + _BLOCK].T
        ids, found = algorithm.query(vectors[first], len(vectors))
        pair, place = np.nonzero(ids == second[:, None])
        scores[start + pair] = found[pair, place]
    missed = int(np.isnan(scores).sum())
    if missed:
        raise Unsupported(f"it does not score every document: {missed} of {len(rows)} pairs have no score")
    return scores


def angles(algorithm: Algorithm, scores: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The angles in radians that a method's `scores` (n,) stand for; None where its scale is its own.

    A Hamming similarity 1 − 2·h/bits stands for π·h/bits (Charikar, 2002).
    """
    if algorithm.score_scale == "hamming":
        return np.pi * (1 - scores) / 2
    return np.arccos(np.clip(scores, -1, 1)) if algorithm.score_scale == "cosine" else None
