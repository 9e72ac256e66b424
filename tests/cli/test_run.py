"""The command line as a person types it: results on stdout, one-line errors, exit statuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from commands import binbench, left, refused

from binbench.cli import main


@pytest.fixture
def collection(collection_dir: Path) -> Path:
    """The small collection; commands run in the folder that holds it."""
    return collection_dir


RUN = ("run", "--algorithm", "int8", "--dataset", "./tiny", "--encoder", "lsa8", "--runs", "1")


def test_main_job_end_to_end(collection):
    done = binbench(*RUN, cwd=collection.parent)
    assert done.returncode == 0, done.stderr
    title, *table = done.stdout.splitlines()
    assert title.strip() == "tiny-lsa8: 30 documents × 8, 5 queries, k = 30, batch, 1 thread"
    # A pipe gets plain columns.
    rows = {cells[0]: cells[1:] for cells in (re.split(r" {2,}", line) for line in table[1:])}
    assert list(rows) == ["float", "int8"]
    assert [row[0] for row in rows.values()] == ["32", "8"]
    assert rows["float"][2] == "1.0000"
    assert rows["float"][4] == "100.0% [100.0, 100.0]"
    # One codebook of 2 ranges × 8 dimensions × 4 bytes, 30 codes of 8 bytes.
    assert rows["int8"][1] == "0.000304"
    again = binbench(*RUN, cwd=collection.parent)
    assert again.stdout == done.stdout


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (("--algorithm", "binray256"), ("unknown algorithm 'binray256'", "did you mean binary256")),
        (("--dataset", "scifacts"), ("unknown dataset 'scifacts'", "did you mean scifact")),
        (("--encoder", "all-minilm-l6-v2"), ("unknown encoder", "did you mean all-MiniLM-L6-v2")),
        (("--dataset", "./missing"), ("missing",)),
        (("--dataset", "missing.hdf5"), ("missing.hdf5 does not exist",)),
        (("--count", "31"), ("--count 31 is larger than the corpus: tiny-lsa8 has 30 documents",)),
        (("--memory-limit", "lots"), ("size 'lots' is not a number of bytes",)),
        (("--plugin", "nowhere.py"), ("nowhere.py does not exist",)),
        (("--split", "train"), ("no split 'train'",)),
        (("--encoder", "lsa256"), ("lsa256 needs more than 256 documents",)),
        (("--queries", "q.npy"), ("--queries needs --train",)),
        (("--train", "x.txt"), ("files of vectors end in .npy, .parquet",)),
        (("--encoder", "all-MiniLM-L6-v2=./tiny"), ("not a sentence-transformers folder",)),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else None,
)
def test_mistakes_are_one_line(collection, change, parts):
    line = list(RUN)
    if change[0] in line:
        line[line.index(change[0]) + 1] = change[1]
    else:
        line += change
    refused(binbench(*line, cwd=collection.parent), *parts)
    assert [name for name in left(collection.parent) if name.endswith(".tmp")] == []


def spoil(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new, 1))


@pytest.mark.parametrize(
    ("file", "old", "new", "parts"),
    [
        ("corpus.jsonl", '{"_id": "d3"', '{"_id": d3', ("corpus.jsonl", "4")),
        ("corpus.jsonl", '"d3"', '"d2"', ("d2", "4")),
        ("queries.jsonl", '"q3"', '"q2"', ("q2", "4")),
        ("qrels/test.tsv", "\t2\n", "\ttwo\n", ("test.tsv", "2")),
    ],
)
def test_broken_collections_name_file_and_line(collection, file, old, new, parts):
    spoil(collection / file, old, new)
    refused(binbench(*RUN, cwd=collection.parent), *parts)
    assert not list((collection.parent / "data").glob("*.hdf5"))


@pytest.mark.parametrize("file", ["queries.jsonl", "corpus.jsonl"])
def test_empty_corpus_and_no_queries(collection, file):
    (collection / file).write_text("")
    refused(binbench(*RUN, cwd=collection.parent), f"{file} is empty")


def test_judgements_of_unknown_documents_are_counted(collection):
    with open(collection / "qrels" / "test.tsv", "a") as file:
        file.write("q1\tnowhere\t1\nq2\tnowhere\t1\n")
    done = binbench(*RUN, cwd=collection.parent)
    assert done.returncode == 0
    assert "2 of 12 judgements" in done.stderr


def test_vectors_without_text(tmp_path, rng):
    np.save(tmp_path / "x.npy", rng.standard_normal((60, 8)))
    np.save(tmp_path / "q.npy", rng.standard_normal((5, 8)))
    done = binbench(
        "run", "--algorithm", "float", "--train", "x.npy", "--queries", "q.npy", "--runs", "1", cwd=tmp_path
    )
    assert done.returncode == 0
    assert "x: 60 documents × 8, 5 queries" in done.stdout
    np.save(tmp_path / "bad.npy", np.full((5, 8), np.nan))
    refused(
        binbench("run", "--algorithm", "float", "--train", "bad.npy", "--queries", "q.npy", cwd=tmp_path),
        "document vector 0 holds NaN",
    )


def test_replaced_vectors_are_measured_anew(tmp_path, rng):
    run = ("run", "--algorithm", "sign", "--train", "docs.npy", "--queries", "q.npy", "--count", "10", "--runs", "1")
    rows, shown = rng.standard_normal((2, 300, 16)), []
    for documents in rows:
        np.save(tmp_path / "docs.npy", documents)
        np.save(tmp_path / "q.npy", rows[0, :20])
        planned = binbench(*run, "--dry-run", cwd=tmp_path).stdout.splitlines()[0]
        done = binbench(*run, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        shown.append((planned, done.stderr.splitlines()[0], done.stdout))
    (first, before), (second, after) = ((planned, table) for planned, _, table in shown)
    assert first == "docs: to be prepared, then everything runs"
    assert second == "docs: docs.npy changed; to be made anew, then everything runs"
    assert shown[1][1] == "docs: docs.npy changed; making it anew"
    # The queries are those documents that were replaced: each was its own nearest neighbour, and is no more.
    assert "float             64" in before
    assert "20 of 20 queries occur among the documents" in shown[0][1]
    assert before.splitlines()[3].split()[3] != after.splitlines()[3].split()[3]


def test_truncated_set(collection):
    binbench(*RUN, cwd=collection.parent)
    path = collection.parent / "data" / "tiny-lsa8.hdf5"
    path.write_bytes(path.read_bytes()[:1000])
    refused(binbench(*RUN, cwd=collection.parent), "data/tiny-lsa8.hdf5 is not a readable HDF5 file", "prepare --force")


def test_unwritable_results(collection):
    (collection.parent / "results").write_text("a file, not a folder")
    refused(binbench(*RUN, cwd=collection.parent), "results")


def test_full_disk(collection, tmp_path):
    """A real one: a tiny tmpfs; needs the right to mount."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("this user may not mount a small tmpfs to fill")
    try:
        done = binbench(*RUN, "--results-dir", str(disk), cwd=collection.parent)
        refused_or_failed = "disk is full" in done.stderr + done.stdout
        assert done.returncode == 1
        assert refused_or_failed, done.stderr + done.stdout
        assert "Traceback" not in done.stderr
        assert [path.name for path in disk.rglob("*.tmp")] == []
    finally:
        subprocess.run(["umount", disk], check=True)


