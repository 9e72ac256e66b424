"""Strict reading of the files of a BEIR collection: every fault is named with its file and line.

beir's own loader trusts its input: it raises KeyError on a judgement of an unknown query, keeps the last of two
documents with one id, and takes the first line of the judgements for a header whatever it says. So files are checked
here first.
"""

from __future__ import annotations

import codecs
import contextlib
import csv
import hashlib
import io
import json
import re
import tempfile
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from binbench.errors import UserError

_INTEGER = re.compile(r"[+-]?\d+")


@dataclass
class Records:
    """What one pass over a JSONL file tells.

    Attributes:
        path: the file.
        lines: every id with its line number, in the order of the file.
        sha256: of the file's bytes.
        blank_end: blank lines follow the last record.
    """

    path: Path
    lines: dict[str, int] = field(default_factory=dict)
    sha256: str = ""
    blank_end: bool = False


def splits(folder: Path) -> list[str]:
    """The names of the splits that `folder` has judgements of, sorted."""
    return sorted(path.stem for path in (folder / "qrels").glob("*.tsv"))


def check_records(path: Path, what: str) -> Records:
    """Check the documents or queries (`what`, singular) in the JSONL file `path` in one streaming pass.

    Raises:
        UserError: the file is missing, empty or unreadable, a line is not an object with string ``_id`` and ``text``,
            or an id occurs twice.
    """
    found = Records(path)
    digest = hashlib.sha256()
    blank = 0
    with _open(path) as file:
        for number, raw in enumerate(file, 1):
            digest.update(raw)
            if number == 1 and raw.startswith(codecs.BOM_UTF8):
                raise UserError(f"{path}, line 1: begins with a byte-order mark; save the file as UTF-8 without one")
            if not raw.strip():
                blank = blank or number
                continue
            if blank:
                raise UserError(f"{path}, line {blank}: the line is blank; only the end of a file may be")
            identifier = _checked(raw, f"{path}, line {number}")["_id"]
            first = found.lines.setdefault(identifier, number)
            if first != number:
                raise UserError(f"{path}, line {number}: {what} id {identifier!r} occurs already in line {first}")
    if not found.lines:
        raise UserError(f"{path} is empty: it holds no {what}")
    found.sha256 = digest.hexdigest()
    found.blank_end = bool(blank)
    return found


def _checked(raw: bytes, where: str) -> dict[str, Any]:
    try:
        # beir splits lines at a lone carriage return too, so that one inside a record breaks it there.
        record = None if b"\r" in raw.rstrip(b"\r\n") else json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError:
        raise UserError(f"{where}: not UTF-8 text") from None
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise UserError(f"{where}: not a JSON object")
    for key in ("_id", "text"):
        if not isinstance(record.get(key), str):
            raise UserError(f"{where}: lacks a string {key!r}")
    if not record["_id"] or "\0" in record["_id"]:
        raise UserError(f"{where}: '_id' is empty or holds a NUL character")
    if not isinstance(record.get("title") or "", str):
        raise UserError(f"{where}: 'title' is neither a string nor null")
    try:
        "".join((record["_id"], record.get("title") or "", record["text"])).encode()
    except UnicodeEncodeError:
        raise UserError(f"{where}: half of a surrogate pair, which is no character") from None
    return record


def read_qrels(path: Path) -> tuple[list[tuple[str, str, int]], str]:
    """The judgements in `path` as (query id, document id, grade), and the sha256 of the file's bytes.

    Raises:
        UserError: the file is missing or empty, lacks its header, or a line is not id⇥id⇥integer.
    """
    with _open(path) as file:
        data = file.read()
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(f"{path}, line {line}: not UTF-8 text") from None
    rows = csv.reader(io.StringIO(text, newline=None), delimiter="\t")
    judgements = []
    blank = 0
    try:
        for row in rows:
            where = f"{path}, line {rows.line_num}"
            if not row:
                blank = blank or rows.line_num
                continue
            if blank:
                raise UserError(f"{path}, line {blank}: the line is blank; only the end of a file may be")
            if len(row) != 3:
                raise UserError(f"{where}: {len(row)} fields, not the three query-id, corpus-id, score between tabs")
            is_judgement = _INTEGER.fullmatch(row[2].strip()) is not None
            if rows.line_num == 1:
                if is_judgement:
                    raise UserError(f"{where}: a judgement where the header query-id, corpus-id, score belongs")
                continue
            if not is_judgement or not -(2**31) <= int(row[2]) < 2**31:
                raise UserError(f"{where}: grade {row[2]!r} is not an integer (of 32 bits)")
            judgements.append((row[0], row[1], int(row[2])))
    except csv.Error as error:
        raise UserError(f"{path}, line {rows.line_num}: {error}") from error
    if not judgements:
        raise UserError(f"{path} is empty: it judges no query")
    return judgements, hashlib.sha256(data).hexdigest()


def load_checked(
    corpus: Records, queries: Records, judgements: Iterable[tuple[str, str, int]], doc_ids: Container[str] | None = None
) -> tuple[dict[str, dict[str, Any]], dict[str, str], dict[str, dict[str, int]]]:
    """Let beir load what has been checked: its corpus, judged queries and qrels.

    Args:
        judgements: those to load, all of known queries.
        doc_ids: the documents to load; None for all.
    """
    # beir draws its progress bar on stderr unasked.
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        from beir.datasets.data_loader import GenericDataLoader

        qrels = Path(folder, "qrels.tsv")
        with open(qrels, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter="\t", lineterminator="\n")
            writer.writerow(("query-id", "corpus-id", "score"))
            writer.writerows(judgements)
        loader = GenericDataLoader(
            corpus_file=str(_loadable(corpus, doc_ids, Path(folder, "corpus.jsonl"))),
            query_file=str(_loadable(queries, None, Path(folder, "queries.jsonl"))),
            qrels_file=str(qrels),
        )
        return loader.load_custom()


def _loadable(records: Records, ids: Container[str] | None, copy: Path) -> Path:
    """The file of `records`, or a `copy` that has only those with `ids` and no blank lines, which beir cannot load."""
    if ids is None and not records.blank_end:
        return records.path
    wanted = {line for identifier, line in records.lines.items() if ids is None or identifier in ids}
    with open(records.path, "rb") as source, open(copy, "wb") as target:
        target.writelines(raw for number, raw in enumerate(source, 1) if number in wanted)
    return copy


def _open(path: Path) -> Any:
    try:
        return open(path, "rb")
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
