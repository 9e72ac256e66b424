"""Every line of "Where to add what" in docs/architecture.md, carried out in a copy of the checkout."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from conftest import unit

from binbench.sets.embeddings import write_set

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
KINDS = re.findall(
    r"^\| (\w+) \| .* \| .* \|$", PAGE.partition("## Where to add what")[2].partition("## ")[0], re.MULTILINE
)
ADDED = {}

METHOD = '''
import numpy as np
from binbench import Algorithm, Footprint, register


@register("keep{dims}", dims=[8, 16])
class Keep(Algorithm):
    """The first dimensions, and nothing else."""

    def __init__(self, dimension: int, dims: int) -> None:
        self.dims = dims

    def fit(self, train):
        self.kept_ = np.ascontiguousarray(train[:, : self.dims])

    def query(self, queries, k):
        scores = np.einsum("qd,nd->qn", queries[:, : self.dims], self.kept_).astype(np.float32)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        ids = np.full((len(queries), k), -1)
        ids[:, : order.shape[1]] = order
        found = np.full(ids.shape, -np.inf, np.float32)
        found[:, : order.shape[1]] = np.take_along_axis(scores, order, axis=1)
        return ids, found

    def footprint(self):
        return Footprint(codes=4 * self.dims)
'''


@dataclass(frozen=True)
class Checkout:
    """A copy of the checkout's package and plugins, with a small set in its data folder."""

    folder: Path

    def add(self, file: str, text: str) -> None:
        """Write a new file."""
        path = self.folder / file
        assert not path.exists()
        path.write_text(text, encoding="utf-8")

    def __call__(self, *arguments: str) -> str:
        """`python -m binbench …` there; what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "binbench", *arguments], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A fresh copy."""
    folder = tmp_path / "checkout"
    for name in ("binbench", "algorithms", "datasets"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", folder)
    rng = np.random.Generator(np.random.PCG64(5))
    train, test = unit(rng.standard_normal((300, 16))), unit(rng.standard_normal((10, 16)))
    qrels = np.array([(q, int(np.argmax(train @ test[q])), 1) for q in range(10)], np.int32)
    (folder / "data").mkdir()
    ids = [f"d{i}" for i in range(300)], [f"q{i}" for i in range(10)]
    write_set(folder / "data" / "small.hdf5", train.shape, [train], test, {"distance": "angular"}, ids=ids, qrels=qrels)
    return Checkout(folder)


def adds(kind: str) -> Callable[[Callable[[Checkout], None]], Callable[[Checkout], None]]:
    """Carries out the line of `kind`."""

    def decorate(function: Callable[[Checkout], None]) -> Callable[[Checkout], None]:
        ADDED[kind] = function
        return function

    return decorate


@adds("method")
def a_method(checkout: Checkout) -> None:
    checkout.add("algorithms/keep.py", METHOD)
    assert "keep{dims}" in checkout("list", "algorithms")
    assert "keep8" in checkout("run", "--algorithm", "keep8", "--dataset", "data/small.hdf5", "--count", "10")
    assert "keep8" in checkout("table", "--columns", "method,recall@10", "--filter", "family=keep")


@adds("transform")
def a_transform(checkout: Checkout) -> None:
    checkout.add(
        "algorithms/flip.py",
        '''
from binbench import Transform, register_transform


@register_transform("flip")
class Flip(Transform):
    """The dimensions the other way round: every distance stays."""

    def apply(self, vectors):
        return vectors[:, ::-1].copy()
''',
    )
    shown = checkout("run", "--algorithm", "float@flip,float", "--dataset", "data/small.hdf5", "--count", "10")
    assert re.search(r"float@flip +64 .* 1\.0000", shown)


@adds("dataset")
def a_dataset(checkout: Checkout) -> None:
    checkout.add(
        "datasets/mine.py",
        '''
import numpy as np
from binbench import register_dataset
from binbench.sets.corpus import Collection, SourceOptions


@register_dataset("mine", seeded=False)
def mine(options: SourceOptions) -> Collection:
    """Forty documents of four words."""
    words = ["ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen"]
    documents = [" ".join(words[(i * j) % 8] for j in range(1, 5)) for i in range(40)]
    qrels = np.array([(i, i, 1) for i in range(5)], np.int32)
    ids = [f"d{i}" for i in range(40)], [f"q{i}" for i in range(5)]
    return Collection("mine", "test", ids[0], documents, ids[1], words[:5], qrels)
''',
    )
    assert "mine" in checkout("list", "datasets")
    assert "mine-lsa4" in checkout("prepare", "--dataset", "mine", "--encoder", "lsa4")


@adds("encoder")
def an_encoder(checkout: Checkout) -> None:
    a_dataset(checkout)
    checkout.add(
        "binbench/sets/encoders/lengths.py",
        '''
import numpy as np
from binbench import Encoder, register_encoder


@register_encoder("lengths{d}", d=[4])
class Lengths(Encoder):
    """Numbers of letters: no use but to test."""

    def __init__(self, d: int) -> None:
        self.d = d

    def encode(self, texts, kind):
        rows = np.array([[len(text) % (i + 2) + 1 for i in range(self.d)] for text in texts], np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)
''',
    )
    assert "lengths" in checkout("list", "encoders")
    assert "mine-lengths4" in checkout("prepare", "--dataset", "mine", "--encoder", "lengths4")


@adds("measure")
def a_measure(checkout: Checkout) -> None:
    checkout.add(
        "binbench/measures/first.py",
        """
import numpy as np
from binbench.measures.registry import measure


@measure("first", against="float", definition="whether the nearest document comes first", depth=1)
def first(answers):
    return (answers.ids[:, 0] == answers.true_ids[:, 0]).astype(np.float64)
""",
    )
    checkout("run", "--algorithm", "float", "--dataset", "data/small.hdf5", "--count", "10")
    header, row = checkout("table", "--columns", "method,first,first_ci_low").splitlines()[1:]
    assert header.split()[:2] == ["method", "first"]
    assert row.split() == ["float", "1.0000", "1.0000"]
    assert "whether the nearest document comes first" in checkout("export", "--describe")


@adds("plot")
def a_plot(checkout: Checkout) -> None:
    checkout.add(
        "binbench/report/charts/blank.py",
        '''
from binbench.report.charts.registry import chart


@chart("blank")
def blank(rows):
    """Nothing at all."""
    from matplotlib.figure import Figure

    return Figure()
''',
    )
    checkout("run", "--algorithm", "float", "--dataset", "data/small.hdf5", "--count", "10")
    assert checkout("plot", "--kind", "blank", "--format", "svg").strip().endswith("blank.svg")


@adds("experiment")
def an_experiment(checkout: Checkout) -> None:
    checkout.add(
        "binbench/study/experiments/x9.py",
        """
from dataclasses import dataclass

from binbench.study.experiment import Band, Experiment, experiment
from binbench.study.rows import SetRow
from binbench.study.tables import listing


@dataclass(frozen=True)
class Count:
    sets: tuple[SetRow, ...]


@experiment
class X9(Experiment[Count]):
    id = "x9"
    title = "How many sets there are"
    figures = Count

    def measure(self, study):
        return Count(tuple(SetRow(**entry.labels()) for entry in study.sets))

    def judge(self, figures):
        return Band("green" if figures.sets else "red", [f"{len(figures.sets)} sets"])

    def tables(self, figures):
        return [listing("Sets that are there", figures.sets, {"set": lambda row: row.set})]
""",
    )
    tier = "{datasets: [data/small.hdf5], encoders: [lsa16], algorithms: [binary64, pq8]}"
    (checkout.folder / "little.yml").write_text(f"runs: 1\ntiers: [{tier}]\n")
    assert "How many sets there are." in checkout("study", "--help")
    checkout("study", "run", "little.yml")
    assert "X9: green\n  1 sets" in checkout("study", "x9", "little.yml")
    report = (checkout.folder / "study" / "little" / "report.md").read_text()
    assert "### X9: How many sets there are\n\nBand: **green**." in report
    assert "| X9 | How many sets there are | green | 1 sets |" in report
    command = f"python -m binbench study x9 {checkout.folder / 'little.yml'}"
    assert command in report


@adds("option")
def an_option(checkout: Checkout) -> None:
    options = checkout.folder / "binbench" / "harness" / "options.py"
    text = options.read_text()
    anchor = '    threads: Count = Field(default=1, description="For every numeric library.")\n'
    assert text.count(anchor) == 1
    field = '    patience: Count | None = Field(default=None, description="How long to wait.")\n'
    options.write_text(text.replace(anchor, anchor + field))
    assert "How long to wait." in checkout("run", "--help")
    asked = ["run", "--algorithm", "float", "--dataset", "data/small.hdf5", "--count", "10"]
    checkout(*asked)
    assert "0 of 1 jobs to run" in checkout(*asked, "--dry-run")
    assert "1 of 1 jobs to run" in checkout(*asked, "--patience", "3", "--dry-run")
    (checkout.folder / "c.yml").write_text("datasets: [data/small.hdf5]\nalgorithms: [float]\npatience: 3\n")
    checkout("run", "--config", "c.yml")
    assert (checkout.folder / "results/small/100/float-batch/float_seed=0_patience=3.hdf5").is_file()


@pytest.mark.parametrize("kind", KINDS)
def test_the_line_is_true(kind, checkout):
    ADDED[kind](checkout)


def test_every_line_is_carried_out():
    assert set(KINDS) == set(ADDED)
