"""`binbench demo` on a tiny collection."""

from __future__ import annotations

import numpy as np
import pytest
from commands import binbench, refused, typed

from binbench.sets.encoders import Encoder
from binbench.tasks.demo import QueryVectors


def test_demo_shows_texts_on_a_terminal_and_in_files(collection_dir, tmp_path):
    common = ("demo", "--dataset", str(collection_dir), "--encoder", "lsa16", "--algorithm", "int8,binary64")
    done = binbench(
        *common, "--query", "kala kane", cwd=tmp_path, environment={"COLUMNS": "80", "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert "Query: kala kane" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "Over all 5 queries of tiny-lsa16 (30 texts)" in " ".join(done.stdout.split())
    assert "float" in done.stdout.splitlines()[2]
    done = binbench(*common, "--format", "html", "--output", "d.html", cwd=tmp_path)
    assert done.stdout.strip() == "d.html", done.stderr
    assert (tmp_path / "d.html").read_text().count("<table>") == 4  # three of its own queries, and the figures
    refused(binbench(*common, "--output", "x", cwd=tmp_path), "--format")


@pytest.mark.parametrize("end", ["\n", "\x04"])
def test_on_a_terminal_it_asks_until_an_empty_line(collection_dir, tmp_path, end):
    common = ("demo", "--dataset", str(collection_dir), "--encoder", "lsa16", "--algorithm", "sign")
    shown = typed(*common, cwd=tmp_path, answers=["kala kane\n", end], prompt="Look for: ")
    assert shown.count("Look for: ") == 2
    assert shown.count("Query: ") == 1
    assert "Over all 5 queries of tiny-lsa16" in " ".join(shown.split())
    assert max(map(len, shown.splitlines())) <= 80


def test_markdown_says_the_same_as_the_terminal(collection_dir, tmp_path):
    documents = (collection_dir / "corpus.jsonl").read_text().replace("lone", "*lo|ne*")
    (collection_dir / "corpus.jsonl").write_text(documents)
    common = ("demo", "--dataset", str(collection_dir), "--encoder", "lsa16", "--algorithm", "sign")
    assert binbench(*common, "--format", "markdown", cwd=tmp_path).stdout == "demo.md\n"
    written = (tmp_path / "demo.md").read_text()
    assert r"\*lo\|ne\*" in written
    tables = [line for line in written.splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in tables} == {4, 6}  # methods side by side, and the figures
    sentence = written.rstrip().splitlines()[-1]
    assert sentence.startswith("Over all 5 queries")
    assert sentence in " ".join(binbench(*common, cwd=tmp_path).stdout.split())


def test_a_query_is_encoded_once(tmp_path):
    """New ones by the encoder, and kept; the collection's own never; what was kept and is damaged is made again."""
    encoded = []

    class Spelling(Encoder):
        name = "spelling"

        def encode(self, texts, kind):
            encoded.extend(texts)
            return np.array([[len(text), 1] for text in texts], dtype=np.float32)

    own = np.array([[0.6, 0.8]], dtype=np.float32), {"theirs": 0}
    path = tmp_path / ".asked.npz"

    def vectors() -> QueryVectors:
        return QueryVectors(own, path, Spelling)

    assert vectors()["theirs"].tolist() == own[0].tolist()
    assert encoded == []
    first = vectors()
    assert "new" not in first
    assert first["new"].tolist() == vectors()["new"].tolist() == [[3, 1]]
    assert vectors()["newer"].tolist() == [[5, 1]]
    again = vectors()
    assert "new" in again
    assert again["new"].tolist() == [[3, 1]]
    assert encoded == ["new", "newer"]
    path.write_bytes(path.read_bytes()[:100])
    assert vectors()["new"].tolist() == [[3, 1]]
    assert encoded == ["new", "newer", "new"]
