"""Folders laid out as BEIR's collections are: where they are found, and how they are loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np

from binbench.errors import UserError
from binbench.sets.beir_files import check_records, load_checked, read_qrels, splits
from binbench.sets.corpus import Collection, SourceOptions, set_name


def beir_folder(name: str, options: SourceOptions) -> Path | None:
    """The folder `name` in `options.beir_dir`, if there is one, whatever it holds.

    Raises:
        UserError: `options.beir_dir` does not exist.
    """
    if options.beir_dir is None:
        return None
    if not options.beir_dir.is_dir():
        raise UserError(
            f"the folder of BEIR collections {options.beir_dir} (--beir-dir, BINBENCH_BEIR_DIR) does not exist"
        )
    return folder if (folder := options.beir_dir / name).is_dir() else None


def beir_folders(options: SourceOptions) -> list[Path]:
    """The collections in `options.beir_dir`, sorted."""
    return sorted(path.parent for path in options.beir_dir.glob("*/corpus.jsonl")) if options.beir_dir else []


def beir_inputs(folder: Path, split: str | None, default: str = "test") -> dict[str, Path | str]:
    """The files that :func:`load_beir` reads, by their names in `folder`; none where it is not there.

    Raises:
        UserError: it is there, but no collection.
    """
    if not folder.is_dir():
        return {}
    names = ("corpus.jsonl", "queries.jsonl", f"qrels/{_choose_split(folder, split, default)}.tsv")
    return {name: folder / name for name in names}


def load_beir(
    folder: Path,
    name: str,
    split: str | None = None,
    default_split: str = "test",
    *,
    size: int | None = None,
    seed: int = 0,
) -> Collection:
    """Load the collection in `folder`, laid out as BEIR's are: corpus.jsonl, queries.jsonl, qrels/<split>.tsv.

    Only queries that the split judges are kept, in the order of their file; also those whose judged documents are all
    unknown. Judgements of unknown queries or documents are dropped with a warning.

    Args:
        name: the collection's name; characters that a set's name cannot have become ``-``.
        split: the judgements to use; None for `default_split`, or for the only split there is.
        size: keep only so many documents, see :func:`sample_documents`.
        seed: the seed of that sample.

    Raises:
        UserError: a file is missing or malformed (see :mod:`binbench.sets.beir_files`), or no query is judged.
    """
    split = _choose_split(folder, split, default_split)
    qrels_file = folder / "qrels" / f"{split}.tsv"
    judged, qrels_sha256 = read_qrels(qrels_file)
    queries = check_records(folder / "queries.jsonl", "query")
    corpus = check_records(folder / "corpus.jsonl", "document")
    known = [judgement for judgement in judged if judgement[0] in queries.lines]
    if not known:
        raise UserError(f"{qrels_file} judges none of the queries in {queries.path}")
    usable = {(query, document) for query, document, _ in known if document in corpus.lines}

    doc_ids = list(corpus.lines)
    if size is not None:
        doc_ids = sample_documents(doc_ids, {document for _, document in usable}, size, seed)
    is_subset = len(doc_ids) < len(corpus.lines)
    documents, texts, grades = load_checked(corpus, queries, known, set(doc_ids) if is_subset else None)
    query_ids = [query for query in queries.lines if query in texts]
    row_of = {identifier: row for row, identifier in enumerate(doc_ids)}
    qrels = [
        (row, row_of[document], grade)
        for row, query in enumerate(query_ids)
        for document, grade in grades[query].items()
        if document in row_of
    ]

    unknown_documents = sum(document not in corpus.lines for _, document, _ in known)
    faults = (
        (len(judged) - len(known), "are of unknown queries; dropped"),
        (unknown_documents, "are of unknown documents; dropped"),
        (len(known) - unknown_documents - len(usable), "repeat a pair of query and document; the last one counts"),
    )
    provenance: dict[str, Any] = {
        "path": str(folder.resolve()),
        "documents": len(doc_ids),
        "queries": len(query_ids),
        "judgements": len(qrels),
        "sha256": {"corpus.jsonl": corpus.sha256, "queries.jsonl": queries.sha256, qrels_file.name: qrels_sha256},
    }
    if size is not None:
        provenance |= {
            "subset": is_subset,
            "corpus_documents": len(corpus.lines),
            "sample_seed": seed,
            "sample_sha256": hashlib.sha256("\n".join(sorted(doc_ids)).encode()).hexdigest(),
        }
    return Collection(
        name=set_name(name),
        split=split,
        doc_ids=doc_ids,
        # Popped, so that a large corpus is not held twice.
        documents=[document_text(documents.pop(identifier)) for identifier in doc_ids],
        query_ids=query_ids,
        queries=[texts[query] for query in query_ids],
        qrels=np.array(qrels, np.int32).reshape(-1, 3),
        provenance=provenance,
        warnings=[f"{qrels_file.name}: {n} of {len(judged)} judgements {fault}" for n, fault in faults if n],
    )


def document_text(record: Mapping[str, Any]) -> str:
    """The text of a document that is encoded."""
    return f"{record['title'] or ''} {record['text']}".strip()


def sample_documents(doc_ids: Sequence[str], judged: Set[str], size: int, seed: int) -> list[str]:
    """Every judged document and a uniform sample of the rest, `size` in all, in the order of `doc_ids`.

    Where more than `size` are judged, these are the whole sample. `seed` is that of ``Generator(PCG64(seed))``.
    """
    rest = [identifier for identifier in doc_ids if identifier not in judged]
    wanted = max(0, size - (len(doc_ids) - len(rest)))
    if wanted >= len(rest):
        return list(doc_ids)
    rng = np.random.Generator(np.random.PCG64(seed))
    drawn = {rest[row] for row in rng.choice(len(rest), wanted, replace=False)}
    return [identifier for identifier in doc_ids if identifier in judged or identifier in drawn]


def _choose_split(folder: Path, split: str | None, default: str) -> str:
    if not folder.is_dir():
        raise UserError(f"the collection's folder {folder} does not exist")
    for name in ("corpus.jsonl", "queries.jsonl"):
        if not (folder / name).is_file():
            raise UserError(
                f"{folder} holds no {name}; a BEIR collection is corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv"
            )
    existing = splits(folder)
    if not existing:
        raise UserError(f"{folder} holds no judgements: qrels/{split or default}.tsv is missing")
    if split is None and default not in existing and len(existing) == 1:
        return existing[0]
    if (split or default) not in existing:
        raise UserError(f"{folder} has no split {split or default!r}; its splits: {', '.join(existing)} (--split)")
    return split or default
