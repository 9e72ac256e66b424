"""The rules, one small function each; its docstring is what it asks."""

from __future__ import annotations

import copy
import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from binbench.check.held import held
from binbench.check.trial import K, Trial
from binbench.plugins.algorithm import Answer

Rule = Callable[[Trial], None]


class Broken(Exception):
    """The method breaks the rule; the message says how."""


class NotApplicable(Exception):
    """The rule asks nothing of this method; the message says why."""


RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    """Add `function` to the rules under its name, with hyphens."""
    RULES[function.__name__.replace("_", "-")] = function
    return function


def demand(holds: Any, message: str) -> None:
    """Raise `Broken` with `message` unless `holds`."""
    if not holds:
        raise Broken(message)


@rule
def shapes_and_dtypes(trial: Trial) -> None:
    """Q queries get ids (Q, k) int64 and scores (Q, k) float32, one query included."""
    for queries in (trial.queries, trial.queries[:1]):
        ids, scores = trial.ask(trial.fitted, queries)
        for what, array, dtype in (("ids", ids, np.int64), ("scores", scores, np.float32)):
            demand(isinstance(array, np.ndarray), f"{what} are {type(array).__name__}, not a numpy array")
            demand(array.dtype == dtype, f"{what} are {array.dtype}, not {np.dtype(dtype)}")
            demand(array.shape == (len(queries), K), f"{what} have shape {array.shape}, not {(len(queries), K)}")


@rule
def ids_in_range_and_unique(trial: Trial) -> None:
    """Ids are row numbers of `train`, each at most once per query; -1 only pads the end."""
    valid_ids(trial.answer, trial.rows)


def valid_ids(answer: Answer, rows: int) -> None:
    """Demand that `answer` names rows below `rows`, each once, and nothing after -1."""
    for i, row in enumerate(answer[0]):
        named = row[row != -1]
        demand(((named >= 0) & (named < rows)).all(), f"query {i} got ids outside 0..{rows - 1}")
        demand(len(np.unique(named)) == len(named), f"query {i} got the same id twice")
        demand((row[: len(named)] != -1).all(), f"query {i} got ids after the padding")


@rule
def order_by_score(trial: Trial) -> None:
    """Scores never rise from one place to the next, larger is better, and none is NaN."""
    ids, scores = trial.answer
    demand(not np.isnan(scores).any(), "some scores are NaN")
    demand((np.isneginf(scores) == (ids == -1)).all(), "the score -inf must pad where the id is -1, and only there")
    demand(
        (scores[:, :-1] >= scores[:, 1:]).all(), "scores rise within a query's results: larger is better, best first"
    )


@rule
def ties_by_row(trial: Trial) -> None:
    """Equal scores are ordered by row, and of equal documents the first rows are returned."""
    try:
        algorithm = trial.fitted_on_repeated
    except Exception as error:
        raise NotApplicable("it cannot be fitted on duplicates") from error
    distinct = len(trial.repeated) // 10
    asked = trial.repeated[: min(8, distinct)]
    # Every cut lies in the midst of ten equal documents.
    for k in (2, 5, 13):
        ids, scores = trial.ask(algorithm, asked, k)
        rising = (np.diff(ids, axis=1) > 0) | (scores[:, 1:] != scores[:, :-1]) | (ids[:, 1:] == -1)
        demand(rising.all(), "equal scores are not in the order of rows")
        if not getattr(algorithm, "exhaustive", True):
            continue
        for row in ids:
            for first in np.unique(row[row >= 0] % distinct):
                got = np.sort(row[row % distinct == first])
                expected = first + distinct * np.arange(len(got))
                demand(np.array_equal(got, expected), f"of equal documents a later row is returned first ({k=})")


def demand_seed(trial: Trial) -> None:
    """Raise `NotApplicable` for methods that say that they cannot be repeated."""
    if not getattr(trial.fitted, "repeatable", True):
        raise NotApplicable("it says that its library draws from no seed")


@rule
def deterministic(trial: Trial) -> None:
    """Two fits with one seed give the same ids and scores."""
    demand_seed(trial)
    same(trial.ask(trial.fit()), trial.answer, "a second fit with the same seed answers differently")


