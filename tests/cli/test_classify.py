"""`binbench classify` as a person types it."""

from __future__ import annotations

import json

from commands import binbench, refused

TEXTS = {"animal": ["ant", "bee", "cat", "dog", "eel"], "metal": ["gold", "iron", "lead", "zinc", "tin"]}


def test_files(tmp_path):
    lines = [f"{a} {b}\t{label}\n" for label, names in TEXTS.items() for a in names for b in names if a != b]
    (tmp_path / "train.tsv").write_text("".join(lines[::2]))
    (tmp_path / "test.tsv").write_text("".join(lines[1::2]))
    files = ("--train", "train.tsv", "--test", "test.tsv", "--encoder", "lsa4", "--json", "all.json")
    done = binbench("classify", *files, "--algorithm", "float,hnsw16", "--classifier", "knn", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 classes, 20 to learn, 20 to test" in done.stdout
    assert "hnsw16: its codes cannot be made features" in done.stdout
    exact, skipped = json.loads((tmp_path / "all.json").read_text())
    (figures,) = exact["figures"]
    assert (figures["classifier"], figures["float_accuracy"], figures["code_accuracy"]) == ("k-nn", 1.0, 1.0)
    assert skipped["status"] == "skipped"


def test_what_to_learn_must_be_said_once(tmp_path):
    for wrong in ((), ("--train", "a.tsv"), ("--train", "a.tsv", "--test", "b.tsv", "--dataset", "pydocs")):
        done = binbench("classify", "--algorithm", "float", *wrong, cwd=tmp_path)
        refused(done, "give --train and --test, two files of labelled texts, or --dataset pydocs")
    done = binbench("classify", "--algorithm", "float", "--dataset", "pydocs", "--classifier", "svm", cwd=tmp_path)
    refused(done, "unknown classifier 'svm'")
