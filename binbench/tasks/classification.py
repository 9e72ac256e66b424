"""Codes as features for classifiers, for evaluation only: what compression costs beside retrieval."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.errors import Unsupported, UserError
from binbench.measures.classifiers import CLASSIFIERS, Classification, Classifier, judged, predict
from binbench.plugins.algorithm import Algorithm, FloatArray
from binbench.plugins.registry import ALGORITHMS, DATASETS, Instance
from binbench.sets.prepare import EncoderOptions, Preparation
from binbench.sets.text_vectors import text_vectors
from binbench.tasks.tsv import read_labelled

logger = logging.getLogger("binbench")

#: Documents of a collection that are kept for testing, and the fewest documents of a class that counts.
TEST_SHARE = 0.25
SMALLEST_CLASS = 10


@dataclass(frozen=True)
class Task:
    """Labelled vectors to learn from and to test on.

    Attributes:
        name: of the task.
        train, test: (n, d) and (m, d) float32 unit rows, read-only.
        train_labels, test_labels: (n,) and (m,) strings.
    """

    name: str
    train: FloatArray
    test: FloatArray
    train_labels: NDArray[np.str_]
    test_labels: NDArray[np.str_]

    @property
    def classes(self) -> int:
        """The number of classes learned."""
        return len(np.unique(self.train_labels))


@dataclass(frozen=True)
class ClassFigures:
    """One method on one task.

    Attributes:
        name: the instance.
        status: ``skipped`` where the method cannot serve, ``failed`` where it broke.
        reason: why, for those.
        figures: one for each classifier, for ``ok``.
        bytes_per_vector: everything held per vector, a re-scoring store included.
        notes: what the method remarks on its training.
    """

    name: str
    status: Literal["ok", "skipped", "failed"]
    reason: str = ""
    figures: list[Classification] = field(default_factory=list)
    bytes_per_vector: float = np.nan
    notes: list[str] = field(default_factory=list)


def task_from_files(
    train: Path, test: Path, encoder: EncoderOptions | None = None, data_dir: Path = Path("data"), seed: int = 0
) -> Task:
    """The task of two files of labelled texts (:func:`binbench.tasks.tsv.read_labelled`); vectors stay in `data_dir`.

    Raises:
        UserError: a file or the encoder is not usable.
    """
    texts, labels = read_labelled(train)
    test_texts, test_labels = read_labelled(test)
    if unknown := sorted(set(test_labels.tolist()) - set(labels.tolist())):
        logger.warning("%s: labels that %s lacks cannot be predicted: %s", test, train, ", ".join(unknown[:5]))
    vectors = text_vectors([*texts, *test_texts], encoder or EncoderOptions(), data_dir, seed, len(texts))
    return Task(train.parent.name, vectors[: len(texts)], vectors[len(texts) :], labels, test_labels)


def task_from_dataset(preparation: Preparation, seed: int = 0) -> Task:
    """The task that a dataset's documents make, if it says to which class each belongs.

    Classes of fewer than 10 documents are left out; of the others' documents a seeded quarter is for testing.

    Raises:
        UserError: the dataset has no classes, or cannot be prepared.
    """
    label = preparation.origin.labels
    if label is None:
        raise UserError(
            f"dataset {preparation.dataset!r} has no classes to predict; there are some in "
            f"{', '.join(labelled_datasets())}, or give --train and --test"
        )
    embeddings = preparation.run()
    if embeddings.train_ids is None:
        raise UserError(f"{embeddings.path} holds no document ids to know the classes by; make it anew with --force")
    labels = np.array([label(identifier) for identifier in embeddings.train_ids])
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    rows = np.flatnonzero(counts[inverse] >= SMALLEST_CLASS)
    shuffled = Generator(PCG64(seed)).permutation(rows)
    tested = round(TEST_SHARE * len(rows))
    test, train = np.sort(shuffled[:tested]), np.sort(shuffled[tested:])
    return Task(
        embeddings.name, _frozen(embeddings.train[train]), _frozen(embeddings.train[test]), labels[train], labels[test]
    )


def labelled_datasets() -> list[str]:
    """The registered datasets that have classes."""
    return [family.name for family in DATASETS.families() if family.facts.get("labels")]


def classify(
    task: Task, algorithms: Iterable[str], classifiers: Sequence[Classifier] = CLASSIFIERS, seed: int = 0
) -> list[ClassFigures]:
    """Train classifiers on the codes of methods and on float, and compare what they make of the test rows.

    Each method is fitted on the training rows; its features are what :meth:`binbench.Algorithm.decode` gives.

    Args:
        task: what to learn.
        algorithms: names as for `binbench run`.
        classifiers: some of :data:`binbench.measures.classifiers.CLASSIFIERS`.
        seed: of everything random.

    Returns:
        One row for each instance, in order.

    Raises:
        UserError: an unknown name, or a task with too few rows or classes.
    """
    instances = ALGORITHMS.resolve(algorithms)
    by_float = {name: predict(name, task.train, task.train_labels, task.test) for name in classifiers}
    return [_figures(instance, task, by_float, seed) for instance in instances]


def _figures(instance: Instance, task: Task, by_float: dict[Classifier, NDArray[Any]], seed: int) -> ClassFigures:
    try:
        algorithm: Algorithm = instance.create(dimension=task.train.shape[1], seed=seed, metric="angular")
        algorithm.fit(task.train)
        train, test = algorithm.decode(task.train), algorithm.decode(task.test)
        if train is None or test is None:
            raise Unsupported("its codes cannot be made features")
        figures = [
            judged(name, labels, predict(name, train, task.train_labels, test), task.test_labels, seed)
            for name, labels in by_float.items()
        ]
    except Unsupported as error:
        return ClassFigures(instance.name, "skipped", str(error))
    except Exception as error:
        logger.debug("%s", instance.name, exc_info=True)
        return ClassFigures(instance.name, "failed", f"{type(error).__name__}: {error}".partition("\n")[0])
    notes = algorithm.facts.get("notes", [])
    return ClassFigures(instance.name, "ok", "", figures, algorithm.footprint().per_vector, notes)


def _frozen(rows: FloatArray) -> FloatArray:
    rows.flags.writeable = False
    return rows
