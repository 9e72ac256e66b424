from __future__ import annotations

import ast
import re
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from binbench.datasets import pydocs

from binbench import UserError
from binbench.sets.corpus import SourceOptions
from binbench.sets.sources import find_source

SOURCE = '''"""The module's own docstring is a long one.

It goes on for a while, over several words, so that it may be found.
"""
class Owl:
    """Hoots at night.

    Owls sit in trees, and turn their heads very far around.
    """
    def hoot(self, times):
        def inner():
            "Inner."
    if True:
        def fly(self): "One line."
    else:
        def fly(self): "Another\\n   \\nplatform's.  Line."
'''


@pytest.fixture(scope="module")
def docstrings():
    return list(pydocs.standard_library(Path(sysconfig.get_path("stdlib"))))


@pytest.fixture(scope="module")
def found(docstrings):
    return pydocs.collection(docstrings, seed=0)


def plain(*paragraphs: str) -> str:
    return " ".join(" ".join(paragraphs).lower().split())


def test_docstrings_are_read_in_source_order_with_qualified_names(tmp_path):
    for name in ("pkg/__init__.py", "a.py", "test/x.py", "pkg/tests/x.py", "site-packages/x.py", "idle_test/x.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text('"Empty."' if name != "pkg/__init__.py" else SOURCE)
    (tmp_path / "bad.py").write_text("def (:")
    (tmp_path / "latin.py").write_bytes('# -*- coding: latin-1 -*-\n"Süß."'.encode("latin-1"))
    assert [tuple(docstring) for docstring in pydocs.standard_library(tmp_path)] == [
        ("a:", "Empty.", ""),
        ("latin:", "Süß.", ""),
        (
            "pkg:",
            "The module's own docstring is a long one.",
            "It goes on for a while, over several words, so that it may be found.",
        ),
        ("pkg:Owl", "Hoots at night.", "Owls sit in trees, and turn their heads very far around."),
        ("pkg:Owl.hoot.inner", "Inner.", ""),
        ("pkg:Owl.fly", "One line.", ""),
        ("pkg:Owl.fly#2", "Another", "platform's. Line."),
    ]


def test_the_rules_on_a_few_docstrings():
    words = "one two three four five six seven eight nine ten eleven twelve"
    docstrings = [
        pydocs.Docstring("m:query", "find me by my summary", "Eight words are needed here and here they are"),
        pydocs.Docstring("m:short", "only three words", "Eight words are needed here, and here are more than that"),
        pydocs.Docstring("m:few", "four words are enough", "but these are not"),
        pydocs.Docstring("m:twelve", words, ""),
        pydocs.Docstring("m:copy", words.upper(), ""),
        pydocs.Docstring("m:eleven", words.removesuffix(" twelve"), ""),
        pydocs.Docstring("m:same", "a summary that occurs twice", "and so cannot be a query, though it is long enough"),
        pydocs.Docstring(
            "m:again", "A summary that occurs  twice", "but with other details below it, of the same length"
        ),
    ]
    found = pydocs.collection(docstrings, seed=0)
    assert dict(zip(found.doc_ids, found.documents, strict=True)) == {
        "m:query": docstrings[0].rest,
        "m:short": docstrings[1].text,
        "m:twelve": words,
        "m:same": docstrings[6].text,
        "m:again": docstrings[7].text,
    }
    assert found.queries == ["find me by my summary"]
    assert found.qrels.tolist() == [[0, 0, 1]]
    with pytest.raises(UserError, match="without its sources"):
        pydocs.collection(docstrings[1:], seed=0)


def test_the_standard_library_obeys_the_rules(found):
    assert len(found.queries) == len(found.qrels) == 500
    assert 3000 < len(found.documents) < 6000
    assert all(4 <= len(query.split()) <= 40 for query in found.queries)
    documents = {plain(document) for document in found.documents}
    queries = {plain(query) for query in found.queries}
    assert len(documents) == len(found.documents), "no document twice"
    assert len(queries) == 500, "no query twice"
    assert not documents & queries
    assert len(set(found.doc_ids) | set(found.query_ids)) == len(found.doc_ids) + 500
    relevant = set(found.qrels[:, 1].tolist())
    assert np.array_equal(found.qrels[:, 0], np.arange(500))
    assert np.array_equal(found.qrels[:, 2], np.ones(500))
    for row, document in enumerate(found.documents):
        assert len(document.split()) >= (8 if row in relevant else 12)
    paths = (f".{identifier.partition(':')[0]}." for identifier in found.doc_ids)
    assert not any(".test." in path or ".tests." in path or ".idle_test." in path for path in paths)


@pytest.mark.parametrize("number", [0, 9, 499])
def test_queries_and_their_documents_are_the_docstrings_parts(found, number):
    query, document, _ = found.qrels[number]
    module, _, name = found.doc_ids[document].partition(":")
    folder = Path(sysconfig.get_path("stdlib"), *module.split("."))
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    docstrings = {
        plain(ast.get_docstring(node) or "")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and getattr(node, "name", "") == name.rpartition(".")[2].partition("#")[0]
    }
    assert plain(found.queries[query], found.documents[document]) in docstrings


def test_the_first_document_is_the_first_modules(found):
    assert found.doc_ids[0] == "__future__:"
    assert found.documents[0].startswith("Record of phased-in incompatible language changes.")
    tops = [pydocs.top_module(identifier) for identifier in found.doc_ids]
    assert tops == sorted(tops)


def test_the_seed_draws_the_queries(docstrings, found):
    same, other = find_source("pydocs", SourceOptions()).load(), pydocs.collection(docstrings, seed=1)
    assert (same.documents, same.queries) == (found.documents, found.queries)
    assert same.provenance == found.provenance
    assert other.queries != found.queries
    assert other.provenance["fingerprint"] != found.provenance["fingerprint"]
    assert found.provenance["python"] == ".".join(map(str, sys.version_info[:3]))


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="README's table is of CPython 3.11's library")
def test_readme_s_table_is_of_this_collection(found):
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    documents, queries = re.search(r"([\d,]+) documents × \d+, (\d+) queries", text).groups()
    # Patch releases add and drop a docstring here and there.
    assert len(found.doc_ids) == pytest.approx(int(documents.replace(",", "")), rel=0.02)
    assert len(found.query_ids) == int(queries)


def test_top_modules(found):
    assert [pydocs.top_module(i) for i in ("email.message:Message.get", "abc:", "os:walk#2")] == ["email", "abc", "os"]
    assert {"asyncio", "email", "unittest"} <= set(map(pydocs.top_module, found.doc_ids))


def test_nothing_is_run(tmp_path):
    (tmp_path / "loud.py").write_text('"Loud."\nraise SystemExit("was imported")')
    assert [docstring.summary for docstring in pydocs.standard_library(tmp_path)] == ["Loud."]


def test_other_splits_are_refused():
    with pytest.raises(UserError, match="no split 'train'"):
        find_source("pydocs", SourceOptions(split="train")).load()
