"""The engine as a library: fitting, searching, saving; and its examples."""

from __future__ import annotations

import doctest
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import binbench
from binbench import UserError
from binbench.codes import BinaryEmbeddingEngine, FloatEmbeddingBatch, engine, hamming

ENGINES = st.fixed_dictionaries(
    {
        "bits": st.integers(1, 140),
        "projection": st.sampled_from(["gaussian", "orthonormal"]),
        "threshold": st.sampled_from(["zero", "mean", "median"]),
        "seed": st.integers(0, 1000),
    }
)


def unit_rows(rng: np.random.Generator, n: int, d: int = 8) -> np.ndarray:
    rows = rng.standard_normal((n, d))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def rows(rng: np.random.Generator) -> np.ndarray:
    return unit_rows(rng, 30)


@settings(max_examples=40, deadline=None)
@given(ENGINES, st.integers(0, 30), st.integers(1, 40))
def test_search_is_that_of_the_signs(arguments: dict[str, Any], n: int, k: int) -> None:
    rng = np.random.Generator(np.random.PCG64(n))
    documents, queries = unit_rows(rng, n), unit_rows(rng, 3)
    fitted = BinaryEmbeddingEngine(**arguments).fit(documents)
    codes, asked = fitted.encode(documents), fitted.encode(queries)
    assert np.array_equal(codes.packed, fitted.codes_.packed)
    found_rows, found = fitted.search(queries, k)
    # For signs, h = (bits - s·t) / 2.
    products = asked.signs.astype(int) @ codes.signs.astype(int).T
    for i in range(3):
        ranking = sorted(range(n), key=lambda j: (-products[i, j], j))[:k]
        assert found_rows[i].tolist() == ranking + [-1] * (k - len(ranking))
        assert (arguments["bits"] - 2 * found[i, : len(ranking)]).tolist() == products[i, ranking].tolist()
    flat, distances, offsets = fitted.tied(queries, k)
    expected = hamming.tied(asked.packed, codes.packed, codes.bits, k)
    assert [flat.tolist(), distances.tolist(), offsets.tolist()] == [part.tolist() for part in expected]


def test_thresholds_are_learned_from_documents_only(rows: np.ndarray) -> None:
    fitted = BinaryEmbeddingEngine(8, "identity", "mean").fit(rows)
    fitted.search(rows[:3] * 9, 2)
    assert fitted.thresholds_ is not None
    assert np.allclose(fitted.thresholds_, rows.mean(axis=0, dtype=float), atol=1e-12)
    assert BinaryEmbeddingEngine(8, "identity", "zero").fit(rows).thresholds_ is None


def test_batches_keep_their_ids(rows: np.ndarray) -> None:
    names = [f"d{i}" for i in range(30)]
    batch = FloatEmbeddingBatch(rows, names, normalized=True)
    fitted = BinaryEmbeddingEngine(64).fit(batch)
    assert fitted.codes_.ids == tuple(names)
    assert np.array_equal(fitted.codes_.packed, BinaryEmbeddingEngine(64).fit(rows).codes_.packed)


def test_a_memory_map_is_encoded(rows: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "rows.npy", rows)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    assert np.array_equal(
        BinaryEmbeddingEngine(64).fit(mapped).codes_.packed, BinaryEmbeddingEngine(64).fit(rows).codes_.packed
    )


@settings(max_examples=25, deadline=None)
@given(ENGINES, st.integers(0, 20), st.sampled_from([None, str, int]))
def test_saving_round_trip(
    tmp_path_factory: pytest.TempPathFactory, arguments: dict[str, Any], n: int, identifier: Callable[[int], Any] | None
) -> None:
    rng = np.random.Generator(np.random.PCG64(n))
    documents, queries = unit_rows(rng, n), unit_rows(rng, 3)
    ids = None if identifier is None else [identifier(10 * i) for i in range(n)]
    saved = BinaryEmbeddingEngine(**arguments).fit(FloatEmbeddingBatch(documents, ids))
    path = tmp_path_factory.mktemp("engine") / "sub" / "engine.npz"
    saved.save(path)
    loaded = BinaryEmbeddingEngine.load(str(path))
    for name in ("bits", "projection", "threshold", "seed"):
        assert getattr(loaded, name) == arguments[name]
    assert loaded.codes_.ids == saved.codes_.ids
    for one, other in zip(loaded.search(queries, 5), saved.search(queries, 5), strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(loaded.encode(queries).packed, saved.encode(queries).packed)
    assert [file.name for file in path.parent.iterdir()] == ["engine.npz"]


def test_the_identity_saves_no_matrix(rows: np.ndarray, tmp_path: Path) -> None:
    BinaryEmbeddingEngine(5, "identity").fit(rows).save(tmp_path / "e.npz")
    with zipfile.ZipFile(tmp_path / "e.npz") as file:
        assert sorted(file.namelist()) == ["about.npy", "codes.npy"]
    assert BinaryEmbeddingEngine.load(tmp_path / "e.npz").search(rows[:1], 1)[0].tolist() == [[0]]


@pytest.fixture
def saved(rows: np.ndarray, tmp_path: Path) -> Path:
    path = tmp_path / "e.npz"
    BinaryEmbeddingEngine(70, threshold="mean").fit(rows).save(path)
    return path


def rewrite(path: Path, **changes: Any) -> None:
    """Replace members of a saved engine; None removes one; a dict changes values of `about`."""
    with np.load(path) as file:
        members = {name: file[name] for name in file.files}
    if isinstance(about := changes.get("about"), dict):
        old = json.loads(members["about"].tobytes())
        changes["about"] = np.frombuffer(json.dumps(old | about).encode(), np.uint8)
    members |= changes
    np.savez(path, **{name: member for name, member in members.items() if member is not None})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"about": {"schema_version": 2}}, "expected schema version 1, got 2; save it anew"),
        ({"about": None}, "not a saved BinaryEmbeddingEngine, or damaged"),
        ({"about": np.array([1, 2])}, "not a saved BinaryEmbeddingEngine, or damaged"),
        ({"about": np.array([{}], dtype=object)}, "not a saved BinaryEmbeddingEngine, or damaged"),
        ({"codes": None}, "its members contradict each other"),
        ({"matrix": None}, "its members contradict each other"),
        ({"matrix": np.zeros((8, 3))}, "its members contradict each other"),
        ({"thresholds": None}, "its members contradict each other"),
        ({"thresholds": np.zeros(70, np.float32)}, "its members contradict each other"),
        ({"codes": np.full((30, 2), 2**64 - 1, np.uint64)}, "its members contradict each other"),
        ({"about": {"bits": 64}}, "its members contradict each other"),
        ({"about": {"bits": "70"}}, "its members contradict each other"),
        ({"about": {"projection": "identity"}}, "its members contradict each other"),
        ({"about": {"threshold": "zero"}}, "its members contradict each other"),
        ({"about": {"ids": ["a"]}}, "its members contradict each other"),
    ],
)
def test_a_file_that_is_wrong_is_refused(saved: Path, changes: dict[str, Any], message: str) -> None:
    rewrite(saved, **changes)
    with pytest.raises(UserError, match=f"^{re.escape(str(saved))}: {message}") as raised:
        BinaryEmbeddingEngine.load(saved)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("kept", [0, 1, 10, 100, 1000, -200, -1])
