"""The command that measures one row anew."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from binbench.errors import UserError
from binbench.sets.corpus import SourceOptions
from binbench.sets.prepare import EncoderOptions, Preparation


def reproduce(result: Mapping[str, Any], embeddings: Mapping[str, Any]) -> str:
    """The command for the job behind a result; all query arguments of the method come from that one job.

    Args:
        result: attributes of a result file.
        embeddings: attributes of its embedding set; when empty, the set's file is named instead of its origin.
    """
    plugins = [text for option in _plugins(result) for text in ("--plugin", option)]
    options = {
        "--count": result["count"],
        "--mode": "batch" if result["batch_mode"] else "single",
        "--seed": result["seed"],
        "--runs": result["run_count"],
        "--threads": result["threads"],
    }
    return shlex.join(
        [
            *("python", "-m", "binbench", "run"),
            *("--algorithm", result["instance"]),
            *_set_options(result["dataset"], embeddings, result["seed"]),
            *(str(text) for option in options.items() for text in option),
            *plugins,
        ]
    )


def _set_options(name: str, embeddings: Mapping[str, Any], seed: int) -> list[str]:
    """Options that, beside `seed`, make the set called `name`, tried out: what they would name must be it."""
    source, encoder = embeddings.get("source"), embeddings.get("encoder_spec")
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
        return Preparation(options["--dataset"], encoder, source).path.stem
    except UserError:
        return None


def _plugins(result: Mapping[str, Any]) -> list[str]:
    """Plugin files that the command which measured the result named."""
    words = shlex.split(result.get("provenance", {}).get("command", ""))
    found = [after for word, after in pairwise(words) if word == "--plugin"]
    found += [word.partition("=")[2] for word in words if word.startswith("--plugin=")]
    return [str(Path(plugin)) for plugin in found]
