"""Codes as features: what compression costs a classifier trained on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.measures.comparison import Comparison, compare

Features = NDArray[Any]
Labels = NDArray[Any]
Classifier = Literal["logistic regression", "k-nn"]

CLASSIFIERS: tuple[Classifier, ...] = ("logistic regression", "k-nn")
NEIGHBORS = 5


@dataclass(frozen=True)
class Classification:
    """One classifier trained on float features and on codes.

    Attributes:
        classifier: one of :data:`CLASSIFIERS`.
        float_accuracy, code_accuracy: the share of test rows labelled rightly.
        float_macro_f1, code_macro_f1: the unweighted mean of the classes' F1.
        accuracy: codes (a) against float (b), test row by test row; its `difference` is that of the accuracies.
    """

    classifier: Classifier
    float_accuracy: float
    code_accuracy: float
    float_macro_f1: float
    code_macro_f1: float
    accuracy: Comparison


def classification(
    classifier: Classifier,
    float_train: Features,
    float_test: Features,
    code_train: Features,
    code_test: Features,
    train_labels: Labels,
    test_labels: Labels,
    seed: int = 0,
) -> Classification:
    """Train `classifier` on float features and on codes, and compare what they make of the test rows.

    Args:
        classifier: one of :data:`CLASSIFIERS`.
        float_train, float_test: (n, d) and (m, d) embeddings.
        code_train, code_test: (n, b) and (m, b) codes as numbers: ±1, or the vectors they stand for.
        train_labels, test_labels: (n,) and (m,) labels.
        seed: of the bootstrap and the randomization test; the classifiers are deterministic.

    Raises:
        UserError: as :func:`predict`.
        ValueError: shapes that disagree, or features that are not finite.
    """
    by_float = predict(classifier, float_train, train_labels, float_test)
    by_code = predict(classifier, code_train, train_labels, code_test)
    return judged(classifier, by_float, by_code, test_labels, seed)


def judged(
    classifier: Classifier, by_float: Labels, by_code: Labels, test_labels: Labels, seed: int = 0
) -> Classification:
    """Compare the labels (m,) that `classifier` gave from float features and from codes with the true ones."""
    from sklearn.metrics import f1_score

    found = compare(by_code == test_labels, by_float == test_labels, seed)
    return Classification(
        classifier=classifier,
        float_accuracy=found.mean_b,
        code_accuracy=found.mean_a,
        float_macro_f1=float(f1_score(test_labels, by_float, average="macro")),
        code_macro_f1=float(f1_score(test_labels, by_code, average="macro")),
        accuracy=found,
    )


def predict(classifier: Classifier, train: Features, labels: Labels, test: Features) -> Labels:
    """The labels that `classifier`, trained on `train` (n, d) and `labels` (n,), gives the rows of `test` (m, d).

    Logistic regression is multinomial with an L2 penalty (C = 1, lbfgs). Features are first scaled to a mean squared
    row norm of 1 over `train`, so that the penalty weighs the same on unit rows as on codes of ±1; for unit rows this
    changes nothing. k-NN is a majority vote of the 5 nearest rows by cosine, which ranks codes of ±1 as Hamming
    distance does.

    Raises:
        UserError: fewer than two classes, or fewer training rows than neighbours to ask.
        ValueError: shapes that disagree, or features that are not finite.
    """
    if len(np.unique(labels)) < 2:
        raise UserError("the training file has fewer than two different labels; a classifier needs two")
    if len(train) < NEIGHBORS:
        raise UserError(f"the training file has {len(train)} rows; k-NN asks {NEIGHBORS} neighbours")
    scale = np.sqrt((np.asarray(train, dtype=np.float64) ** 2).sum(axis=1).mean()) or 1.0
    scaled = np.asarray(train / scale, dtype=np.float32)
    model = _model(classifier).fit(scaled, labels)
    return np.asarray(model.predict(np.asarray(test / scale, dtype=np.float32)))


def _model(classifier: Classifier) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    if classifier == "k-nn":
        return KNeighborsClassifier(NEIGHBORS, metric="cosine", algorithm="brute")
    return LogisticRegression(C=1.0, max_iter=200, tol=1e-3)
