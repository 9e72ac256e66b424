"""The Python interface: what the verbs do, for scripts and notebooks.

Every function here calls the one that the verb calls. Frames are pandas DataFrames with the columns of docs/columns.md;
``frame.attrs["units"]`` holds their units, ``frame.attrs["results_dir"]`` where the results are.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from binbench.api.arguments import (
    Names,
    Where,
    asked,
    check_keywords,
    documents_of,
    filters,
    given_of,
    kept,
    several,
)
from binbench.api.decision import recommend as recommend
from binbench.api.frames import frame_of, rows_of, stored, the_one
from binbench.api.index import Index as Index
from binbench.api.index import fit as fit
from binbench.errors import UserError, unknown
from binbench.files import path_of
from binbench.harness.options import Mode, RunOptions, SetOptions
from binbench.sets.embeddings import EmbeddingSet

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from binbench.measures.comparison import Comparison

logger = logging.getLogger("binbench")


@overload
def run(
    what: Names,
    queries: None = ...,
    algorithms: None = ...,
    *,
    dataset: Names,
    encoder: Names | None = ...,
    k: int | Sequence[int] | None = ...,
    mode: Mode | Sequence[Mode] | None = ...,
    seed: int | None = ...,
    results_dir: str | Path | None = ...,
    data_dir: str | Path | None = ...,
    **options: Any,
) -> DataFrame: ...


@overload
def run(
    what: NDArray[Any],
    queries: NDArray[Any],
    algorithms: Names,
    *,
    name: str = ...,
    k: int | Sequence[int] | None = ...,
    mode: Mode | Sequence[Mode] | None = ...,
    seed: int | None = ...,
    results_dir: str | Path | None = ...,
    data_dir: str | Path | None = ...,
    **options: Any,
) -> DataFrame: ...


def run(
    what: Any,
    queries: NDArray[Any] | None = None,
    algorithms: Names | None = None,
    *,
    dataset: Names | None = None,
    name: str = "vectors",
    encoder: Names | None = None,
    k: int | Sequence[int] | None = None,
    mode: Mode | Sequence[Mode] | None = None,
    seed: int | None = None,
    results_dir: str | Path | None = None,
    data_dir: str | Path | None = None,
    **options: Any,
) -> DataFrame:
    """Run what is missing, as ``binbench run`` does, and give every result that was asked for.

    Args:
        what: the methods, by the names that `dataset` is run with; or your document vectors, (N, d) floats.
        queries: with vectors: (Q, d) floats.
        algorithms: with vectors: the methods, such as ``["float", "int8", "pq"]``.
        dataset: one or several, as on the command line.
        name: with vectors: how their set's name begins; a hash of their values follows.
        encoder: one or several; the default one where left out.
        k: neighbors per query; one or several. 100 where left out.
        mode: ``batch``, ``single`` or both.
        seed: of everything random.
        results_dir: where results live; $BINBENCH_RESULTS or ``results`` where left out.
        data_dir: where embedding sets live; $BINBENCH_DATA or ``data`` where left out.
        options: any other option of ``binbench run`` by its field's name in :class:`RunOptions` or :class:`SetOptions`,
            such as `runs`, `threads`, `documents` (``[1000, "all"]``), `timeout` (seconds), `memory_limit` (bytes),
            `plugins`, `split`, `beir_dir`.

    Returns:
        One row a result, ``float`` first, because retention needs it; failed ones are rows too and say why.

    Raises:
        UserError: nothing sensible can be run.
    """
    from binbench.harness.run import run as run_all

    named = {"encoders": encoder, "counts": k, "modes": mode, "seeds": seed, "source_seed": seed}
    given = given_of(named | {"results_dir": results_dir, "data_dir": data_dir}) | options
    check_keywords(given)
    if isinstance(what, np.ndarray):
        if queries is None or algorithms is None or dataset is not None:
            raise UserError("vectors are run as bb.run(vectors, queries, algorithms), without a dataset")
        train, test = kept(what, queries, name, asked(SetOptions, given).data_dir)
        methods, given["train"], given["queries"] = several(algorithms), str(train), str(test)
    else:
        if queries is not None or algorithms is not None or dataset is None:
            raise UserError('methods are run as bb.run(["float", "int8"], dataset="NAME")')
        methods, given["datasets"] = several(what), dataset
    settings = asked(RunOptions, given)
    outcome = run_all(asked(SetOptions, given).preparations(), methods, settings)
    for record in outcome.failures:
        logger.warning("%s on %s: %s: %s", record.method, record.set, record.status, record.reason)
    return stored(settings.results_dir, [record.path for record in outcome.records])


def results(
    results_dir: str | Path | None = None, where: Where = (), *, data_dir: str | Path | None = None
) -> DataFrame:
    """What is stored, as ``binbench export`` writes it.

    Args:
        results_dir: root of the result files; $BINBENCH_RESULTS or ``results`` where left out.
        where: column → value, list of values or globs, or a text such as ``">0.5"``; or filters as on the command line.
        data_dir: where embedding sets live: results measured on other vectors than are there now say so.

    Returns:
        One row a result, every column of docs/columns.md; empty where nothing passes.

    Raises:
        UserError: no results, or `where` names no column.
    """
    from binbench.records.rows import rows
    from binbench.records.select import filtered

    folder = asked(RunOptions, given_of({"results_dir": results_dir})).results_dir
    sets = path_of(data_dir) if data_dir is not None else None
    return frame_of(filtered(rows(folder, sets), filters(where)), folder)


def pareto(frame: DataFrame, x: str, y: str) -> DataFrame:
    """The rows that no other beats in both columns, from the best `x` on; what is better, the columns say.

    Rows whose shared tables outweigh the float vectors (column `outweighed`) take no part, nor do those of subsets
    where there are others of the set: a smaller corpus is an easier question.

    Raises:
        UserError: a column that is unknown, holds no numbers, or of which neither end is better; or subsets only, of
            several sizes.
    """
    from binbench.records.columns import numeric
    from binbench.report.charts.base import pareto as frontier

    signs = {}
    for name in (x, y):
        if not numeric(name).better:
            raise UserError(f"column {name}: neither larger nor smaller values are better, so there is no frontier")
        if name not in frame:
            raise UserError(f"the frame has no column {name}; take it from bb.run or bb.results")
        signs[name] = 1.0 if numeric(name).better == "larger" else -1.0
    known = frame.dropna(subset=[x, y])
    if {"set", "documents", "set_documents"} <= set(frame.columns):
        is_whole = known["documents"] == known["set_documents"]
        known = known[is_whole | ~is_whole.groupby(known["set"]).transform("any")]
        if (known.groupby("set")["documents"].nunique() > 1).any():
            raise UserError('a frontier is of one set or subset: choose by frame[frame["documents"] == …]')
    if "outweighed" in known:
        known = known[known["outweighed"] != True]  # noqa: E712
    points = [(float(a), signs[y] * float(b)) for a, b in zip(known[x], known[y], strict=True)]
    return known.iloc[frontier(points, smaller_x=signs[x] < 0)]


def plot(frame: DataFrame, kind: str) -> Figure:
    """The picture that ``binbench plot --kind`` draws, of the results of one set, k and number of threads.

    Args:
        frame: from :func:`run` or :func:`results`, or rows of it.
        kind: such as ``recall-bytes``.

    Raises:
        UserError: an unknown kind, several sets, or nothing to draw.
    """
    from binbench.report.charts.registry import charts

    known = charts()
    if kind not in known:
        raise unknown("kind of plot", kind, known, f"; there are {', '.join(known)}")
    parts = known[kind].parts([row for row in rows_of(frame) if row["status"] == "ok"])
    if len(parts) > 1:
        held = ", ".join(
            f"{name} k={k} threads={threads}"
            + f" max_train={most}" * bool(most)
            + "".join(f" documents={n}" for n in documents)
            for (name, _, k, threads, most, *documents), _ in parts
        )
        raise UserError(
            f'a picture shows one set, k and number of threads; choose from {held}: frame[frame["set"] == …]'
        )
    figure = known[kind](parts[0][1]) if parts else None
    if figure is None:
        raise UserError(f"{kind}: nothing to draw: no result in the frame has the figures that it shows")
    _shown_inline()
    return figure


def compare(frame: DataFrame, a: str, b: str, measure: str = "recall@10") -> Comparison:
    """Method `a` against method `b`, query by query, on the one set of the frame.

    Args:
        frame: from :func:`run` or :func:`results`, or rows of it.
        a, b: methods or instances.
        measure: such as ``ndcg@10``.

    Returns:
        means, difference and ratio with their paired 95 % intervals, p-value, and the queries that `a` won, tied, lost.

    Raises:
        UserError: an unknown measure, a method that the frame holds not once, or without that measure.
    """
    from binbench.measures.registry import MEASURES
    from binbench.records.pairs import compare as compared

    if measure not in MEASURES:
        raise unknown("measure", measure, MEASURES)
    rows = [row for row in rows_of(frame) if row["status"] == "ok"]
    found = compared(the_one(rows, a).record, the_one(rows, b).record, measure)
    if found is None:
        raise UserError(f"{measure} was not measured for both {a} and {b}; the set has perhaps no judgements")
    return found


def embeddings(
    dataset: str,
    encoder: str | None = None,
    *,
    seed: int | None = None,
    data_dir: str | Path | None = None,
    **options: Any,
) -> EmbeddingSet:
    """An embedding set, made where it is missing, as ``binbench prepare`` does.

    Args:
        dataset: a registered name, a folder in BEIR's layout, or an HDF5 file.
        encoder: the default one where left out.
        seed: of what is sampled or fitted.
        data_dir: where embedding sets live; $BINBENCH_DATA or ``data`` where left out.
        options: other fields of :class:`SetOptions`, such as `split`, `device`, `precision`, `max_tokens`, `beir_dir`.

    Returns:
        ``train`` (N, d) and ``test`` (Q, d) float32, ``neighbors`` (Q, 100) int32, ``qrels`` (n, 3) int32 or None,
        ``ids``; read when first asked for.

    Raises:
        UserError: there is no such dataset or encoder, or it cannot be made.
    """
    from binbench.sets.encoders import check_encoder
    from binbench.sets.prepare import check_dataset

    named = {"datasets": dataset, "encoders": encoder, "source_seed": seed, "data_dir": data_dir}
    given = given_of(named) | options
    check_keywords(given, SetOptions)
    preparations = asked(SetOptions, given).preparations()
    if len(preparations) != 1:
        raise UserError(f"{dataset!r} stands for {len(preparations)} sets; name one")
    check_dataset(preparations[0].dataset, preparations[0].source)
    check_encoder(preparations[0].encoder.spec)
    return preparations[0].run()


def geometry(sets: Mapping[str, EmbeddingSet | NDArray[Any]], *, seed: int = 0) -> DataFrame:
    """What sets of vectors look like: anisotropy, outliers, intrinsic dimension, hubness, cosines of random pairs.

    Args:
        sets: name → embedding set, of which the documents count, or vectors (N, d).
        seed: of the 5,000 rows and the pairs that are looked at.

    Returns:
        One row a set; ``attrs["definitions"]`` says what each column is.
    """
    from pandas import DataFrame

    from binbench.study.geometry import DIAGNOSTICS, diagnose, sample

    rows = {name: diagnose(sample(documents_of(one), seed=seed), seed) for name, one in sets.items()}
    frame = DataFrame.from_dict(rows, orient="index", columns=list(DIAGNOSTICS))
    frame.attrs["definitions"] = dict(DIAGNOSTICS)
    return frame


def cosines(vectors: EmbeddingSet | NDArray[Any], *, seed: int = 0) -> NDArray[np.float64]:
    """(n,) cosines of random pairs of an embedding set's documents, or of vectors (N, d)."""
    from binbench.study.geometry import pair_cosines, sample

    return pair_cosines(sample(documents_of(vectors), seed=seed), seed)


def conformance(name: str, *, seed: int = 0) -> DataFrame:
    """Whether methods keep the interface's promises, as ``binbench check`` sees it.

    Args:
        name: an instance or family, or a plugin file (``.py``).
        seed: of everything random.

    Returns:
        One row a method and rule: ``instance``, ``rule``, ``ok``, ``message``.

    Raises:
        UserError: there is no such method or file.
        Unsupported: a method serves none of the sizes tried.
    """
    from pandas import DataFrame

    from binbench.check.conformance import check_isolated, targets

    rows = [(instance.name, *result) for instance in targets(name) for result in check_isolated(instance.name, seed)]
    return DataFrame(rows, columns=["instance", "rule", "ok", "message"])


def _shown_inline() -> None:
    """Have a notebook show figures as pictures, also where nothing has imported pyplot."""
    import sys

    if "IPython" in sys.modules:
        from IPython import get_ipython
        from IPython.core.pylabtools import select_figure_formats

        if shell := get_ipython():
            select_figure_formats(shell, {"png"})
