"""Indexes on disk: read back, and searched with faiss and numpy alone."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest
from commands import binbench, refused

import binbench as bb
from binbench.errors import UserError

#: One of every way in which methods hold what they learned.
METHODS = (
    *("float", "float16", "int8", "int4", "int2", "pca16", "pq8", "opq8", "pqfs8", "rq8", "rabitq1", "hnsw16", "ivf16"),
    *("ivfpq16x8", "faiss:OPQ8,PQ8", "faiss:PQ8,RFlat", "binary128-asym", "sign-asym", "pq8@pca16", "int8@center"),
    *("binary100", "sign", "sign-median", "itq16", "ortho64", "pq8-rescore-float", "binary128-rescore-int8"),
    *("binary64-hnsw", "sign-rescore-self", "sign@center", "binary64@pca16"),
)
#: Those that need binbench to be searched.
ALONE = {"sign-rescore-self"}
#: Those whose tables, rounded to 8 bits, magnify the rounding of a query's length.
ROUNDED = {"pqfs8"}


@pytest.fixture(scope="module")
def arrays(tmp_path_factory):
    """600 documents and 15 queries of 32 dimensions, not of unit length, with a mean; and a folder for indexes."""
    rng = np.random.Generator(np.random.PCG64(3))
    folder = tmp_path_factory.mktemp("indexes")
    centers = rng.standard_normal((12, 32)) + 0.3
    train, test = (
        (3 * (centers[rng.integers(12, size=n)] + 0.4 * rng.standard_normal((n, 32)))).astype(np.float32)
        for n in (600, 15)
    )
    np.save(folder / "docs.npy", train)
    np.save(folder / "queries.npy", test)
    return train, test, folder


@pytest.fixture(scope="module")
def built(arrays):
    """Every method fitted, written and read back."""
    from binbench.files import whole_folder
    from binbench.tasks.build import build, from_file

    train, _, folder = arrays
    documents = from_file(folder / "docs.npy", folder / "unit.npy")
    made = {}
    for name in METHODS:
        output = folder / name.replace(":", "-").replace(",", "-")
        with whole_folder(output) as inside:
            build(name, documents, inside, seed=1)
        made[name] = output, bb.fit(name, train, seed=1), bb.Index.load(output)
    return made


@pytest.mark.parametrize("name", METHODS)
def test_a_loaded_index_answers_as_the_fitted_one(arrays, built, name):
    _, fitted, loaded = built[name]
    ids, scores = fitted.query(arrays[1], 10)
    again, same = loaded.query(arrays[1], 10)
    assert (again == ids).all()
    assert (same == scores).all()
    assert loaded.footprint() == fitted.footprint()
    assert (loaded.name, loaded.documents, loaded.distance) == (name, 600, "angular")


@pytest.mark.parametrize("name", [name for name in METHODS if name not in ALONE])
def test_faiss_and_numpy_alone_find_our_ids(arrays, built, name, capsys, monkeypatch):
    folder, fitted, _ = built[name]
    _, test, root = arrays
    monkeypatch.setattr(sys, "argv", ["search.py", str(root / "queries.npy")])
    text = (folder / "search.py").read_text()
    assert not re.search(r"import.*(binbench|torch|scipy)", text)
    description, *lines = text.splitlines()
    assert description.startswith('"""')
    assert len(lines) <= 9  # and one more where documents have ids
    runpy.run_path(str(folder / "search.py"))
    found = [[int(one) for one in line.split("\t")] for line in capsys.readouterr().out.splitlines()]
    ids, scores = fitted.query(test, 10)
    assert len(found) == len(test)
    for ours, theirs, given in zip(ids, found, scores, strict=True):
        # faiss leaves the order of ties open: where our scores differ, so do the places.
        clear = name not in ROUNDED and np.abs(np.diff(given)).min() > 1e-6
        assert theirs == ours.tolist() if clear else len(set(theirs) & set(ours.tolist())) >= 8


