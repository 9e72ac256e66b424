"""The two traps of the layout, and what a wheel carries."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def test_plugin_folders_are_namespaces():
    assert not (ROOT / "algorithms" / "__init__.py").exists()
    assert not (ROOT / "datasets" / "__init__.py").exists()


def test_hugging_face_datasets_is_not_shadowed_from_the_checkouts_root():
    code = "import datasets, sentence_transformers; print(datasets.__file__); print(datasets.Dataset.__module__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    file, module = done.stdout.split()[-2:]
    assert "site-packages" in file
    assert module.startswith("datasets.")


@pytest.mark.parametrize("folder", ["algorithms", "datasets"])
def test_plugins_are_found_from_anywhere(folder, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "binbench", "list", folder], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert {"algorithms": "binary{bits}", "datasets": "scifact"}[folder] in done.stdout


def test_wheel_carries_the_plugins(tmp_path):
    """Built, installed apart and run from another folder, without the checkout in reach."""
    pip = [sys.executable, "-m", "pip", "-q"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", tmp_path, ROOT], check=True, capture_output=True)
    wheel = next(tmp_path.glob("binbench-*.whl"))
    names = zipfile.ZipFile(wheel).namelist()
    assert {f"binbench/algorithms/{p.name}" for p in (ROOT / "algorithms").glob("*.py")} <= set(names)
    assert {f"binbench/datasets/{p.name}" for p in (ROOT / "datasets").glob("*.py")} <= set(names)
    packages = {p.parent.relative_to(ROOT).as_posix() for p in (ROOT / "binbench").rglob("*.py")}
    assert packages <= {Path(name).parent.as_posix() for name in names}
    target = tmp_path / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", target, wheel], check=True, capture_output=True)
    code = (
        f"import sys; sys.path.insert(0, {str(target)!r}); import binbench; "
        "from binbench.plugins.registry import ALGORITHMS, DATASETS; print(binbench.__file__); "
        "print(ALGORITHMS.get('binary256').family.source, DATASETS.get('pydocs').family.source)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.count(str(target)) == 3
