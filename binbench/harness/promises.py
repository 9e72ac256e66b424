"""What a method promises of its answers and its bytes, checked; see :mod:`binbench.check.rules` for the rest."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.plugins.algorithm import Answer, Footprint

#: Scores this close, relative to their size, may change places from one repeat to the next: sums round differently.
ROUNDING = 1e-5
#: Bytes that nobody has, and that an integer of 64 bits does not hold.
_MOST = 2**63


class BadAnswer(Exception):
    """A plugin's answer that breaks the interface; the message says how."""


def shaped(answer: Any, queries: int, k: int) -> None:
    """See that `answer` is a pair of (queries, k) arrays.

    Raises:
        BadAnswer: it is not.
    """
    if not isinstance(answer, tuple) or len(answer) != 2:
        raise BadAnswer(f"query returned {type(answer).__name__}, expected a tuple (ids, scores)")
    for name, array in zip(("ids", "scores"), answer, strict=True):
        if isinstance(array, np.ndarray) and not _is_plain(array):
            raise BadAnswer(f"query returned {name} with a mask, expected a plain array; pad with -1")
        if not isinstance(array, np.ndarray) or array.shape != (queries, k):
            shape = getattr(array, "shape", type(array).__name__)
            raise BadAnswer(f"query returned {name} of shape {shape}, expected {(queries, k)}")


def _is_plain(array: Any) -> bool:
    """Whether it is an array, and one without a mask, where comparisons answer nothing."""
    return isinstance(array, np.ndarray) and not isinstance(array, np.ma.MaskedArray)


def checked(answer: Any, queries: int, k: int, n: int) -> Answer:
    """`answer` if it keeps the interface's promises: shapes, dtypes, range, order, no duplicates, no NaN.

    Raises:
        BadAnswer: it does not; the message names the first query concerned.
    """
    shaped(answer, queries, k)
    ids, scores = answer
    if not np.issubdtype(ids.dtype, np.integer) or not np.issubdtype(scores.dtype, np.floating):
        raise BadAnswer(f"query returned ids of {ids.dtype} and scores of {scores.dtype}, expected integers and floats")
    padding = ids < 0
    with np.errstate(invalid="ignore"):
        rising = (scores[:, 1:] > scores[:, :-1]) & ~padding[:, 1:]
    for bad, problem in (
        ((ids < -1) | (ids >= n), f"ids outside -1..{n - 1}"),
        (np.isnan(scores), "NaN scores"),
        (_repeated(ids), "an id more than once"),
        (padding[:, :-1] & ~padding[:, 1:], "ids after the padding"),
        (rising, "rising scores: larger is better, best first"),
    ):
        if bad.any():
            row = int(np.argmax(bad.any(axis=1)))
            raise BadAnswer(f"query {row} was answered with {problem}")
    if n and queries and padding.all():
        raise BadAnswer("no query was answered: all ids are -1")
    return ids, scores


def checked_ties(tied: Any, queries: int, n: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """`tied` if it is what :meth:`Algorithm.tied` promises.

    Raises:
        BadAnswer: it is not.
    """
    if not isinstance(tied, tuple) or len(tied) != 3 or not all(map(_is_plain, tied)):
        raise BadAnswer(f"tied returned {type(tied).__name__}, expected a tuple of arrays (ids, scores, offsets)")
    ids, scores, offsets = tied
    for name, array, shape, kind in (
        ("ids", ids, ids.shape[:1], np.integer),
        ("scores", scores, ids.shape[:1], np.floating),
        ("offsets", offsets, (queries + 1,), np.integer),
    ):
        if array.ndim != 1 or array.shape != shape or not np.issubdtype(array.dtype, kind):
            raise BadAnswer(f"tied returned {name} of {array.dtype} and shape {array.shape}")
    lengths = np.diff(offsets)
    if offsets[0] != 0 or offsets[-1] != len(ids) or (lengths < 0).any():
        raise BadAnswer(f"tied returned offsets that do not ascend from 0 to {len(ids)}")
    owner = np.repeat(np.arange(queries), lengths)
    rising = (scores[1:] > scores[:-1]) & (owner[1:] == owner[:-1])
    for bad, problem in (
        ((ids < 0) | (ids >= n), f"ids outside 0..{n - 1}"),
        (np.isnan(scores), "NaN scores"),
        (rising, "rising scores"),
    ):
        if bad.any():
            raise BadAnswer(f"query {owner[int(np.argmax(bad))]} was told to be tied with {problem}")
    ordered = np.sort(owner * n + ids)
    if (again := ordered[1:] == ordered[:-1]).any():
        raise BadAnswer(f"query {ordered[int(np.argmax(again))] // n} was told to be tied with an id more than once")
    return ids, scores, offsets


def checked_footprint(footprint: Any, n: int, ids: NDArray[np.integer[Any]]) -> Footprint:
    """`footprint` in Python's numbers, if it can be true of an index over `n` vectors that answered with `ids`.

    Rows with equal codes are tied, and the first of them is returned first: an index that puts D different rows first
    tells D rows apart, which takes log₂ D bits of each. What it holds only once is counted in its favor.

    Raises:
        BadAnswer: it is none, not finite, negative, or smaller than what the answers took.
    """
    if not isinstance(footprint, Footprint):
        raise BadAnswer(f"footprint returned {type(footprint).__name__}, expected a binbench.Footprint")
    found: dict[str, Any] = {}
    for name in ("codes", "extras", "shared", "rescore"):
        value = getattr(footprint, name)
        number = value.item() if isinstance(value, np.generic) else value
        if not isinstance(number, int | float) or not 0 <= number < _MOST:
            raise BadAnswer(f"footprint says {name}={number!r}: bytes are not negative, and fewer than 2⁶³")
        found[name] = number
    if not isinstance(found["shared"], int):
        raise BadAnswer(f"footprint says shared={found['shared']!r}: whole bytes, held once")
    held = Footprint(**found)
    first = len(np.unique(ids[:, 0][ids[:, 0] >= 0])) if ids.size else 0
    if n and first and 8 * held.total(n) / n < math.log2(first):
        raise BadAnswer(
            f"footprint says {held.total(n)} bytes for {n} vectors, too few to tell apart the {first} that came first"
        )
    return held


def alike(one: Answer, other: Answer) -> bool:
    """Whether two answers to the same queries are the same, but for places that near-equal scores exchanged."""
    (ids, scores), (other_ids, other_scores) = one, other
    rows = np.flatnonzero((ids != other_ids).any(axis=1))
    return all(_exchanged(ids[i], scores[i], other_ids[i], other_scores[i]) for i in rows)


def _exchanged(ids: NDArray[Any], scores: NDArray[Any], other_ids: NDArray[Any], other_scores: NDArray[Any]) -> bool:
    """Whether every id has the same score in both; one that fell out of the other scores like the other's last."""
    place = {int(row): i for i, row in enumerate(other_ids)}
    theirs = np.array([other_scores[place.get(int(row), -1)] for row in ids])
    same = scores == theirs  # padding's infinities too
    scale = np.abs(scores[np.isfinite(scores)]).max(initial=0)
    with np.errstate(invalid="ignore"):
        return bool((same | (np.abs(scores - theirs) <= ROUNDING * scale)).all())


def _repeated(ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    ordered = np.sort(ids, axis=1)
    return (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
