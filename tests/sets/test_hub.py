"""BEIR's collections from a mirror in the hub's layout, where their own host does not answer."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from binbench.errors import UserError
from binbench.sets.corpus import SourceOptions
from binbench.sets.encoders import EncoderOptions
from binbench.sets.prepare import Preparation
from binbench.sets.sources import find_source

WORDS = "{0} word{0} word{1} of {2}"
RECORDS = {
    "corpus": [
        {"_id": f"d{i}", "title": f"Wörd {i}", "text": WORDS.format(i, i + 1, i % 3), "metadata": {"n": i}}
        for i in range(9)
    ],
    "queries": [{"_id": f"q{i}", "text": f"wörds {i}", "metadata": {f"d{i}": [i]}} for i in range(4)],
}
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td8\t1\n"


@pytest.fixture(params=["lines", "tables"])
def mirror(request, tmp_path, monkeypatch) -> Path:
    """A mirror that has fiqa in one of the hub's two layouts, and a host that does not answer."""
    folder = tmp_path / "hub"
    (folder / "fiqa").mkdir(parents=True)
    for part, records in RECORDS.items():
        if request.param == "lines":
            lines = "".join(json.dumps(record) + "\n" for record in records)
            (folder / "fiqa" / f"{part}.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
        else:
            (folder / "fiqa" / part).mkdir()
            for at, rows in enumerate((records[:3], records[3:])):
                columns = {key: [row[key] for row in rows] for key in rows[0] if key != "metadata"}
                pq.write_table(pa.table(columns), folder / "fiqa" / part / f"{part}-0000{at}-of-00002.parquet")
    (folder / "fiqa-qrels").mkdir()
    (folder / "fiqa-qrels" / "test.tsv").write_text(QRELS)
    monkeypatch.setenv("BINBENCH_BEIR_HUB", str(folder))
    monkeypatch.setenv("BINBENCH_BEIR_URL", "file:///nowhere")
    return folder


def test_texts_and_judgements_are_those_of_the_mirror(mirror, tmp_path, caplog):
    found = find_source("fiqa", SourceOptions(cache_dir=tmp_path / "cache")).load()
    assert found.doc_ids == [f"d{i}" for i in range(9)]
    assert found.documents[4] == "Wörd 4 4 word4 word5 of 1"
    assert (found.query_ids, found.queries) == (["q1", "q2"], ["wörds 1", "wörds 2"])
    assert found.qrels.tolist() == [[0, 1, 1], [1, 8, 1]]
    assert found.provenance["mirror"] == f"{mirror}/fiqa"
    assert "url" not in found.provenance
    assert "does not answer; trying the hub's mirror" in caplog.text


def test_the_set_says_where_it_came_from_and_is_found_again(mirror, tmp_path):
    options = SourceOptions(cache_dir=tmp_path / "cache")
    preparation = Preparation("fiqa", EncoderOptions("lsa2"), options, tmp_path / "data")
    made = preparation.run()
    assert made.attributes["provenance"]["mirror"].endswith("hub/fiqa")
    (mirror / "fiqa-qrels" / "test.tsv").unlink()
    again = Preparation("fiqa", EncoderOptions("lsa2"), options, tmp_path / "data")
    assert again.find() is not None
    np.testing.assert_array_equal(again.run(force=True).neighbors, made.neighbors)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("fiqa", "has no fiqa"),
        ("fiqa-qrels", "has no fiqa-qrels"),
        ("fiqa-qrels/test.tsv", "holds no judgements"),
        ("fiqa/corpus*", r"holds no corpus\.jsonl\.gz"),
    ],
)
def test_neither_answers(mirror, tmp_path, missing, message):
    for path in list(mirror.glob(missing)):
        path.rename(tmp_path / f"gone-{path.name}")
    with pytest.raises(UserError, match=rf"cannot download file:///nowhere/fiqa\.zip: .*; .*{message}") as raised:
        find_source("fiqa", SourceOptions(cache_dir=tmp_path / "cache")).load()
    assert "\n" not in str(raised.value)
    left = [path for path in (tmp_path / "cache").rglob("*") if path.name != ".fiqa.lock" and path.is_file()]
    assert left == []


def test_a_damaged_mirror_leaves_nothing(mirror, tmp_path):
    file = next(path for path in mirror.rglob("*corpus*") if path.is_file())
    file.write_bytes(file.read_bytes()[:-12])
    with pytest.raises(UserError, match=r"is damaged|not a readable Parquet file"):
        find_source("fiqa", SourceOptions(cache_dir=tmp_path / "cache")).load()
    assert not (tmp_path / "cache" / "beir-hub" / "fiqa").exists()


def test_without_a_network_it_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("BINBENCH_BEIR_URL", "file:///nowhere")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"cannot download .*; the hub's BeIR/fiqa is not to be had") as raised:
        find_source("fiqa", SourceOptions(cache_dir=tmp_path / "cache")).load()
    assert "\n" not in str(raised.value)
