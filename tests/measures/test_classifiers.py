import numpy as np
import pytest
from numpy.random import PCG64, Generator

from binbench import UserError
from binbench.measures.classifiers import CLASSIFIERS, classification, predict


def clusters(seed: int, rows: int, spread: float, classes: int = 4, dimension: int = 12):
    """Unit rows around one axis per class, with labels as text."""
    random = Generator(PCG64(seed))
    labels = random.integers(classes, size=rows)
    features = np.eye(classes, dimension)[labels] + random.normal(0, spread, size=(rows, dimension))
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    return features.astype(np.float32), np.array(list("abcdefgh"))[labels]


TRAIN, TRAIN_LABELS = clusters(0, 200, 0.15)
TEST, TEST_LABELS = clusters(1, 120, 0.15)


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_separate_clusters_are_told_apart(classifier):
    assert (predict(classifier, TRAIN, TRAIN_LABELS, TEST) == TEST_LABELS).mean() > 0.95


def test_nearest_neighbors_by_hand():
    # By angle the query's five nearest are two of a and three of b; by distance they would be four of a.
    train = np.array([[1, 0.1], [1, 0.2], [9, 2.7], [9, 3.6], [9, 4.5], [0.5, 5.0], [0.3, 5.0]])
    labels = np.array(["a", "a", "b", "b", "b", "a", "a"])
    assert predict("k-nn", train, labels, np.array([[1, 0.15]])).tolist() == ["b"]


def test_nearest_codes_are_nearest_by_hamming_distance():
    random = Generator(PCG64(2))
    train, test = random.choice([-1, 1], size=(40, 65)), random.choice([-1, 1], size=(30, 65))
    labels = np.array([0] * 20 + [1] * 20)
    expected, kept = [], []
    for row, code in enumerate(test):
        distances = (train != code).sum(axis=1)
        fifth, sixth = np.sort(distances)[4:6]
        # With a tie at the cut the neighbours are not determined.
        if fifth < sixth:
            expected.append(int(labels[distances <= fifth].sum() >= 3))
            kept.append(row)
    assert len(kept) > 5
    assert predict("k-nn", train, labels, test)[kept].tolist() == expected


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_scale_of_the_codes_does_not_matter(classifier):
    # A power of two, so that scaling is exact.
    np.testing.assert_array_equal(
        predict(classifier, 64 * TRAIN, TRAIN_LABELS, 64 * TEST), predict(classifier, TRAIN, TRAIN_LABELS, TEST)
    )


def test_logistic_regression_agrees_with_a_minimum_found_by_scipy():
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    train, labels = clusters(5, 60, 0.6, classes=3, dimension=4)
    test, _ = clusters(6, 200, 0.6, classes=3, dimension=4)
    classes = np.unique(labels)
    target = labels[:, None] == classes
    # Unit rows: the scale is 1.
    x = train.astype(float)

    def loss(flat):
        weights, intercepts = flat[:12].reshape(4, 3), flat[12:]
        logits = x @ weights + intercepts
        return (logsumexp(logits, axis=1) - logits[target]).sum() + (weights**2).sum() / 2

    best = minimize(loss, np.zeros(15), tol=1e-9).x
    logits = test @ best[:12].reshape(4, 3) + best[12:]
    second, first = np.sort(logits, axis=1)[:, -2:].T
    clear = first - second > 0.02
    assert clear.mean() > 0.9
    found = predict("logistic regression", train, labels, test)
    assert (found[clear] == classes[logits.argmax(axis=1)][clear]).all()


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_codes_against_float(classifier):
    train, labels = clusters(3, 300, 0.3)
    test, test_labels = clusters(4, 150, 0.3)
    signs = [np.sign(x) for x in (train, test)]
    found = classification(classifier, train, test, *signs, labels, test_labels)
    by_code = predict(classifier, signs[0], labels, signs[1])
    by_float = predict(classifier, train, labels, test)
    assert found.code_accuracy == pytest.approx((by_code == test_labels).mean())
    assert found.float_accuracy == pytest.approx((by_float == test_labels).mean())
    assert found.accuracy.difference.estimate == pytest.approx(found.code_accuracy - found.float_accuracy)
    assert found.accuracy.wins == ((by_code == test_labels) & (by_float != test_labels)).sum()
    # Signs of noise count as much as signs of signal here: the loss is beyond doubt.
    assert found.accuracy.difference.high < 0
    assert found.accuracy.p_value < 0.01
    f1 = []
    for label in np.unique(test_labels):
        both = ((by_code == label) & (test_labels == label)).sum()
        f1.append(2 * both / ((by_code == label).sum() + (test_labels == label).sum()))
    assert found.code_macro_f1 == pytest.approx(np.mean(f1))
    assert classification(classifier, train, test, *signs, labels, test_labels) == found


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_the_same_features_differ_by_nothing(classifier):
    found = classification(classifier, TRAIN, TEST, TRAIN, TEST, TRAIN_LABELS, TEST_LABELS)
    assert found.accuracy.difference == (0, 0, 0)
    assert found.accuracy.p_value == 1


@pytest.mark.parametrize("classifier", CLASSIFIERS)
def test_features_without_information_are_survived(classifier):
    # A method whose codes are all alike, or all zero, is bad and not an error.
    labels = np.array(["a"] * 6 + ["b"] * 3)
    assert set(predict(classifier, np.zeros((9, 4)), labels, np.zeros((3, 4)))) <= {"a", "b"}


def test_wrong_input_is_refused():
    with pytest.raises(UserError, match="fewer than two different labels"):
        predict("k-nn", TRAIN, np.zeros(len(TRAIN)), TEST)
    with pytest.raises(UserError, match="3 rows"):
        predict("k-nn", TRAIN[:3], np.array(["a", "b", "c"]), TEST)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        predict("logistic regression", TRAIN, TRAIN_LABELS[:-1], TEST)
    with pytest.raises(ValueError, match="features"):
        predict("logistic regression", TRAIN, TRAIN_LABELS, TEST[:, :-1])
    for classifier in CLASSIFIERS:
        with pytest.raises(ValueError, match="NaN"):
            predict(classifier, np.where(TRAIN > 0.9, np.nan, TRAIN), TRAIN_LABELS, TEST)
