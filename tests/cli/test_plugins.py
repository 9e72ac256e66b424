"""Plugin files with datasets, encoders and methods, as a person uses them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import h5py
import numpy as np
import pytest
from commands import binbench, left, refused

METHOD = '''
@binbench.register("first")
class First(binbench.Algorithm):
    """The first documents."""

    def __init__(self, dimension): ...

    def fit(self, train): ...

    def query(self, queries, k):
        scores = -np.arange(k, dtype=np.float32)
        return np.tile(np.arange(k), (len(queries), 1)), np.tile(scores, (len(queries), 1))

    def footprint(self):
        return binbench.Footprint(codes=0)
'''
VECTORS = '''
@binbench.register_dataset("cloud{n}", n=[40])
def cloud(options: binbench.SourceOptions, n: int) -> binbench.VectorSource:
    """A cloud of points."""
    rng = np.random.Generator(np.random.PCG64(options.seed))
    train = rng.standard_normal((n, 6)).astype(np.float32)
    test = rng.standard_normal((5, 6)).astype(np.float32)
    return binbench.VectorSource(f"cloud{n}", n, 6, lambda: iter([train]), test)
'''
TEXTS = '''
@binbench.register_dataset("verses", labels=lambda identifier: identifier.partition("-")[0], seeded=False)
def verses(options: binbench.SourceOptions) -> binbench.Collection:
    """Verses of two kinds."""
    rng = np.random.Generator(np.random.PCG64(1))
    words = np.array([a + b for a in "bdfgklmn" for b in "aeiou"])
    ids = [f"{kind}-{i}" for kind in ("ode", "elegy") for i in range(20)]
    texts = [" ".join(rng.choice(words[:20] if i.startswith("ode") else words[20:], 8)) for i in ids]
    qrels = np.array([(i, i, 1) for i in range(4)], np.int32)
    return binbench.Collection("verses", "test", ids, texts, list("abcd"), texts[:4], qrels)
'''
ENCODER = '''
@binbench.register_encoder("initials{dimension}", dimension=[20])
class Initials(binbench.Encoder):
    """How often words begin with a letter."""

    def __init__(self, dimension: int) -> None:
        self.letters = "abcdefghijklmnopqrstuvwxyz"[:dimension]

    def encode(self, texts, kind):
        starts = [[word[0] for word in text.split()] for text in texts]
        return np.array([[1 + row.count(letter) for letter in self.letters] for row in starts], np.float32)
'''


def written(folder: Path, *parts: str) -> str:
    """The name of a plugin file made of `parts`."""
    (folder / "mine.py").write_text("\n".join(("import numpy as np\nimport binbench\n", *parts)))
    return "mine.py"


def test_vectors_from_a_plugin_file(tmp_path):
    plugin = ("--plugin", written(tmp_path, VECTORS))
    for seed in ("0", "1"):
        given = ("--algorithm", "int8", "--dataset", "cloud", "--runs", "1", "--seed", seed)
        done = binbench("run", *plugin, *given, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert "cloud40" in done.stdout
    assert left(tmp_path / "data") == ["cloud40-seed1.hdf5", "cloud40.hdf5"]
    for seed, name in enumerate(("cloud40", "cloud40-seed1")):
        rows = np.random.Generator(np.random.PCG64(seed)).standard_normal((40, 6))
        with h5py.File(tmp_path / "data" / f"{name}.hdf5") as file:
            np.testing.assert_allclose(file["train"], rows / np.linalg.norm(rows, axis=1, keepdims=True), atol=1e-6)
            assert file.attrs["encoder"] == ""


def test_one_file_with_plugins_of_all_kinds(tmp_path):
    plugin = ("--plugin", written(tmp_path, METHOD, VECTORS, TEXTS, ENCODER))
    given = ("--algorithm", "first", "--dataset", "cloud9,verses", "--encoder", "initials", "--runs", "1")
    refused(binbench("run", *plugin, *given, cwd=tmp_path), "unknown encoder 'initials'", "did you mean initials20")
    given = (*given[:-3], "initials14", *given[-2:])
    done = binbench("run", *plugin, *given, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "cloud9: 9 documents × 6" in done.stdout
    assert "verses-initials14: 40 documents × 14" in done.stdout
    listed = binbench("list", *plugin, cwd=tmp_path).stdout
    for line in ("The first documents", "A cloud of points.", "Verses of two kinds.", "initials{dimension}"):
        assert line in listed
    refused(binbench("check", *plugin, "first", cwd=tmp_path), "first breaks ", "finds-itself")


def test_a_campaign_with_a_dataset_plugin(tmp_path):
    written(tmp_path, VECTORS)
    (tmp_path / "c.yml").write_text(
        "datasets: [cloud30]\nalgorithms: [float]\nplugins: [mine.py]\nruns: 1\ncounts: [10]\n"
    )
    done = binbench("run", "--config", "c.yml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "cloud30: 30 documents × 6" in done.stdout


def test_classes_of_a_dataset_from_outside(tmp_path):
    plugin = ("--plugin", written(tmp_path, TEXTS))
    given = ("--algorithm", "float", "--encoder", "lsa8", "--classifier", "knn")
    done = binbench("classify", *plugin, *given, "--dataset", "verses", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    # A quarter of 40 documents is for testing; the two kinds share no word.
    assert "verses-lsa8: 2 classes, 30 to learn, 10 to test" in done.stdout
    assert "1.000" in done.stdout
    refused(
        binbench("classify", *plugin, *given, "--dataset", "scifact", cwd=tmp_path),
        "dataset 'scifact' has no classes to predict; there are some in pydocs, verses",
    )


@pytest.mark.parametrize("verb", ["run", "prepare", "list", "site", "classify", "check", "similarity"])
def test_a_file_that_registers_nothing_is_refused(tmp_path, verb):
    plugin = ("--plugin", written(tmp_path))
    given = {
        "run": ("--algorithm", "float", "--dataset", "pydocs"),
        "prepare": ("--dataset", "pydocs"),
        "list": (),
        "site": ("out",),
        "classify": ("--algorithm", "float", "--dataset", "pydocs"),
        "check": ("float",),
        "similarity": ("--algorithm", "float", "--pairs", "pairs.tsv"),
    }[verb]
    refused(binbench(verb, *plugin, *given, cwd=tmp_path), "mine.py registers nothing")


def test_check_needs_a_method(tmp_path):
    refused(binbench("check", written(tmp_path, VECTORS), cwd=tmp_path), "mine.py registers no algorithm to check")


@pytest.mark.parametrize(
    ("group", "part", "kind", "name"),
    [("datasets", VECTORS, "datasets", "cloud{n}"), ("encoders", ENCODER, "encoders", "initials{dimension}")],
)
def test_installed_packages(tmp_path, group, part, kind, name):
    written(tmp_path, part)
    (tmp_path / "mine.py").rename(tmp_path / "installed_plugin.py")
    about = tmp_path / "installed_plugin-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: installed_plugin\nVersion: 1\n")
    (about / "entry_points.txt").write_text(f"[binbench.{group}]\nanything = installed_plugin\n")
    done = binbench("list", kind, cwd=tmp_path, environment={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    assert name in done.stdout


def test_the_guide_works_as_it_stands(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "write-a-dataset.md").read_text(encoding="utf-8")
    code, commands = (re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)[0] for language in ("python", "sh"))
    (tmp_path / "poems.py").write_text(code)
    for line in commands.splitlines():
        done = binbench(*shlex.split(line)[3:], cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("poems-letters26: ")
