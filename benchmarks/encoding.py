"""Documents per second of an encoder, beside sentence-transformers' own `encode`, in pairs.

python -m benchmarks.encoding --encoder all-MiniLM-L6-v2 --dataset scifact --documents 512 --pairs 3
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from binbench.sets.corpus import Collection, SourceOptions
from binbench.sets.encoders import EncoderOptions
from binbench.sets.shards import ShardedEncoding
from binbench.sets.sources import find_source


def main() -> None:
    """Print, per precision, documents per second of both, the ratio's median and range, and the lowest cosine."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--encoder", default="all-MiniLM-L6-v2")
    parser.add_argument("--dataset", default="pydocs")
    parser.add_argument("--documents", type=int, default=512)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--precision", nargs="+", default=["fp32", "auto"])
    asked = parser.parse_args()
    texts = documents(asked.dataset, asked.documents)
    theirs = EncoderOptions(asked.encoder).open().model  # type: ignore[attr-defined]
    for precision in asked.precision:
        ours = EncoderOptions(asked.encoder, precision=precision).open()
        ours.fit(texts)
        pairs = [(timed(own, theirs, texts), timed(sharded, ours, texts)) for _ in range(asked.pairs)]
        ratios = [there / here for (there, _), (here, _) in pairs]
        lowest = min(float((there * here).sum(axis=1).min()) for (_, there), (_, here) in pairs)
        here, there = (len(texts) / min(pair[side][0] for pair in pairs) for side in (1, 0))
        print(
            f"{asked.encoder}, {ours.provenance['precision']}: {here:.1f} documents/s, "
            f"sentence-transformers {there:.1f}; "
            f"ratio {statistics.median(ratios):.2f} [{min(ratios):.2f}, {max(ratios):.2f}] of {len(pairs)} pairs; "
            f"lowest cosine {lowest:.6f}"
        )


def documents(dataset: str, count: int) -> Sequence[str]:
    """`count` documents of `dataset`, spread over it."""
    source = find_source(dataset, SourceOptions.from_environment()).load()
    if not isinstance(source, Collection):
        raise SystemExit(f"{dataset} has no texts")
    texts = source.documents
    return [texts[i] for i in np.linspace(0, len(texts) - 1, min(count, len(texts)), dtype=int)]


def timed(encode: Callable[[Any, Sequence[str]], np.ndarray], model: Any, texts: Sequence[str]) -> tuple[float, Any]:
    """Seconds, and what `encode` gives."""
    began = time.perf_counter()
    vectors = encode(model, texts)
    return time.perf_counter() - began, vectors


def own(model: Any, texts: Sequence[str]) -> np.ndarray:
    """What sentence-transformers does of itself."""
    return np.asarray(model.encode(list(texts), batch_size=32, normalize_embeddings=True, show_progress_bar=False))


def sharded(encoder: Any, texts: Sequence[str]) -> np.ndarray:
    """What `prepare` does."""
    with tempfile.TemporaryDirectory() as folder:
        encoding = ShardedEncoding(Path(folder), encoder, texts, "document")
        encoding.run(lambda done: None)
        return np.concatenate(list(encoding.blocks()))


if __name__ == "__main__":
    main()