def test_unknown_verb(tmp_path):
    refused(binbench("rum", cwd=tmp_path), "unknown verb 'rum'", "did you mean run")


def test_nothing_asked_for(tmp_path):
    refused(binbench("run", cwd=tmp_path), "give --algorithm")
    refused(binbench("run", "--algorithm", "float", cwd=tmp_path), "give --dataset")


def test_dry_run_runs_nothing(collection):
    done = binbench(*RUN, "--dry-run", cwd=collection.parent)
    assert done.returncode == 0
    assert done.stdout.startswith("tiny-lsa8: to be prepared")
    assert not (collection.parent / "data").exists()
    binbench(*RUN, cwd=collection.parent)
    done = binbench(*RUN, "--dry-run", "--algorithm", "float16", cwd=collection.parent)
    assert [line.split()[0::2][:2] for line in done.stdout.splitlines()[:-1]] == [
        ["keep", "float"],
        ["keep", "int8"],
        ["run", "float16"],
    ]
    assert done.stdout.splitlines()[-1] == "1 of 3 jobs to run"


class TestCampaign:
    TEXT = """\
datasets: [./tiny]
encoders: [lsa8]
algorithms:
  - float
  - int8
counts: [5, 20]
modes: [batch, single]
runs: 1
hypotheses: [H1]
"""

    def run(self, collection, text, *more):
        (collection.parent / "c.yml").write_text(text)
        return binbench("run", "--config", "c.yml", *more, cwd=collection.parent)

    def test_matrix_and_resolved_copy(self, collection):
        done = self.run(collection, self.TEXT)
        assert done.returncode == 0, done.stderr
        results = collection.parent / "results"
        assert len(list(results.rglob("*.hdf5"))) == 2 * 2 * 2
        import yaml

        resolved = yaml.safe_load((results / "campaigns" / "c.yml").read_text())
        assert resolved["threads"] == 1
        assert resolved["seeds"] == [0]
        assert resolved["timeout"] == 3600

    @pytest.mark.parametrize(
        ("old", "new", "parts"),
        [
            ("runs:", "rums:", ("c.yml:8", "unknown key 'rums'", "did you mean runs")),
            ("runs: 1", "runs: many", ("c.yml:8", "runs: input should be a valid integer", "not 'many'")),
            ("  - int8", "  - int9x", ("c.yml:5", "unknown algorithm 'int9x'")),
            ("lsa8", "lasa8", ("c.yml:2", "unknown encoder 'lasa8'")),
            ("./tiny", "./tony", ("c.yml:1", "tony")),
            ("single", "double", ("c.yml:7", "modes.1: input should be 'batch' or 'single', not 'double'")),
            ("[5, 20]", "[5, 0]", ("c.yml:6", "counts.1: input should be greater than or equal to 1, not 0")),
            ("datasets: [./tiny]\n", "", ("c.yml:1", "datasets: field required")),
            ("runs: 1", "runs: 2.0", ("c.yml:8", "runs: input should be a valid integer, not 2.0")),
            ("runs: 1", "seeds: [true]", ("c.yml:8", "seeds.0: input should be a valid integer, not True")),
            ("runs: 1", "seeds: [1, 1]", ("c.yml:8", "seeds: 1 is given twice")),
            ("runs: 1", "timeout: '60'", ("c.yml:8", "timeout: input should be a valid number, not '60'")),
            ("runs: 1", "force: true", ("c.yml:8", "unknown key 'force'")),
            ("runs: 1", "path: x", ("c.yml:8", "unknown key 'path'")),
            ("  - float\n  - int8", "  float", ("c.yml:3", "algorithms: input should be a valid tuple")),
            ("runs: 1", "runs: [", ("c.yml", "not valid YAML")),
            ("runs: 1", "runs: 1\nruns: 2", ("c.yml:9", "runs", "twice")),
        ],
    )
    def test_mistakes_are_named_with_their_line(self, collection, old, new, parts):
        refused(self.run(collection, self.TEXT.replace(old, new, 1)), *parts)
        assert not (collection.parent / "results").exists()

    def test_options_beside_it_are_refused(self, collection):
        refused(self.run(collection, self.TEXT, "--runs", "3"), "--runs cannot be given beside --config")


