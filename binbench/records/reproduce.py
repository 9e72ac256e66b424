"""The command that measures one record anew."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

from binbench.errors import UserError
from binbench.records.record import Record
from binbench.sets.corpus import SourceOptions
from binbench.sets.own_vectors import VectorOptions
from binbench.sets.prepare import EncoderOptions, Preparation
from binbench.sets.vector_files import holds_vectors


def reproduce(record: Record) -> str | None:
    """The command for the job behind `record`; all query arguments of the method come from that one job.

    The set's file is named where its origin is not known. None for a file that cannot be read.
    """
    if record.status == "unreadable":
        return None
    plugins = [text for option in _plugins(record) for text in ("--plugin", option)]
    options: dict[str, Any] = {
        "--count": record.k,
        "--mode": record.mode,
        "--seed": record.stored_seed,
        "--runs": record.runs,
        "--threads": record.threads,
    }
    options |= {"--documents": record.documents} if record.is_subset else {}
    options |= {"--max-train": record.max_train} if record.max_train else {}
    return shlex.join(
        [
            *("python", "-m", "binbench", "run"),
            *("--algorithm", record.instance),
            *_set_options(record.set, json.dumps(record.origin, sort_keys=True), record.stored_seed),
            *(str(text) for option in options.items() for text in option),
            *plugins,
        ]
    )


@lru_cache(maxsize=256)
def _set_options(name: str, origin: str, seed: int) -> list[str]:
    """Options that, beside `seed`, make the set called `name`, tried out: what they would name must be it."""
    embeddings = json.loads(origin)
    source, encoder = embeddings.get("source"), embeddings.get("encoder_spec")
    if source and holds_vectors(source):
        chosen = (embeddings.get("identity") or {}).get("source", {})
        beside = {field.name: chosen[field.name] for field in fields(VectorOptions) if field.name in chosen}
        if beside:
            words = [word for key, value in beside.items() for word in (f"--{key.replace('_', '-')}", str(value))]
            return ["--train", source, *words]
    if source:
        texts = {"--dataset": source} | ({"--encoder": encoder} if encoder else {})
        precision, tokens = embeddings.get("precision", "fp32"), embeddings.get("max_tokens")
        for split in (None, embeddings.get("split")):
            for exact in ({}, {"--precision": precision}, {"--precision": precision, "--max-tokens": tokens}):
                asked = texts | exact | ({"--split": split} if split else {})
                if _names(asked, seed) == name:
                    return [str(text) for option in asked.items() for text in option]
    return ["--dataset", f"data/{name}.hdf5"]


def _names(options: Mapping[str, Any], seed: int) -> str | None:
    encoder = EncoderOptions(
        options.get("--encoder", EncoderOptions.spec),
        precision=options.get("--precision", "fp32"),
        max_tokens=options.get("--max-tokens"),
    )
    try:
        source = SourceOptions(split=options.get("--split"), seed=seed)
        return Preparation(options["--dataset"], encoder, source).stem
    except (UserError, OSError, ValueError):  # also what no file can be called
        return None


def _plugins(record: Record) -> list[str]:
    """Plugin files that the command which measured the result named."""
    try:
        words = shlex.split(record.provenance.get("command", ""))
    except ValueError:  # a quotation without an end
        return []
    found = [after for word, after in pairwise(words) if word == "--plugin"]
    found += [word.partition("=")[2] for word in words if word.startswith("--plugin=")]
    return [str(Path(plugin)) for plugin in found]
