"""Transforms in front of methods: what they make of vectors, worked out by numpy, and how they are named."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from conftest import unit

from binbench import Transform, Unsupported, UserError
from binbench.check import check
from binbench.plugins.identity import code_identity
from binbench.plugins.registry import ALGORITHMS, spelt_out
from binbench.plugins.transform import TRANSFORMS

TRAIN = unit(np.random.Generator(np.random.PCG64(11)).standard_normal((500, 32)) + 0.5)
WIDE = unit(np.random.Generator(np.random.PCG64(13)).standard_normal((600, 512)))
QUERIES = unit(np.random.Generator(np.random.PCG64(12)).standard_normal((20, 32)) + 0.5)


def fitted(name: str) -> Transform:
    """The transform `name`, fitted on TRAIN."""
    made: Transform = TRANSFORMS.get(name).create(dimension=32, seed=3)
    made.fit(TRAIN)
    return made


def answers(name: str, k: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """The method `name` fitted on TRAIN and asked QUERIES."""
    method = ALGORITHMS.get(name).create(dimension=32, seed=3, metric="angular")
    method.fit(TRAIN)
    return method.query(QUERIES, k)


def test_matryoshka_is_a_search_among_the_first_dimensions_made_unit():
    ids, scores = answers("float@mrl8")
    short, asked = unit(TRAIN[:, :8]), unit(QUERIES[:, :8])
    cosines = asked.astype(np.float64) @ short.T.astype(np.float64)
    np.testing.assert_array_equal(ids, np.argsort(-cosines, axis=1, kind="stable")[:, :5])
    np.testing.assert_allclose(scores, np.sort(cosines, axis=1)[:, ::-1][:, :5], atol=1e-6)


def test_a_rotation_keeps_every_cosine():
    turned = fitted("ortho").apply(TRAIN)
    np.testing.assert_allclose(turned @ turned.T, TRAIN @ TRAIN.T, atol=1e-5)
    assert not np.allclose(turned, TRAIN, atol=0.1)
    np.testing.assert_array_equal(answers("float@ortho")[0], answers("float")[0])


def test_centering_takes_the_documents_mean_away():
    np.testing.assert_allclose(fitted("center").apply(QUERIES), QUERIES - TRAIN.mean(axis=0), atol=1e-6)


def test_components_are_those_of_an_svd():
    _, _, rows = np.linalg.svd(TRAIN.astype(np.float64), full_matrices=False)
    ours = fitted("pca4").apply(QUERIES)
    np.testing.assert_allclose(np.abs(ours), np.abs(QUERIES @ rows[:4].T), atol=1e-5)


def test_whitened_documents_have_the_identity_as_covariance():
    white = fitted("whiten6").apply(TRAIN).astype(np.float64)
    np.testing.assert_allclose(white.T @ white / len(white), np.eye(6), atol=1e-4)


@pytest.mark.parametrize(
    ("name", "shared"),
    [("mrl8", 0), ("ortho", 4 * 32 * 32), ("center", 4 * 32), ("pca8", 4 * 32 * 8), ("whiten8", 4 * 32 * 8 + 4 * 32)],
)
def test_what_a_transform_holds_is_shared(name, shared):
    method, plain = ALGORITHMS.get(f"float@{name}"), ALGORITHMS.get("float")
    footprints = []
    for instance in (method, plain):
        made = instance.create(dimension=32, seed=0, metric="angular")
        made.fit(TRAIN)
        footprints.append(made.footprint())
    assert footprints[0].shared == footprints[1].shared + shared
    assert footprints[0].codes == 4 * fitted(name).width


def test_nothing_is_learned_from_queries():
    before = fitted("whiten8").apply(TRAIN[:5])
    transform = fitted("whiten8")
    transform.apply(QUERIES)
    np.testing.assert_array_equal(transform.apply(TRAIN[:5]), before)


def test_equal_rows_give_equal_rows_wherever_they_stand():
    rows = np.tile(WIDE[:1], (97, 1))
    for family in TRANSFORMS.families():
        name = next(family.instances()).name
        transform = TRANSFORMS.get(name).create(dimension=512, seed=3)
        transform.fit(WIDE)
        assert len(np.unique(transform.apply(rows), axis=0)) == 1, name


def test_names():
    assert spelt_out("int8@mrl{48,96}, sign") == ["int8@mrl48", "int8@mrl96", "sign"]
    assert [one.name for one in ALGORITHMS.resolve(["pq{8,16}@{ortho,center}"])] == [
        *("pq8@ortho", "pq8@center", "pq16@ortho", "pq16@center")
    ]
    instance = ALGORITHMS.get("pq8@pca16")
    assert instance.parameters == {"bytes": 8, "pca_dims": 16}
    assert instance.family.name == "pq@pca"
    with pytest.raises(UserError, match=r"unknown transform 'otho'; did you mean ortho"):
        ALGORITHMS.get("int8@otho")
    with pytest.raises(UserError, match="unknown algorithm 'imt8"):
        ALGORITHMS.get("imt8@ortho")


def test_transforms_may_follow_each_other():
    ids, _ = answers("float@ortho@mrl32")
    np.testing.assert_array_equal(ids, answers("float")[0])


def test_identity_holds_both_parts():
    names = ("int8", "int4@ortho", "pq8@ortho", "int8@center", "int8@ortho")
    found = [code_identity(ALGORITHMS.get(name).family.plugin) for name in names]
    # int4 and int8 are one class; a transform's module is one for all, so that only methods tell these apart.
    assert found[1] == found[4]
    assert len({found[0], found[1], found[2]}) == 3


def test_too_many_dimensions_and_too_few_documents():
    for name in ("mrl33", "pca33", "whiten33"):
        with pytest.raises(Unsupported, match="33 dimensions are more than the set's 32"):
            ALGORITHMS.get(f"float@{name}").create(dimension=32)
    method = ALGORITHMS.get("float@pca16").create(dimension=32)
    with pytest.raises(Unsupported, match="15 documents are too few"):
        method.fit(TRAIN[:15])


def test_directions_without_variance_are_not_whitened():
    flat = TRAIN.copy()
    flat[:, 20:] = 0.25
    transform = TRANSFORMS.get("whiten21").create(dimension=32)
    with pytest.raises(Unsupported, match="spread over fewer than 21 dimensions"):
        transform.fit(flat)
    # As many documents as components: around their mean they span one dimension less.
    transform = TRANSFORMS.get("whiten16").create(dimension=32)
    with pytest.raises(Unsupported, match="fewer than 16 dimensions"):
        transform.fit(TRAIN[:16])
    transform.fit(TRAIN[:17])
    white = transform.apply(TRAIN[:17]).astype(np.float64)
    np.testing.assert_allclose(white.T @ white / 17, np.eye(16), atol=1e-3)


def test_query_arguments_of_a_copy_are_its_own():
    method = ALGORITHMS.get("ivf4@ortho").create(dimension=32, seed=0, metric="angular")
    method.fit(TRAIN)
    method.set_query_arguments(nprobe=4)
    exact = ALGORITHMS.get("float").create(dimension=32, metric="angular")
    exact.fit(TRAIN)
    copy.copy(method).set_query_arguments(nprobe=1)
    np.testing.assert_array_equal(method.query(QUERIES, 5)[0], exact.query(QUERIES, 5)[0])


CONFORM = ["int8@mrl48", "sign@ortho", "pq8@pca64", "binary64@center", "float@whiten32", "hnsw16@ortho", "ivf4@center"]


def test_every_transform_is_checked():
    checked = {TRANSFORMS.get(name.partition("@")[2]).family.name for name in CONFORM}
    assert checked == {family.name for family in TRANSFORMS.families()}


@pytest.mark.parametrize("name", CONFORM)
def test_conformance(name):
    assert [result for result in check(name) if not result.ok] == []
