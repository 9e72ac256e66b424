"""Fixtures shared by all tests."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from binbench.plugins.registry import FILES, REGISTRIES

pytest_plugins = ["measured"]

# What is started in the background ignores interrupts, and so would all that tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def registered_meanwhile() -> Iterator[None]:
    """Forget the plugins that are registered within."""
    for registry in REGISTRIES:
        registry.load()
    families, files = [dict(registry._families) for registry in REGISTRIES], list(FILES)
    try:
        yield
    finally:
        for registry, known in zip(REGISTRIES, families, strict=True):
            registry._families = known
        FILES[:] = files


@pytest.fixture(scope="session")
def beir_dir() -> Path:
    """The folder of real collections, or a skip."""
    folder = os.environ.get("BINBENCH_BEIR_DIR")
    if not folder or not Path(folder).is_dir():
        pytest.skip("BINBENCH_BEIR_DIR names no folder of real collections")
    return Path(folder)


@pytest.fixture
def rng() -> np.random.Generator:
    """A seeded generator."""
    return np.random.Generator(np.random.PCG64(7))


def unit(rows: np.ndarray) -> np.ndarray:
    """`rows` at unit length, float32."""
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def collection_dir(tmp_path: Path) -> Path:
    """A small BEIR-layout folder: 30 documents, 5 queries, graded judgements."""
    folder = tmp_path / "tiny"
    (folder / "qrels").mkdir(parents=True)
    words = [f"{a}{b}" for a in ("ka", "lo", "mi", "nu", "re") for b in ("la", "ne", "ri", "to")][:19]
    documents = [
        {"_id": f"d{i}", "title": words[i % 19], "text": " ".join(words[(i * j) % 19] for j in range(1, 9))}
        for i in range(30)
    ]
    queries = [{"_id": f"q{i}", "text": f"{words[i]} {words[i + 5]}"} for i in range(5)]
    for name, rows in (("corpus", documents), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    judged = "".join(f"q{i}\td{i}\t2\nq{i}\td{i + 19 if i < 11 else 0}\t1\n" for i in range(5))
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    return folder


@pytest.fixture(scope="session")
def tiny_transformer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sentence-transformers folder with a random 2-layer BERT of dimension 32 and one token per letter."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-transformer")
    vocabulary = {token: i for i, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *map(chr, range(32, 127))])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=512,
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=512,
    )
    BertModel(config).save_pretrained(folder)
    return folder