@rule
def same_on_any_threads(trial: Trial) -> None:
    """One thread and more give the same ids, and scores within rounding."""
    import faiss

    demand_seed(trial)
    other = 2 if faiss.omp_get_max_threads() == 1 else 1
    with threads(other):
        answer = trial.ask(trial.fit())
    same(answer, trial.answer, f"the answers are others on {other} threads", rounding=1e-5)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let faiss and the linear algebra use `count` threads."""
    import faiss
    from threadpoolctl import threadpool_limits

    before = faiss.omp_get_max_threads()
    with threadpool_limits(count):
        faiss.omp_set_num_threads(count)
        try:
            yield
        finally:
            faiss.omp_set_num_threads(before)


def same(answer: Answer, expected: Answer, message: str, rounding: float = 0) -> None:
    """Demand the same ids and scores; ids may differ where scores are within `rounding` of a neighbour's."""
    ids, scores = expected
    demand(np.array_equal(np.isfinite(answer[1]), np.isfinite(scores)), message)
    finite = np.isfinite(scores)
    slack = rounding * max(1.0, float(np.abs(scores[finite]).max(initial=0)))
    demand((np.abs(answer[1][finite] - scores[finite]) <= slack).all(), message)
    gaps = np.full((len(scores), scores.shape[1] + 1), np.inf)
    gaps[:, 1:-1] = np.abs(np.diff(np.where(finite, scores, 0), axis=1))
    gaps[:, -1] = 0 if rounding else np.inf
    apart = (gaps[:, :-1] > slack) & (gaps[:, 1:] > slack) if rounding else np.ones_like(finite)
    demand((answer[0] == ids)[apart].all(), message)


@rule
def inputs_untouched(trial: Trial) -> None:
    """Read-only arrays are served, and hold the same bytes afterwards."""
    train, queries = trial.train.copy(), trial.queries.copy()
    for array in (train, queries):
        array.setflags(write=False)
    algorithm = trial.create()
    algorithm.fit(train)
    demand(np.array_equal(train, trial.train), "fit changes the documents it is given")
    algorithm.query(queries, K)
    demand(np.array_equal(queries, trial.queries), "query changes the queries it is given")


@rule
def more_asked_than_there_are(trial: Trial) -> None:
    """For k > N the end is padded with id -1 and score -inf."""
    k = trial.rows + 3
    help_ = "; binbench.top(scores, k) pads and breaks ties as asked"
    try:
        ids, scores = trial.ask(trial.fitted, trial.queries[:5], k)
    except Exception as error:
        raise Broken(f"k = {k} of {trial.rows} rows: {type(error).__name__}: {error}{help_}") from error
    shapes = f"ids and scores have shapes {ids.shape} and {scores.shape}, not {(5, k)}"
    demand(ids.shape == scores.shape == (5, k), shapes + help_)
    demand((ids[:, -3:] == -1).all(), "ids beyond N are not padded with -1" + help_)
    demand(np.isneginf(scores[:, -3:]).all(), "scores beyond N are not padded with -inf" + help_)
    valid_ids((ids, scores), trial.rows)
    if getattr(trial.fitted, "exhaustive", True):
        demand((ids[:, : trial.rows] != -1).all(), "not every row is returned when k > N" + help_)


@rule
def one_vector(trial: Trial) -> None:
    """A single document is found, or refused with Unsupported."""
    ids, scores = trial.ask(trial.fit(trial.train[:1]), trial.queries[:5], 3)
    demand(np.array_equal(ids, [[0, -1, -1]] * 5), f"the only document is not the only answer: {ids[0].tolist()}")
    demand(np.isfinite(scores[:, 0]).all(), "the only document's score is not finite")


@rule
def duplicates(trial: Trial) -> None:
    """Documents that all occur many times are served with valid answers."""
    ids, scores = trial.ask(trial.fitted_on_repeated)
    valid_ids((ids, scores), len(trial.repeated))
    demand(not np.isnan(scores).any(), "some scores are NaN")
    demand((ids[:, 0] != -1).all(), "some queries get no answer")


