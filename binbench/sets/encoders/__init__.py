"""Text to unit vectors: what an encoder is, how it is named, and the encoders themselves, one file for each kind."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError, unknown
from binbench.files import path_of
from binbench.plugins.declared import asked
from binbench.plugins.family import Family, Instance
from binbench.plugins.registry import ENCODERS
from binbench.sets import DEFAULT_ENCODER, Precision
from binbench.sets.corpus import set_name

Kind = Literal["query", "document"]

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


class Encoder:
    """Anything that turns documents and queries into unit rows.

    Attributes:
        name: for messages; by default that under which it was asked for.
        provenance: what its sets record of it (JSON values), such as weights_sha256, pooling, query_prefix.
        symmetric: how texts are encoded that are compared with texts of their own kind.
    """

    name: str
    provenance: dict[str, Any]
    symmetric: Kind = "document"
    #: What it was asked for as, and the seed, so that others can open the same.
    asked: tuple[EncoderOptions, int]

    @property
    def learns(self) -> bool:
        """Whether the vector of a text depends on the collection that it is fitted on."""
        return type(self).fit is not Encoder.fit

    def fit(self, documents: Sequence[str]) -> None:
        """Learn what has to be learned from the collection: nothing, for pretrained models."""

    def encode(self, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
        """(n, d) float32 unit rows for `texts`."""
        raise NotImplementedError


@dataclass(frozen=True)
class EncoderOptions:
    """Which encoder to use and how.

    Attributes:
        spec: a registered name, such as a recipe's; ``NAME=FOLDER`` (the recipe, with weights from FOLDER); a
            sentence-transformers folder; or a hub id ``owner/name``.
        device: torch device; None picks a GPU where there is one.
        precision: of the model's weights and activations; ``auto`` keeps the weights in float32 and multiplies in
            bfloat16 where the hardware does and 64 texts show cosines of at least .9995, else float32. The embeddings
            are stored as float32 always.
        max_tokens: cut texts here instead of at the recipe's or the model's own limit.
    """

    spec: str = DEFAULT_ENCODER
    device: str | None = None
    precision: Precision = "fp32"
    max_tokens: int | None = None

    @cached_property
    def instance(self) -> Instance:
        """The plugin with its parameters, named so that no working directory matters.

        Raises:
            UserError: there is none; the nearest names are suggested.
        """
        name, _, given = self.spec.partition("=")
        folder = path_of(given or self.spec)
        if found := ENCODERS.find(name):
            if not given:
                return found
            if found.takes("folder"):
                return Instance(f"{name}={folder.resolve()}", found.family, found.parameters | {"folder": folder})
            raise UserError(f"encoder {name} takes no folder; leave out ={given}")
        if folder.is_dir() or _HUB_ID.fullmatch(self.spec):
            model = str(folder.resolve()) if folder.is_dir() else self.spec
            return Instance(model, other_models(), {"model": model})
        known = [instance.name for instance in ENCODERS.resolve(["all"])]
        raise unknown("encoder", self.spec, known, "; or give a sentence-transformers folder or hub id")

    @property
    def seeded(self) -> bool:
        """Whether the encoder uses the seed."""
        return self.instance.takes("seed")

    @property
    def dimension(self) -> int | None:
        """Of its vectors, where that is known beforehand."""
        return (dict(self.instance.family.facts) | self.instance.parameters).get("dimension")

    @property
    def rate(self) -> float | None:
        """Documents per second, roughly, where the encoder says."""
        return self.instance.family.facts.get("rate")

    @property
    def name(self) -> str:
        """What the names of its sets say of it."""
        parts = [encoder_name(self.spec)]
        if self.precision != "fp32" and self.instance.takes("precision"):
            parts.append(self.precision)
        if self.max_tokens and self.instance.takes("max_tokens"):
            parts.append(f"{self.max_tokens}t")
        return "-".join(parts)

    def identity(self, seed: int) -> dict[str, Any]:
        """Everything that the vectors depend on beside the texts, as JSON values."""
        used = {"precision": self.precision, "max_tokens": self.max_tokens, "seed": seed}
        return {"spec": self.instance.name} | {
            key: value for key, value in used.items() if value is not None and self.instance.takes(key)
        }

    def inputs(self) -> Mapping[str, Path | str]:
        """What may change under its name: the plugin's version, and the files of a folder."""
        instance = self.instance
        found: dict[str, Path | str] = {f"encoder {instance.family.name}": instance.family.version}
        given = instance.parameters.get("folder") or instance.parameters.get("model")
        if given and (folder := Path(given)).is_dir():
            from binbench.sets.weights import model_files

            found |= {f"{folder.name}/{file.relative_to(folder)}": file for file in model_files(folder)}
        return found

    def open(self, seed: int = 0) -> Encoder:
        """The encoder, ready to be fitted; `seed` is for those that learn.

        Raises:
            UserError: there is none, its weights are not to be had, or the plugin gives something else.
        """
        given = {"device": self.device, "precision": self.precision, "max_tokens": self.max_tokens, "seed": seed}
        with asked(f"encoder {self.instance.family.where}"):
            made = self.instance.create(**given)
            if not isinstance(made, Encoder):
                raise UserError(f"encoder {self.instance.family.where}: gives no binbench.Encoder")
            made.name = str(getattr(made, "name", self.spec))
            made.asked = self, seed
            used = {"encoder_seed" if key == "seed" else key: value for key, value in self.identity(seed).items()}
            made.provenance = {"encoder": used.pop("spec")} | used | dict(getattr(made, "provenance", {}))
            json.dumps(made.provenance)
        return made

    def fitted(self, documents: Sequence[str], seed: int = 0) -> Encoder:
        """The encoder, having learned from `documents` what it has to; raises as :meth:`open`."""
        encoder = self.open(seed)
        with asked(f"encoder {self.instance.family.where}"):
            encoder.fit(documents)
        return encoder


