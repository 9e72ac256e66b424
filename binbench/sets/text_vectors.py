"""Embeddings of texts that are neither queries nor documents: sentences to compare or to classify."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from binbench.progress import progress
from binbench.sets.encoders import encoder_name, open_encoder
from binbench.sets.prepare import EncoderOptions
from binbench.sets.shards import ShardedEncoding

logger = logging.getLogger("binbench")

#: The prefix that a model's card asks for where both sides are alike, if it is not that of documents.
SYMMETRIC_PREFIX: dict[str, Literal["query", "document"]] = {"e5-base-v2": "query"}


def text_vectors(
    texts: Sequence[str], encoder: EncoderOptions, data_dir: Path, seed: int = 0, fitted_on: int | None = None
) -> NDArray[np.float32]:
    """(n, d) float32 unit rows of `texts`, read-only; kept in `data_dir`, so that they are encoded once.

    Args:
        texts: what to encode.
        encoder: which encoder; one that is fitted (lsa) learns from the first `fitted_on` texts, all by default.
        data_dir: where embedding sets live.
        seed: for encoders that are fitted.
        fitted_on: see `encoder`.

    Raises:
        UserError: the encoder is not to be had, or the disk refuses.
    """
    opened = open_encoder(encoder.spec, encoder.device, encoder.precision, seed, encoder.max_tokens)
    opened.fit(texts[:fitted_on])
    asked = json.dumps([asdict(encoder), seed, fitted_on, list(texts)], sort_keys=True)
    name = f".texts-{encoder_name(encoder.spec)}-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"
    kind = SYMMETRIC_PREFIX.get(encoder.spec.partition("=")[0], "document")
    encoding = ShardedEncoding(data_dir / name, opened, texts, kind)
    if encoding.missing:
        logger.info("encoding %d texts with %s", len(texts), opened.name)
        with progress("encoding", len(texts), "texts") as advance:
            encoding.run(advance)
    vectors = np.concatenate(list(encoding.blocks()))
    vectors.flags.writeable = False
    return vectors