@pytest.mark.parametrize("metric", ["euclidean", "ip"])
@pytest.mark.parametrize("name", ["int8", "pq8-rescore-float"])
def test_the_script_ranks_by_the_documents_distance(arrays, tmp_path, name, metric, capsys, monkeypatch):
    from binbench.tasks.build import build, from_file

    _, test, root = arrays
    (tmp_path / "index").mkdir()
    build(name, from_file(root / "docs.npy", tmp_path / "rows.npy", metric), tmp_path / "index")
    monkeypatch.setattr(sys, "argv", ["search.py", str(root / "queries.npy")])
    monkeypatch.chdir(tmp_path)  # where the script leaves it
    runpy.run_path("index/search.py")
    found = [[int(one) for one in line.split("\t")] for line in capsys.readouterr().out.splitlines()]
    loaded = bb.Index.load(tmp_path / "index")
    assert found == loaded.query(test, 10)[0].tolist()
    exact = test @ np.load(root / "docs.npy").T
    if metric == "euclidean":
        exact = -((test[:, None] - np.load(root / "docs.npy")) ** 2).sum(axis=2)
    assert np.mean([best in ids[:3] for best, ids in zip(exact.argmax(axis=1), found, strict=True)]) > 0.9


def test_what_needs_binbench_has_no_script(built):
    assert {name for name in METHODS if not (built[name][0] / "search.py").exists()} == ALONE


def test_bare_faiss_takes_raw_query_vectors(arrays, built):
    import faiss

    folder, fitted, _ = built["opq8"]
    index = faiss.read_index(str(folder / "index.faiss"))
    assert isinstance(index, faiss.IndexPreTransform)
    scores, ids = index.search(arrays[1], 10)
    expected, similar = fitted.query(arrays[1], 10)
    assert (ids[:, 0] == expected[:, 0]).all()
    assert scores == pytest.approx(similar, abs=1e-5)


def test_the_engine_reads_its_own_file(arrays, built):
    from conftest import unit

    from binbench.codes.engine import BinaryEmbeddingEngine

    folder, fitted, _ = built["sign-median"]
    engine = BinaryEmbeddingEngine.load(folder / "engine.npz")
    assert (engine.search(unit(arrays[1]), 10)[0] == fitted.query(arrays[1], 10)[0]).all()


def test_the_command_is_whole_or_absent_and_names_documents(collection_dir, tmp_path):
    common = ("--dataset", str(collection_dir), "--encoder", "lsa16")
    run = ("run", *common, "--algorithm", "int8", "--count", "10", "--runs", "1")
    assert binbench(*run, cwd=tmp_path).returncode == 0
    done = binbench("build", *common, "--algorithm", "int8", "--output", "home", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    about = json.loads((tmp_path / "home" / "index.json").read_text())
    # 30 documents of 16 dimensions at a byte each, and two float32 ends of a range per dimension.
    assert about["bytes"]["total"] == 30 * 16 + 2 * 4 * 16
    assert f"{about['bytes']['total']:,} bytes" in done.stdout
    assert about["quality"][0]["recall@10"] > 0.9
    assert "ndcg@10" in about["quality"][0]
    np.save(tmp_path / "q.npy", np.eye(16, dtype=np.float32)[:2])
    shown = subprocess.run(
        [sys.executable, "-I", "home/search.py", "q.npy"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert all(name.startswith("d") for name in shown.stdout.split())
    refused(binbench("build", *common, "--algorithm", "int8", "--output", "home", cwd=tmp_path), "there already")
    refused(binbench("build", *common, "--algorithm", "pq8", "--output", "other", cwd=tmp_path), "too few")
    refused(binbench("build", *common, "--algorithm", "pq_8", "--output", "other", cwd=tmp_path), "did you mean")
    assert not [path for path in tmp_path.iterdir() if "other" in path.name]


def test_damage_is_found(arrays, built):
    folder = built["int8"][0]
    with pytest.raises(UserError, match="holds no index"):
        bb.Index.load(arrays[2] / "nothing")
    content = (folder / "index.faiss").read_bytes()
    (folder / "index.faiss").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(UserError, match=r"index\.faiss is missing or was changed"):
        bb.Index.load(folder)
    (folder / "index.faiss").write_bytes(content)
