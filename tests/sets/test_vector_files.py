"""Every format of vectors: what is read from it, and what is said where it is damaged."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import binbench, left, refused
from safetensors.numpy import save_file

from binbench.errors import UserError
from binbench.sets import vector_files
from binbench.sets.corpus import SourceOptions
from binbench.sets.own_vectors import VectorOptions
from binbench.sets.prepare import Preparation
from binbench.sets.vector_files import open_vectors

ROWS, DIMENSION = 23, 5


@pytest.fixture
def bytes_(rng) -> np.ndarray:
    """(23, 5) whole numbers from 1 to 100, which every format can hold."""
    return rng.integers(1, 100, (ROWS, DIMENSION))


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Blocks of 4 rows, so that these few are several."""
    for place in ("vector_files.BLOCK_ROWS", "parquet_vectors.BATCH_ROWS"):
        monkeypatch.setattr(f"binbench.sets.{place}", 4)
    monkeypatch.setattr("binbench.sets.neighbors.BLOCK_BYTES", 4 * DIMENSION * 4)


def write(path: Path, rows: np.ndarray) -> Path:
    """`rows` in the format that the ending of `path` names, byte by byte where that has no library."""
    ending = path.suffix
    kind = {".fbin": "f", ".fvecs": "f", ".i8bin": "b"}.get(ending, "B")
    packed = [struct.pack(f"<{len(row)}{kind}", *row.tolist()) for row in rows] if ending in vector_files._RAW else []
    if ending in (".fvecs", ".bvecs"):
        path.write_bytes(b"".join(struct.pack("<i", len(row)) + data for row, data in zip(rows, packed, strict=True)))
    elif ending in (".fbin", ".u8bin", ".i8bin"):
        path.write_bytes(struct.pack("<II", *rows.shape) + b"".join(packed))
    elif ending == ".parquet":
        pq.write_table(pa.table({"vector": pa.array(rows.tolist(), pa.list_(pa.float32()))}), path)
    elif ending == ".safetensors":
        save_file({"vector": rows.astype("f4")}, path)
    elif ending == ".npy":
        np.save(path, rows.astype("f4"))
    else:
        with h5py.File(path, "w") as file:
            file["train"] = file["test"] = rows.astype("f4")
    return path


def read(path: Path, **options) -> np.ndarray:
    opened = open_vectors(path, **options)
    blocks = list(opened.blocks())
    assert {block.dtype for block in blocks} == {np.dtype("f4")}
    assert max(map(len, blocks)) <= 4
    found = np.concatenate(blocks)
    assert found.shape == (opened.count, opened.dimension)
    return found


@pytest.mark.parametrize("ending", vector_files.ENDINGS)
def test_every_format_gives_its_rows_in_order(tmp_path, bytes_, ending):
    np.testing.assert_array_equal(read(write(tmp_path / f"x{ending}", bytes_)), bytes_)


@pytest.mark.parametrize("dtype", ["<f2", "f4", ">f4", "f8", "i1", "u1"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_of_several_types(tmp_path, bytes_, dtype, order):
    np.save(tmp_path / "x.npy", np.asarray(bytes_, dtype=dtype, order=order))
    np.testing.assert_array_equal(read(tmp_path / "x.npy"), bytes_)


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "int8", "uint8"])
@pytest.mark.parametrize("size", [-1, DIMENSION])
def test_parquet_of_several_types_and_row_groups(tmp_path, bytes_, kind, size):
    values = bytes_.astype(kind) if kind == "float16" else bytes_
    column = pa.array(list(values) if kind == "float16" else values.tolist(), pa.list_(getattr(pa, kind)(), size))
    pq.write_table(pa.table({"text": ["t"] * ROWS, "embedding": column}), tmp_path / "x.parquet", row_group_size=6)
    np.testing.assert_array_equal(read(tmp_path / "x.parquet"), bytes_)


def test_safetensors_in_bfloat16(tmp_path, bytes_):
    import torch
    from safetensors.torch import save_file as save

    save({"v": torch.tensor(bytes_, dtype=torch.bfloat16), "bias": torch.zeros(3)}, tmp_path / "x.safetensors")
    np.testing.assert_array_equal(read(tmp_path / "x.safetensors"), bytes_)