@rule
def refit(trial: Trial) -> None:
    """Fitting again on other documents forgets the first ones."""
    algorithm = trial.fit(trial.other)
    algorithm.fit(trial.train.copy())
    if getattr(algorithm, "repeatable", True):
        same(trial.ask(algorithm), trial.answer, "fitted twice, it answers otherwise than fitted once")
    else:
        valid_ids(trial.ask(algorithm), trial.rows)
    footprints = algorithm.footprint().total(trial.rows), trial.fitted.footprint().total(trial.rows)
    demand(footprints[0] == footprints[1], f"fitted twice, it holds {footprints[0]} bytes, fitted once {footprints[1]}")


@rule
def save_without_pickle(trial: Trial) -> None:
    """What `save(path)` writes, the class's `load(path)` reads without unpickling, with the same answers."""
    algorithm: Any = trial.fitted
    if not (hasattr(algorithm, "save") and hasattr(algorithm, "load")):
        raise NotApplicable("no save and load")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "saved"
        algorithm.save(path)
        written = next(iter(sorted(Path(folder).iterdir())), path)
        demand(written.exists(), "save writes no file")
        refuse = mock.Mock(side_effect=Broken("load unpickles, which runs whatever code the file holds"))
        with (
            mock.patch("pickle.load", refuse),
            mock.patch("pickle.loads", refuse),
            mock.patch("pickle.Unpickler", refuse),
        ):
            loaded = type(algorithm).load(path)
    same(trial.ask(loaded), trial.answer, "loaded, it answers otherwise than before it was saved")


@rule
def bytes_honest(trial: Trial) -> None:
    """The footprint is what the object really holds, within 1 % and 4 KiB for headers and list ends."""
    stated = trial.fitted.footprint().total(trial.rows)
    found, closed = held(trial.fitted)
    if closed and found < stated:
        raise NotApplicable(f"what objects of type {', '.join(sorted(closed))} hold cannot be seen")
    demand(
        abs(found - stated) <= 4096 + 0.01 * stated,
        f"footprint() states {stated} bytes over {trial.rows} vectors, the object holds {found}",
    )


@rule
def independent_of_queries(trial: Trial) -> None:
    """A query's answer does not depend on those asked before it or beside it."""
    trial.ask(trial.fitted, trial.other[:20])
    same(trial.ask(trial.fitted), trial.answer, "the answers change after other queries")
    alone = trial.ask(trial.fitted, trial.queries[:1])
    beside = trial.answer[0][:1], trial.answer[1][:1]
    same(alone, beside, "a query alone is answered otherwise than among others", rounding=1e-5)


@rule
def query_arguments(trial: Trial) -> None:
    """Every value of `query_grid` can be set and answers validly; an unknown argument is a TypeError."""
    algorithm = copy.copy(trial.fitted)
    try:
        algorithm.set_query_arguments(no_such_argument=1)
    except TypeError:
        pass
    else:
        raise Broken("set_query_arguments takes an argument that query_grid does not name")
    grid = algorithm.query_grid
    if not grid:
        raise NotApplicable("no query arguments")
    for values in itertools.product(*grid.values()):
        algorithm.set_query_arguments(**dict(zip(grid, values, strict=True)))
        valid_ids(trial.ask(algorithm), trial.rows)


@rule
def finds_itself(trial: Trial) -> None:
    """Asked with a document, nine times in ten it returns that document among the first ten."""
    asked = np.arange(0, trial.rows, trial.rows // 40)
    ids, _ = trial.ask(trial.fitted, trial.train[asked])
    found = (ids == asked[:, None]).any(axis=1).mean()
    demand(found >= 0.9, f"only {found:.0%} of documents find themselves among their first {K}")


@rule
def better_than_chance(trial: Trial) -> None:
    """Recall@10 is above what a random order reaches, by five standard errors."""
    exact = np.argsort(-(trial.queries @ trial.train.T), axis=1)[:, :K]
    hits = (trial.answer[0][:, :, None] == exact[:, None, :]).any(axis=1)
    chance = K / trial.rows
    floor = chance + 5 * np.sqrt(chance * (1 - chance) / hits.size)
    demand(hits.mean() > floor, f"recall@{K} is {hits.mean():.3f}; a random order stays below {floor:.3f}")
