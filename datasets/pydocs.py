"""The docstrings of Python's own standard library: a retrieval task that every machine has."""

from __future__ import annotations

import ast
import hashlib
import os
import platform
import re
import sys
import sysconfig
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from binbench import Collection, SourceOptions, UserError, register_dataset

QUERIES = 500
QUERY_WORDS = range(4, 41)
ANSWER_WORDS = 8  # at least, in what is left of a docstring without its summary
DOCUMENT_WORDS = 12  # at least, in any other docstring
_LEFT_OUT = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"}


_PARAGRAPH = re.compile(r"\n\s*\n")
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Docstring(NamedTuple):
    """A docstring in two parts, white space collapsed; `rest` is empty where there is only one paragraph."""

    identifier: str
    summary: str
    rest: str

    @property
    def text(self) -> str:
        """The whole docstring."""
        return f"{self.summary} {self.rest}".strip()


def top_module(document_id: str) -> str:
    """The top-level module that the document comes from, its class in a classification task."""
    return document_id.partition(":")[0].partition(".")[0]


def _interpreter(options: SourceOptions) -> dict[str, str]:
    return {"python": sys.version}


@register_dataset("pydocs", labels=top_module, inputs=_interpreter)
def pydocs(options: SourceOptions) -> Collection:
    """Docstrings of Python's standard library: find the details by the summary."""
    if options.split not in (None, "test"):
        raise UserError(f"pydocs has no split {options.split!r}; its split is test")
    folder = Path(sysconfig.get_path("stdlib"))
    return collection(list(standard_library(folder)), options.seed)


def standard_library(folder: Path) -> Iterator[Docstring]:
    """The docstrings of the modules in `folder`, read without importing them, by path and then in source order."""
    paths = []
    for parent, folders, files in os.walk(folder):
        folders[:] = set(folders) - _LEFT_OUT
        paths += [Path(parent, file) for file in files if file.endswith(".py")]
    for path in sorted(paths):
        parts = path.relative_to(folder).with_suffix("").parts
        yield from _docstrings(path, ".".join(parts).removesuffix(".__init__"))


def _docstrings(path: Path, module: str) -> Iterator[Docstring]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    seen: Counter[str] = Counter()
    for name, node in _definitions(tree, ""):
        if docstring := ast.get_docstring(node):
            seen[name] += 1
            # A name may be defined twice, say once for each platform.
            number = f"#{seen[name]}" if seen[name] > 1 else ""
            summary, *rest = _PARAGRAPH.split(docstring, maxsplit=1)
            yield Docstring(f"{module}:{name}{number}", _plain(summary), _plain(*rest))


def _definitions(node: ast.AST, scope: str) -> Iterator[tuple[str, _Documented]]:
    """The nodes in and below `node` that may have a docstring, with their qualified names."""
    if isinstance(node, _Documented):
        scope = ".".join(filter(None, (scope, getattr(node, "name", ""))))
        yield scope, node
    # Definitions are statements, so that expressions need no visit.
    for block in ("body", "handlers", "orelse", "finalbody", "cases"):
        children = getattr(node, block, ())
        if isinstance(children, list):
            for child in children:
                yield from _definitions(child, scope)


def _plain(*text: str) -> str:
    """White space collapsed; half surrogate pairs, which no encoder takes, replaced."""
    return " ".join(" ".join(text).split()).encode("utf-8", "replace").decode("utf-8")


def collection(docstrings: list[Docstring], seed: int) -> Collection:
    """The retrieval task: a query is the summary of a docstring, its one relevant document the rest of it.

    All other docstrings are distractors. Only a summary that no other docstring has can be a query, and only the first
    of equal docstrings counts.

    Raises:
        UserError: no docstring makes a query (a Python without its sources).
    """
    first: dict[str, Docstring] = {}
    for docstring in docstrings:
        first.setdefault(_normalized(docstring.text), docstring)
    unique = list(first.values())
    summaries = Counter(_normalized(d.summary) for d in unique)
    rests = Counter(_normalized(d.rest) for d in unique)
    candidates = [
        row
        for row, d in enumerate(unique)
        if len(d.summary.split()) in QUERY_WORDS
        and len(d.rest.split()) >= ANSWER_WORDS
        and summaries[_normalized(d.summary)] == rests[_normalized(d.rest)] == 1
        and not first.keys() & {_normalized(d.summary), _normalized(d.rest)}
    ]
    if not candidates:
        raise UserError("pydocs: Python's standard library is here without its sources; choose another dataset")
    rng = np.random.Generator(np.random.PCG64(seed))
    drawn = set(rng.choice(candidates, min(QUERIES, len(candidates)), replace=False).tolist())

    documents = {
        d.identifier: d.rest if row in drawn else d.text
        for row, d in enumerate(unique)
        if row in drawn or len(d.text.split()) >= DOCUMENT_WORDS
    }
    queries = {unique[row].identifier: unique[row].summary for row in sorted(drawn)}
    row_of = {identifier: row for row, identifier in enumerate(documents)}
    qrels = np.array([(query, row_of[identifier], 1) for query, identifier in enumerate(queries)], dtype=np.int32)
    fingerprint = hashlib.sha256("\0".join([*documents.values(), *queries.values()]).encode())
    return Collection(
        name="pydocs",
        split="test",
        doc_ids=list(documents),
        documents=list(documents.values()),
        query_ids=[f"{identifier}?" for identifier in queries],
        queries=list(queries.values()),
        qrels=qrels,
        provenance={
            "source": "docstrings of Python's standard library",
            "python": platform.python_version(),
            "fingerprint": fingerprint.hexdigest(),
            "documents": len(documents),
            "queries": len(queries),
            "query_seed": seed,
        },
    )


def _normalized(text: str) -> str:
    return " ".join(text.lower().split())