class TestParquet:
    @pytest.fixture
    def shards(self, tmp_path, bytes_):
        folder = tmp_path / "my_shards"
        folder.mkdir()
        for number, rows in enumerate((slice(0, 9), slice(9, 9), slice(9, None))):
            ids = pa.array(range(100 + rows.start, 100 + (rows.stop or ROWS)), pa.int64())
            columns = [pa.array(x[rows].tolist(), pa.list_(pa.float32(), DIMENSION)) for x in (bytes_, -bytes_)]
            table = pa.table([ids, *columns], names=["Doc_ID", "title_vector", "text_vector"])
            pq.write_table(table, folder / f"part-{number}.parquet")
        return folder

    def test_shards_follow_each_other_and_keep_their_ids(self, tmp_path, bytes_, shards):
        np.testing.assert_array_equal(read(shards, column="text_vector"), -bytes_)
        vectors = VectorOptions(hold_out=3, column="title_vector")
        made = Preparation(str(shards), data_dir=tmp_path / "data", vectors=vectors).run()
        assert made.name == "my-shards-title-vector-holdout3"
        by_id = dict(zip(made.train_ids + made.test_ids, np.concatenate([made.train, made.test]), strict=True))
        for row, values in enumerate(bytes_):
            np.testing.assert_allclose(by_id[str(100 + row)], values / np.linalg.norm(values), atol=1e-6)

    def test_several_columns_are_listed(self, shards):
        with pytest.raises(UserError, match="columns of vectors: title_vector, text_vector; choose with --column"):
            open_vectors(shards)

    @pytest.mark.parametrize(
        ("column", "message"),
        [
            ("text_vektor", "did you mean text_vector"),
            ("Doc_ID", "column Doc_ID holds no vectors; columns of "),
        ],
    )
    def test_other_columns_are_refused(self, shards, column, message):
        with pytest.raises(UserError, match=message):
            open_vectors(shards, column=column)

    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ({"Doc_ID": [1]}, "part-3.parquet has no column title_vector, which part-0.parquet has"),
            ({"title_vector": [[1.0] * 5]}, "part-3.parquet has no column Doc_ID, which part-0.parquet has"),
            ({"Doc_ID": [1], "title_vector": ["x"]}, "part-3.parquet: column title_vector holds no vectors"),
            ({"Doc_ID": [1, 2], "title_vector": [[1.0] * 5, [1.0] * 4]}, "part-3.*row 1 .*has dimension 4, not 5"),
            ({"Doc_ID": [1, 2], "title_vector": [[1.0] * 5, None]}, "part-3.parquet: row 1 of .* is null"),
            ({"Doc_ID": [1, 2], "title_vector": [[1.0] * 5, [1.0] * 4 + [None]]}, "document vector 2[0-9] holds NaN"),
            ({"Doc_ID": [1, None], "title_vector": [[1.0] * 5] * 2}, "the id column Doc_ID is null"),
            ({"Doc_ID": [1, 100], "title_vector": [[1.0] * 5] * 2}, "the id '100' stands there 2 times"),
        ],
    )
    def test_a_shard_unlike_the_first(self, tmp_path, shards, columns, message):
        pq.write_table(pa.table(columns), shards / "part-3.parquet")
        vectors = VectorOptions(hold_out=1, column="title_vector")
        with pytest.raises(UserError, match=message):
            Preparation(str(shards), data_dir=tmp_path / "data", vectors=vectors).run()
        assert not list((tmp_path / "data").glob("*.hdf5"))


def damaged(ending: str) -> list[tuple[str, bytes | None, str]]:
    """Ways of being damaged: a name, the file's bytes (None: cut the whole one in its data), and what is said."""
    header = {
        ".npy": ("not a readable .npy file", b"\x93NUMPY\x01\x00"),
        ".parquet": ("not a readable Parquet file", b"PAR1"),
        ".safetensors": ("not a readable .safetensors file", struct.pack("<Q", 900)),
        ".hdf5": ("is not a readable HDF5 file", b"\x89HDF\r\n\x1a\n"),
    }.get(ending, ("it ends within its header", b"\x01\x00\x00"))
    cases = [("header", header[1], header[0]), ("cut", None, "damaged|not a readable|cannot be read")]
    huge = {
        ".fbin": struct.pack("<II", 2**32 - 1, 2**32 - 1),
        ".fvecs": struct.pack("<i", 2**31 - 1),
        ".npy": npy_header((2**62, 2**62)),
        ".safetensors": tensor_header([2**62, 2**62]),
    }
    if ending in huge:
        cases.append(("overflow", huge[ending] + b"\0" * 40, "damaged|not a readable"))
    return cases


