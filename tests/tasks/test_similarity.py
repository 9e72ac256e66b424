"""Sentence pairs through the plugin interface."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import unit
from scipy.stats import pearsonr, spearmanr

from binbench import Unsupported, UserError
from binbench.plugins.registry import ALGORITHMS
from binbench.sets.prepare import EncoderOptions
from binbench.sets.text_vectors import text_vectors
from binbench.tasks.similarity import angles, pair_scores, pair_similarity

WORDS = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen", "ibis", "jay", "kiwi", "lark"]


@pytest.fixture
def pairs_file(tmp_path, rng) -> Path:
    """Sixty pairs scored by the words they share; some sentences occur twice."""
    lines = ["score\tsentence1\tsentence2"]
    for _ in range(60):
        first, second = (rng.choice(WORDS, 4, replace=False).tolist() for _ in range(2))
        lines.append(f"{len(set(first) & set(second))}\t{' '.join(first)}\t{' '.join(second)}")
    path = tmp_path / "pairs.tsv"
    path.write_text("\n".join([*lines, *lines[1:3]]) + "\n")
    return path


def test_figures_by_hand(pairs_file, tmp_path):
    encoder = EncoderOptions("lsa8")
    rows = pair_similarity(pairs_file, ["float", "binary64", "sign-asym"], encoder, tmp_path)
    assert [(row.name, row.status) for row in rows] == [("float", "ok"), ("binary64", "ok"), ("sign-asym", "ok")]
    table = [line.split("\t") for line in pairs_file.read_text().splitlines()[1:]]
    sentences = list(dict.fromkeys([line[1] for line in table] + [line[2] for line in table]))
    vectors = dict(zip(sentences, text_vectors(sentences, encoder, tmp_path), strict=True))
    human = [float(line[0]) for line in table]
    cosine = [float(vectors[a] @ vectors[b]) for _, a, b in table]
    exact, binary, asymmetric = (row.figures for row in rows)
    assert exact.pairs == 62
    assert exact.float_human.spearman == pytest.approx(spearmanr(cosine, human).statistic, abs=1e-6)
    assert exact.code_human.pearson == pytest.approx(pearsonr(cosine, human).statistic, abs=1e-6)
    assert list(exact.code_float) == pytest.approx([1, 1])
    assert exact.angle_bias.estimate == pytest.approx(0, abs=1e-5)
    engine = ALGORITHMS.get("binary64").create(dimension=8, seed=0)
    engine.fit(np.stack(list(vectors.values())))
    signs = dict(zip(sentences, engine.decode(np.stack(list(vectors.values()))), strict=True))
    agreement = np.array([signs[a] @ signs[b] / 64 for _, a, b in table])
    assert binary.code_human.spearman == pytest.approx(spearmanr(agreement, human).statistic)
    assert binary.code_float.pearson == pytest.approx(pearsonr(agreement, cosine).statistic, abs=1e-6)
    bias = np.mean(np.pi * (1 - agreement) / 2 - np.arccos(np.clip(cosine, -1, 1)))
    assert binary.angle_bias.estimate == pytest.approx(bias, abs=1e-5)
    # The sum of ±1 · query is on no scale of angles.
    assert asymmetric.angle_bias is None


def test_a_method_that_cannot_serve_costs_its_own_row(pairs_file, tmp_path, monkeypatch):
    rows = pair_similarity(pairs_file, ["pq8", "float"], EncoderOptions("lsa8"), tmp_path)
    assert [(row.name, row.status) for row in rows] == [("pq8", "skipped"), ("float", "ok")]
    assert "too few to train 256 centroids" in rows[0].reason
    plugin = ALGORITHMS.get("int8").family.plugin
    monkeypatch.setattr(plugin, "fit", lambda self, train: 1 / 0)
    (row,) = pair_similarity(pairs_file, ["int8"], EncoderOptions("lsa8"), tmp_path)
    assert (row.status, row.reason) == ("failed", "ZeroDivisionError: division by zero")
    with pytest.raises(UserError, match="unknown algorithm"):
        pair_similarity(pairs_file, ["flaot"], EncoderOptions("lsa8"), tmp_path)


def test_methods_that_do_not_score_every_document_are_skipped(rng):
    vectors = unit(rng.standard_normal((600, 8)))
    rows = np.stack([np.arange(300), np.arange(300, 600)], axis=1)
    lists = ALGORITHMS.get("ivf64").create(dimension=8, seed=0)
    lists.fit(vectors)
    with pytest.raises(Unsupported, match=r"does not score every document: \d+ of 300 pairs have no score"):
        pair_scores(lists, vectors, rows)


def test_angles_of_orthogonal_and_opposite_codes():
    hamming, cosine = (ALGORITHMS.get(name).create(dimension=8) for name in ("binary64", "float"))
    np.testing.assert_allclose(angles(hamming, np.array([1.0, 0, -1])), [0, np.pi / 2, np.pi])
    np.testing.assert_allclose(angles(cosine, np.array([1.0, 0.5, -1.001])), [0, np.pi / 3, np.pi])


def test_sentences_are_encoded_once(pairs_file, tmp_path, monkeypatch):
    first = text_vectors(WORDS * 3, EncoderOptions("lsa4"), tmp_path)
    monkeypatch.setattr("binbench.sets.encoders.lsa.LatentSemanticEncoder.encode", None)
    np.testing.assert_array_equal(text_vectors(WORDS * 3, EncoderOptions("lsa4"), tmp_path), first)
    assert not first.flags.writeable


def test_stsb_with_minilm_is_as_published(beir_dir, request):
    path = beir_dir.parent / "sts" / "stsb-test.tsv"
    if not path.is_file():
        pytest.skip("there is no sts/stsb-test.tsv beside the real collections")
    # Kept between test sessions: encoding takes a minute.
    folder = request.config.cache.mkdir("binbench-texts")
    try:
        rows = pair_similarity(path, ["float", "binary256", "sign"], data_dir=folder)
    except UserError as error:
        pytest.skip(f"no MiniLM here: {error}")
    exact, binary, sign = (row.figures for row in rows)
    # https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 in MTEB: cosine Spearman 82.03.
    assert 100 * exact.code_human.spearman == pytest.approx(82.03, abs=0.05)
    assert exact.pairs == 1379
    for found, bits in ((binary, 256), (sign, 384)):
        assert 0.75 < found.code_human.spearman < exact.code_human.spearman
        # The standard error of one pair's angle is at most π / 2 / √bits.
        assert abs(found.angle_bias.estimate) < np.pi / 2 / np.sqrt(bits) / 3