def test_a_truncated_file_is_refused(saved: Path, kept: int) -> None:
    saved.write_bytes(saved.read_bytes()[:kept])
    with pytest.raises(UserError, match="not a saved BinaryEmbeddingEngine, or damaged") as raised:
        BinaryEmbeddingEngine.load(saved)
    assert "\n" not in str(raised.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "text.npz").write_text("about")
    for name in ("array.npy", "text.npz"):
        with pytest.raises(UserError, match="not a saved BinaryEmbeddingEngine, or damaged"):
            BinaryEmbeddingEngine.load(tmp_path / name)
    with pytest.raises(UserError, match=r"cannot read .*missing.npz: No such file or directory"):
        BinaryEmbeddingEngine.load(tmp_path / "missing.npz")


def test_a_flipped_byte_of_the_codes_is_noticed(saved: Path) -> None:
    content = bytearray(saved.read_bytes())
    content[content.index(b"codes.npy") + 200] ^= 1
    saved.write_bytes(content)
    with pytest.raises(UserError, match="not a saved BinaryEmbeddingEngine, or damaged"):
        BinaryEmbeddingEngine.load(saved)


def test_a_failed_save_leaves_the_old_file(saved: Path, rows: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    before = saved.read_bytes()
    monkeypatch.setattr(engine.np, "savez", fail)
    with pytest.raises(UserError, match="the disk is full"):
        BinaryEmbeddingEngine(64).fit(rows).save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda rows: BinaryEmbeddingEngine(0), "bits: expected at least 1, got 0"),
        (lambda rows: BinaryEmbeddingEngine(64, "gauss"), "unknown projection 'gauss'; did you mean gaussian"),
        (lambda rows: BinaryEmbeddingEngine(64, threshold="mode"), "unknown threshold 'mode'"),
        (lambda rows: BinaryEmbeddingEngine(64).encode(rows), r"not fitted; call fit\(documents\) first"),
        (lambda rows: BinaryEmbeddingEngine(64).search(rows, 1), r"not fitted; call fit\(documents\) first"),
        (lambda rows: BinaryEmbeddingEngine(64).save("e.npz"), r"not fitted; call fit\(documents\) first"),
        (lambda rows: BinaryEmbeddingEngine(64).fit(rows[0]), "expected a 2-D numpy array .* got 1-D"),
        (lambda rows: BinaryEmbeddingEngine(64).fit(rows.tolist()), "expected a 2-D numpy array .* got list"),
        (lambda rows: BinaryEmbeddingEngine(64).fit(rows[:, :0]), "dimension: expected at least 1, got 0"),
        (
            lambda rows: BinaryEmbeddingEngine(64).fit(rows * np.nan),
            "expected finite numbers, got nan in row 0",
        ),
        (lambda rows: BinaryEmbeddingEngine(64).fit(rows).search(rows[:, :7], 1), r"expected \(N, 8\) real numbers"),
        (lambda rows: BinaryEmbeddingEngine(64).fit(rows).search(rows, 0), "k: expected at least 1, got 0"),
        (lambda rows: BinaryEmbeddingEngine(9, "identity").fit(rows), "at most one bit per coordinate"),
        (
            lambda rows: BinaryEmbeddingEngine(8).fit(FloatEmbeddingBatch(rows[:1], [(7,)])).save("e.npz"),
            "ids: expected all strings or all integers",
        ),
    ],
)
def test_mistakes_are_named(act: Callable[[np.ndarray], Any], message: str, rows: np.ndarray) -> None:
    with pytest.raises(UserError, match=message):
        act(rows)


def test_the_docstring_holds() -> None:
    failed, tried = doctest.testmod(engine)
    assert tried >= 5
    assert failed == 0


def test_the_readme_holds() -> None:
    readme = Path(binbench.__file__).resolve().parent.parent / "README.md"
    if not readme.is_file() or ">>>" not in readme.read_text("utf-8"):
        pytest.skip("no README with examples beside the package")
    # A Markdown fence would be taken for output.
    text = re.sub(r"^```.*$", "", readme.read_text("utf-8"), flags=re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest(text, {}, "README.md", str(readme), 0)
    assert doctest.DocTestRunner().run(examples).failed == 0