def npy_header(shape: tuple[int, int]) -> bytes:
    text = str({"descr": "<f4", "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def tensor_header(shape: list[int]) -> bytes:
    text = json.dumps({"vector": {"dtype": "F32", "shape": shape, "data_offsets": [0, 40]}}).encode()
    return struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    ("ending", "content", "message"),
    [
        pytest.param(ending, content, message, id=f"{ending[1:]}-{name}")
        for ending in vector_files.ENDINGS
        if ending != ".h5"
        for name, content, message in damaged(ending)
    ],
)
def test_damaged_files_are_named_and_nothing_is_written(tmp_path, bytes_, ending, content, message):
    path = write(tmp_path / f"x{ending}", bytes_)
    path.write_bytes(path.read_bytes()[:-3] if content is None else content)
    with pytest.raises(UserError, match=message) as raised:
        Preparation(str(path), data_dir=tmp_path / "data", vectors=VectorOptions(hold_out=2)).run()
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not list((tmp_path / "data").glob("*.hdf5"))


@pytest.mark.parametrize("ending", [e for e in vector_files.ENDINGS if e not in (".u8bin", ".i8bin", ".bvecs")])
@pytest.mark.parametrize(("value", "message"), [(np.nan, "holds NaN"), (np.inf, "holds NaN or inf"), (0, "all zeros")])
def test_rows_that_are_no_vectors(tmp_path, bytes_, ending, value, message):
    rows = bytes_.astype("f4")
    rows[17] = value
    path = write(tmp_path / f"x{ending}", rows)
    with pytest.raises(UserError, match=message):
        Preparation(str(path), data_dir=tmp_path / "data", vectors=VectorOptions(hold_out=2)).run()
    assert not list((tmp_path / "data").glob("*.hdf5"))


@pytest.mark.parametrize("ending", [e for e in vector_files.ENDINGS if e != ".h5"])
def test_no_rows(tmp_path, ending):
    path = write(tmp_path / f"x{ending}", np.empty((0, DIMENSION)))
    with pytest.raises(UserError, match=r"empty|no documents"):
        Preparation(str(path), data_dir=tmp_path / "data", vectors=VectorOptions(hold_out=2)).run()


def test_rows_of_another_dimension_in_fvecs(tmp_path, bytes_):
    path = write(tmp_path / "x.fvecs", bytes_)
    content = bytearray(path.read_bytes())
    row = 4 + 4 * DIMENSION
    content[6 * row : 6 * row + 4] = struct.pack("<i", 6)
    path.write_bytes(content)
    with pytest.raises(UserError, match="row 6 has dimension 6, not 5"):
        read(path)


class TestHoldOut:
    def prepared(self, path, folder, seed=0, **vectors):
        return Preparation(
            str(path), source=SourceOptions(seed=seed), data_dir=folder, vectors=VectorOptions(**vectors)
        )

    def test_queries_are_drawn_by_seed_and_taken_out(self, tmp_path, rng):
        rows = rng.standard_normal((50, 6)).astype("f4")
        path = write(tmp_path / "x.fvecs", rows)
        first = self.prepared(path, tmp_path / "a", metric="ip", hold_out=7).run()
        again = self.prepared(path, tmp_path / "b", metric="ip", hold_out=7).run()
        other = self.prepared(path, tmp_path / "a", metric="ip", hold_out=7, seed=1).run()
        assert (first.name, other.name) == ("x-ip-holdout7", "x-ip-holdout7-seed1")
        np.testing.assert_array_equal(first.test, again.test)
        assert not np.array_equal(first.test, other.test)
        for made in (first, other):
            drawn = [int(np.flatnonzero((rows == query).all(axis=1))[0]) for query in made.test]
            assert drawn == sorted(set(drawn))
            np.testing.assert_array_equal(made.train, np.delete(rows, drawn, axis=0))
            assert made.attributes["queries_in_train"] == 0

    def test_documents_that_stand_twice_are_found(self, tmp_path, rng, caplog):
        path = write(tmp_path / "x.npy", np.tile(rng.standard_normal((10, 6)), (2, 1)))
        made = self.prepared(path, tmp_path, hold_out=5, metric="ip").run()
        twice = len(made.test) - len(np.unique(made.test, axis=0))
        assert made.attributes["queries_in_train"] == 5 - 2 * twice

    @pytest.mark.parametrize(
        ("vectors", "message"),
        [
            ({"hold_out": 23}, "--hold-out 23 leaves no documents"),
            ({"hold_out": 3, "queries": "q.npy"}, "give one of them"),
            ({}, "needs its queries: --train .* --queries FILE, or --hold-out"),
            ({"hold_out": 3, "column": "c"}, "x.npy has no columns"),
            ({"queries": "none.npy"}, "none.npy does not exist"),
        ],
    )
    def test_what_cannot_be(self, tmp_path, bytes_, vectors, message):
        path = write(tmp_path / "x.npy", bytes_)
        with pytest.raises(UserError, match=message):
            self.prepared(path, tmp_path / "data", **vectors).run()

    def test_texts_have_none(self, collection_dir, tmp_path):
        with pytest.raises(UserError, match="--hold-out 3 is for files of vectors"):
            self.prepared(collection_dir, tmp_path, hold_out=3).run()

    def test_queries_in_another_format_than_the_documents(self, tmp_path, bytes_, rng):
        documents = write(tmp_path / "x.parquet", bytes_)
        queries = write(tmp_path / "q.u8bin", bytes_[:4])
        made = self.prepared(documents, tmp_path, queries=str(queries), column="vector", metric="euclidean").run()
        np.testing.assert_array_equal(made.neighbors[:, 0], range(4))
        assert made.attributes["queries_in_train"] == 4


def test_a_source_that_gives_fewer_rows_than_it_declares(tmp_path, bytes_, monkeypatch):
    path = write(tmp_path / "x.npy", bytes_)
    whole = open_vectors(path)
    monkeypatch.setattr("binbench.sets.own_vectors.open_vectors", lambda *_: replace(whole, count=ROWS + 1))
    with pytest.raises(UserError, match="declares 22 documents and gives 21"):
        Preparation(str(path), data_dir=tmp_path, vectors=VectorOptions(hold_out=2)).run()


def test_from_the_command_line(tmp_path, bytes_):
    write(tmp_path / "docs.fbin", bytes_)
    arguments = ["--train", "docs.fbin", "--hold-out", "4", "--metric", "euclidean", "--seed", "3"]
    assert binbench("prepare", *arguments, cwd=tmp_path).stdout == "data/docs-euclidean-holdout4-seed3.hdf5\n"
    (tmp_path / "docs.fbin").write_bytes(b"\x00")
    failed = binbench("prepare", *arguments, "--data-dir", "other", cwd=tmp_path)
    refused(failed, "docs.fbin is damaged: it ends within its header, after 1 bytes")
    assert left(tmp_path / "other") == []


def test_a_set_is_made_anew_when_a_shard_changes_comes_or_goes(tmp_path, bytes_):
    folder = tmp_path / "shards"
    folder.mkdir()
    rows = {write(folder / f"{name}.parquet", bytes_[:8]).name: 8 for name in "ab"}
    preparation = Preparation(str(folder), data_dir=tmp_path / "data", vectors=VectorOptions(hold_out=2))
    assert len(preparation.run().train) == 14
    kept = preparation.run().path.stat().st_mtime_ns
    assert preparation.run().path.stat().st_mtime_ns == kept
    for name, changed in (("b", bytes_[8:]), ("c", bytes_[:3]), ("a", None)):
        path = folder / f"{name}.parquet"
        if changed is None:
            path.unlink()
        else:
            write(path, changed)
        rows[path.name] = 0 if changed is None else len(changed)
        assert len(preparation.run().train) == sum(rows.values()) - 2
