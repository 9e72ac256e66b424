"""Embeddings of texts that are neither queries nor documents: sentences to compare or to classify."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from binbench.progress import progress
from binbench.sets.encoders import EncoderOptions, at_unit_length
from binbench.sets.shards import ShardedEncoding

logger = logging.getLogger("binbench")


def text_vectors(
    texts: Sequence[str], encoder: EncoderOptions, data_dir: Path, seed: int = 0, fitted_on: int | None = None
) -> NDArray[np.float32]:
    """(n, d) float32 unit rows of `texts`, read-only; kept in `data_dir`, so that they are encoded once.

    Args:
        texts: what to encode.
        encoder: which encoder; one that is fitted learns from the first `fitted_on` texts, all by default.
        data_dir: where embedding sets live.
        seed: for encoders that are fitted.
        fitted_on: see `encoder`.

    Raises:
        UserError: the encoder is not to be had, or the disk refuses.
    """
    opened = encoder.fitted(texts[:fitted_on], seed)
    asked = json.dumps([encoder.identity(seed), fitted_on, list(texts)], sort_keys=True)
    name = f".texts-{encoder.name}-{hashlib.sha256(asked.encode()).hexdigest()[:16]}"
    encoding = ShardedEncoding(data_dir / name, opened, texts, opened.symmetric)
    if encoding.missing:
        logger.info("encoding %d texts with %s", len(texts), opened.name)
        with progress("encoding", len(texts), "texts") as advance:
            encoding.run(advance)
    vectors = at_unit_length(np.concatenate(list(encoding.blocks())))
    vectors.flags.writeable = False
    return vectors