def vectors_of(encoder: Encoder, texts: Sequence[str], kind: Kind) -> NDArray[np.float32]:
    """(n, d) float32, what `encoder` makes of `texts`.

    Raises:
        UserError: it fails, or does not give a row of numbers for each text.
    """
    with asked(f"encoder {encoder.name}"):
        vectors = np.asarray(encoder.encode(texts, kind), dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != len(texts) or not vectors.shape[1]:
        shape = " × ".join(map(str, vectors.shape)) or "one number"
        raise UserError(f"encoder {encoder.name} gives {shape} for {len(texts)} texts, not a row of numbers for each")
    return vectors


def other_models() -> Family:
    """What serves folders and hub ids that no plugin claims."""
    from binbench.sets.encoders.transformer import any_model

    return Family("FOLDER or owner/name", any_model, {}, facts={"version": 1})


def encoder_name(spec: str) -> str:
    """The name that `spec` has in the names of embedding sets: no ``_``, no path separators."""
    name = spec.partition("=")[0]
    if (folder := path_of(name)).is_dir():
        name = folder.resolve().name
    return set_name(name)


def is_embedding_model(spec: str) -> bool:
    """Whether `spec` names a trained model; what no plugin claims, such as a hub id, is taken for one."""
    found = ENCODERS.find(spec.partition("=")[0])
    return found is None or bool(found.family.facts.get("embedding_model", True))


def check_encoder(spec: str) -> None:
    """See, without loading anything, whether `spec` has the form of an encoder.

    Raises:
        UserError: it has not; the nearest names are suggested.
    """
    _ = EncoderOptions(spec).instance


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """`vectors` (n, d) with every row divided by its Euclidean norm, taken in float64."""
    norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64))
    return (vectors / norms[:, None]).astype(np.float32)


def normalized(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unit rows; rows without a direction pass through, for write_set to name them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = unit_rows(block)
    directionless = ~np.isfinite(unit).all(axis=1)
    unit[directionless] = block[directionless]
    return unit


def at_unit_length(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """What an encoder gave, as it is where the rows have unit length, as they should."""
    return block if np.allclose(np.linalg.norm(block, axis=1), 1, atol=1e-5) else normalized(block)
