"""`binbench evaluate` as a person types it."""

from __future__ import annotations

import json

import h5py
from commands import binbench, refused

RUN = ("run", "--algorithm", "int8,binary64", "--dataset", "./tiny", "--encoder", "lsa8", "--runs", "1")


def test_stored_results_are_judged_and_bad_ones_named(collection_dir):
    folder = collection_dir.parent
    assert binbench(*RUN, cwd=folder).returncode == 0
    done = binbench("evaluate", "--json", "all.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("tiny-lsa8: 30 documents, 5 queries, k = 30, batch, 1 thread, seed 0")
    assert "int8 – float" in done.stdout
    (group,) = json.loads((folder / "all.json").read_text())["groups"]
    assert [row["name"] for row in group["results"]] == ["binary64", "float", "int8"]
    assert group["results"][1]["measures"]["recall@10"] == {"estimate": 1.0, "low": 1.0, "high": 1.0}

    (path,) = folder.glob("results/**/int8_*.hdf5")
    with h5py.File(path, "a") as file:
        file.attrs["set_fingerprint"] = "another"
    done = binbench("evaluate", "--dataset", "tiny", cwd=folder)
    refused(done, "left out", path.name, "other vectors")
    assert "binary64 – float" in done.stdout
    assert "int8" not in done.stdout


def test_nothing_to_judge(tmp_path):
    refused(binbench("evaluate", cwd=tmp_path), "no results below results; `binbench run` makes them")