def test_help_is_quick_and_lists_every_verb(tmp_path):
    from binbench.cli import VERBS

    start = time.perf_counter()
    done = binbench("--help", cwd=tmp_path)
    assert all(verb in done.stdout for verb in VERBS)
    loaded = binbench("list", "encoders", cwd=tmp_path)
    assert loaded.returncode == 0
    assert time.perf_counter() - start < 60


def test_help_loads_no_heavy_library():
    code = (
        "import sys; from binbench.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & {'torch', 'faiss', 'sklearn', 'scipy', 'h5py',"
        " 'matplotlib', 'pandas', 'beir', 'transformers', 'sentence_transformers', 'rich'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_list(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["list"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for name in ("binary{bits}", "scifact", "msmarco-500k", "pydocs", "e5-base-v2", "lsa256"):
        assert name in text


def test_version(capsys):
    from binbench import __version__

    with pytest.raises(SystemExit):
        main(["--version"])
    assert __version__ in capsys.readouterr().out


def test_json_in_provenance_names_the_command(collection):
    import h5py

    binbench(*RUN, cwd=collection.parent)
    with h5py.File(next((collection.parent / "results").rglob("int8_seed=0.hdf5"))) as file:
        command = json.loads(file.attrs["provenance"])["command"]
    assert command == "python -m binbench " + " ".join(RUN)
