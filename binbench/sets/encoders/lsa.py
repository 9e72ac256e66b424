"""Latent semantic analysis: an encoder that every machine has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench import UserError, register_encoder
from binbench.sets.encoders import Encoder, Kind, unit_rows


@register_encoder("lsa{dimension}", dimension=[256], embedding_model=False, version=1)
class LatentSemanticEncoder(Encoder):
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

    def encode(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        """(n, d) float32 unit rows."""
        projected = self.svd_.transform(self.tfidf_.transform(texts)).astype(np.float32)
        empty = np.linalg.norm(projected, axis=1) < 1e-12
        projected[empty] = self.mean_
        return unit_rows(projected)
