"""Embedding sets: collections, encoders, exact neighbours, and how a set is made."""

from typing import Literal

Precision = Literal["fp32", "bf16", "fp16", "auto"]
Metric = Literal["cosine", "euclidean", "ip"]

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
