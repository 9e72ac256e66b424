"""Taking a method home: fitted on all documents, in files that faiss and numpy read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from binbench.errors import Unsupported, UserError, unknown
from binbench.files import sha256_of
from binbench.plugins.algorithm import Algorithm, FloatArray
from binbench.plugins.faiss_index import blas_distances
from binbench.plugins.registry import ALGORITHMS, Instance
from binbench.records.rows import rows
from binbench.sets.embeddings import EmbeddingSet, check_vectors
from binbench.sets.encoders import at_unit_length
from binbench.sets.vector_files import open_vectors
from binbench.tasks.index_files import whole, write_index

#: What `index.json` repeats of a stored result on the same vectors.
QUALITY = ("recall@10", "recall@10_ci_low", "recall@10_ci_high", "ndcg@10", "retention", "queries", "k", "date", "file")


@dataclass(frozen=True)
class Documents:
    """What an index is built over.

    Attributes:
        rows: (N, d) float32, unit rows for angular distance, mapped from a file.
        ids: by row, or None.
        distance: ``angular`` or ``euclidean``.
        about: where they come from, as JSON values.
    """

    rows: FloatArray
    ids: Sequence[str] | None
    distance: str
    about: dict[str, Any]


def documents_of(embeddings: EmbeddingSet) -> Documents:
    """The documents of an embedding set."""
    about = {"set": embeddings.name, "fingerprint": embeddings.fingerprint}
    return Documents(embeddings.train, embeddings.train_ids, embeddings.distance, about)


def from_file(path: Path, scratch: Path, metric: str | None = None, column: str | None = None) -> Documents:
    """The vectors of a file, block by block brought to unit length in the folder `scratch` where they are ranked by angle.

    Raises:
        UserError: it holds no vectors, or one that has no direction.
    """
