"""Any sentence-transformers model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.sets import Precision
from binbench.sets.encoders import Encoder, Kind, unit_rows
from binbench.sets.weights import Published, Weights, hub_weights, local_weights

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

    from binbench.sets.encoders.recipes import Recipe

#: What a set made with precision ``auto`` says of itself where bfloat16 products were good enough.
BF16_AUTOCAST = "bf16 autocast"
#: To float32, of each of 64 texts.
LEAST_COSINE = 0.9995


@dataclass
class TransformerEncoder(Encoder):
    """A sentence-transformers model with its prefixes, run on one device.

    Sources: Reimers & Gurevych, Sentence-BERT (EMNLP 2019), and each model's card.
    """

    name: str
    model: SentenceTransformer
    prefixes: dict[str, str]
    provenance: dict[str, Any] = field(default_factory=dict)
    symmetric: Kind = "document"

    @property
    def learns(self) -> bool:
        """No: what `fit` finds out stands in the provenance."""
        return False

    def fit(self, documents: Sequence[str]) -> None:
        """With precision ``auto``: see on 64 of `documents` whether bfloat16 products keep the vectors as they are.

        Only the activations of matrix products become bfloat16; weights, norms and sums stay float32.
        """
        if self.provenance["precision"] not in ("auto", BF16_AUTOCAST, "fp32 (auto)"):
            return
        sample = [documents[i] for i in np.linspace(0, len(documents) - 1, min(64, len(documents)), dtype=int)]
        self.provenance["precision"] = "fp32 (auto)"
        if _bf16_in_hardware(self.model.device):
            exact = self.encode(sample, "document")
            self.provenance["precision"] = BF16_AUTOCAST
            if (exact * self.encode(sample, "document")).sum(axis=1).min() < LEAST_COSINE:
                self.provenance["precision"] = "fp32 (auto)"

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
        provenance = _provenance(model, weights, recipe.pooling, prefixes, precision, recipe.hub_id)
        return cls(name, model, prefixes, provenance, recipe.symmetric)

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

    def encode(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        """(n, d) float32 unit rows, the recipe's prefix put before each text."""
        prefixed = [self.prefixes[kind] + text for text in texts]
        # An empty prompt keeps a model's default prompt from being added to ours.
        import torch

        autocast = self.provenance.get("precision") == BF16_AUTOCAST
        with torch.autocast(self.model.device.type, torch.bfloat16, enabled=autocast):
            vectors = self.model.encode(prefixed, prompt="", batch_size=len(prefixed), show_progress_bar=False)
        return unit_rows(np.asarray(vectors, dtype=np.float32))


def any_model(
    model: str, device: str | None = None, precision: Precision = "fp32", max_tokens: int | None = None
) -> TransformerEncoder:
    """Any sentence-transformers model, used as its own files say."""
    folder = Path(model)
    weights = local_weights(folder) if folder.is_dir() else hub_weights(Published(model))
    return TransformerEncoder.from_folder(model, weights, device, precision, max_tokens)


def _dtype(precision: Precision) -> Any:
    import torch

    return {"bf16": torch.bfloat16, "fp16": torch.float16}.get(precision, torch.float32)


def _bf16_in_hardware(device: torch.device) -> bool:
    import torch

    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = torch.cpu.get_capabilities().items()
    return device.type == "cpu" and any(there for name, there in able if name.endswith("bf16"))


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
