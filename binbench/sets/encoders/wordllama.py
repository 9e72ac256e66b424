"""Static token vectors out of a language model: an encoder without a network, in both senses."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench import UserError, register_encoder
from binbench.files import sha256_of
from binbench.sets.encoders import Encoder, Kind, unit_rows


@register_encoder("wordllama256", dimension=256, rate=1000.0, version=1)
class WordLlamaEncoder(Encoder):
    """256 dimensions: the mean of WordLlama's token vectors, no limit of length; needs no torch (extra wordllama).

    An empty text is read as a space. Source: https://github.com/dleemiller/WordLlama, l2_supercat.
    """

    def __init__(self) -> None:
        # Found, not imported: the package sets up logging and loads more than its files.
        spec = importlib.util.find_spec("wordllama")
        if spec is None or spec.origin is None:
            raise UserError("wordllama256: wordllama is not installed; pip install 'binbench[wordllama]'")
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        home = Path(spec.origin).parent
        weights = home / "weights" / "l2_supercat_256.safetensors"
        self.tokenizer = Tokenizer.from_file(str(home / "tokenizers" / "l2_supercat_tokenizer_config.json"))
        self.tokenizer.no_truncation()
        self.table = load_file(weights)["embedding.weight"].astype(np.float32)
        self.provenance: dict[str, Any] = {
            "encoder": "wordllama256",
            "encoder_revision": "",
            "weights_origin": "distribution wordllama",
            "weights_sha256": sha256_of(weights),
            "query_prefix": "",
            "passage_prefix": "",
            "max_tokens": 0,
            "pooling": "mean",
            "device": "cpu",
            "device_name": "cpu",
            "precision": "fp32",
        }

    def encode(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        """(n, 256) float32 unit rows, summed in float64."""
        tokens = self.tokenizer.encode_batch([text or " " for text in texts], add_special_tokens=False)
        return unit_rows(np.stack([self.table[text.ids].mean(axis=0, dtype=np.float64) for text in tokens]))
