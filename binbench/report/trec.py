"""TREC run and qrels files, for trec_eval, ir_measures and every other tool that reads them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.files import atomic
from binbench.measures.relevance import own_documents, rankings


def write_run(
    path: Path, ids: NDArray[np.integer[Any]], query_ids: Sequence[str], doc_ids: Sequence[str], tag: str
) -> None:
    """Write a ranking as a TREC run: lines ``query Q0 document rank score tag``, ranks from 1.

    As in :func:`binbench.measures.relevance.relevance`, padding, repeats and a document with the query's own id are
    dropped, and scores are derived from the rank, so that readers have no ties to break.

    Args:
        path: the file, written whole or not at all.
        ids: (Q, k) document rows, best first, padded with -1.
        query_ids, doc_ids: what the rows are called.
        tag: the run's name.

    Raises:
        UserError: an id or the tag is empty or contains white space, which the format cannot express; or the file
            cannot be written.
    """
    _check_names("run tag", [tag])
    _check_names("query id", query_ids)
    _check_names("document id", doc_ids)
    k = ids.shape[1]
    with atomic(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as file:
        for query, ranking in zip(query_ids, rankings(ids, own_documents(query_ids, doc_ids)), strict=True):
            file.writelines(
                f"{query} Q0 {doc_ids[document]} {rank} {k + 1 - rank} {tag}\n"
                for rank, document in enumerate(ranking, start=1)
            )


def write_qrels(path: Path, qrels: NDArray[np.integer[Any]], query_ids: Sequence[str], doc_ids: Sequence[str]) -> None:
    """Write judgements as TREC qrels: lines ``query 0 document grade``.

    Args:
        path: the file, written whole or not at all.
        qrels: (n, 3) query row, document row, grade.
        query_ids, doc_ids: what the rows are called.

    Raises:
        UserError: an id is empty or contains white space; or the file cannot be written.
    """
    _check_names("query id", query_ids)
    _check_names("document id", doc_ids)
    with atomic(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(f"{query_ids[q]} 0 {doc_ids[d]} {grade}\n" for q, d, grade in qrels.tolist())


def _check_names(kind: str, names: Sequence[str]) -> None:
    for name in names:
        if len(name.split()) != 1 or name.strip() != name:
            raise UserError(f"{kind} {name!r} cannot stand in a TREC file: rename it without white space")
