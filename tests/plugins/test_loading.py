"""Methods from outside: plugin files, installed packages, and the guide that shows how to write one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import registered_meanwhile

from binbench import UserError
from binbench.check import check
from binbench.plugins.registry import ALGORITHMS, load_file

ROOT = Path(__file__).parents[2]

PLUGIN = '''
import numpy as np
from binbench import Algorithm, Footprint, register

@register("{pattern}", {grid})
class Outside(Algorithm):
    """From outside."""

    def __init__(self, dimension, {parameter}=0):
        self.dimension = dimension

    def fit(self, train):
        self.train_ = train.copy()

    def query(self, queries, k):
        scores = np.einsum("qd,nd->qn", queries, self.train_)
        ids = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return ids, np.take_along_axis(scores, ids, axis=1)

    def footprint(self):
        return Footprint(codes=4 * self.dimension)
'''


def plugin(pattern="outside{size}", grid="size=[1, 2]", parameter="size"):
    return PLUGIN.format(pattern=pattern, grid=grid, parameter=parameter)


@pytest.fixture(autouse=True)
def registered():
    """Leave the registry as it was."""
    with registered_meanwhile():
        yield


def test_a_plugin_file_is_loaded_once(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(plugin())
    load_file(file)
    load_file(file)
    assert [instance.name for instance in ALGORITHMS.resolve(["outside"])] == ["outside1", "outside2"]
    train = np.eye(4, dtype=np.float32)
    algorithm = ALGORITHMS.get("outside7").create(dimension=4, seed=0)
    algorithm.fit(train)
    assert algorithm.query(train, 1)[0].ravel().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("pattern", ["float", "outside{size}"])
def test_two_claims_on_a_name_are_refused_naming_both_files(tmp_path, pattern):
    first, second = tmp_path / "first.py", tmp_path / "second.py"
    first.write_text(plugin())
    second.write_text(plugin(pattern, "size=[1, 2]" if "{" in pattern else "size=1"))
    load_file(first)
    other = ALGORITHMS.get("float").family.source if pattern == "float" else str(first)
    with pytest.raises(UserError) as refused:
        load_file(second)
    assert other in str(refused.value)
    assert str(second) in str(refused.value)
    assert "\n" not in str(refused.value)


def install(folder: Path, name: str, pattern: str, target: Path) -> None:
    """Build a package with an entry point and install it into `target` with pip."""
    folder.mkdir()
    (folder / f"{name}.py").write_text(plugin(pattern))
    (folder / "setup.cfg").write_text(
        f"[metadata]\nname = {name}\nversion = 1\n[options]\npy_modules = {name}\n"
        f"[options.entry_points]\nbinbench.algorithms =\n    {name} = {name}\n"
    )
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    )
    command = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target"]
    subprocess.run([sys.executable, *command, str(target), str(folder)], check=True, capture_output=True, text=True)


def python(code: str, target: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `code` where the packages in `target` are installed."""
    path = os.pathsep.join([str(target), str(ROOT)])
    environment = os.environ | {"PYTHONPATH": path}
    return subprocess.run([sys.executable, "-c", code], cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with one installed package of methods."""
    folder = tmp_path_factory.mktemp("outside")
    install(folder / "source", "outside_methods", "outside{size}", folder / "site")
    return folder / "site"


def test_an_installed_package_is_found_and_runs(installed, tmp_path):
    code = """
import numpy as np
from binbench.plugins.registry import ALGORITHMS
instance = ALGORITHMS.get("outside2")
algorithm = instance.create(dimension=3, seed=0)
algorithm.fit(np.eye(3, dtype=np.float32))
print(instance.family.source, algorithm.query(np.eye(3, dtype=np.float32), 1)[0].ravel().tolist())
"""
    done = python(code, installed, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split(maxsplit=1) == [str(installed / "outside_methods.py"), "[0, 1, 2]\n"]


def test_the_command_line_knows_an_installed_package(installed, tmp_path):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(installed), str(ROOT)])}
    command = [sys.executable, "-m", "binbench", "list", "algorithms"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "outside" in done.stdout


def test_two_installed_packages_that_claim_one_name_are_refused(installed, tmp_path):
    install(tmp_path / "source", "rival_methods", "outside{size}", tmp_path / "site")
    target = os.pathsep.join([str(installed), str(tmp_path / "site")])
    done = python("from binbench.plugins.registry import ALGORITHMS; ALGORITHMS.load()", target, tmp_path)
    assert done.returncode != 0
    message = done.stderr.splitlines()[-1]
    assert str(installed / "outside_methods.py") in message
    assert str(tmp_path / "site" / "rival_methods.py") in message


def test_a_file_in_the_working_directory_is_not_loaded_unasked(tmp_path):
    (tmp_path / "algorithms").mkdir()
    (tmp_path / "algorithms" / "mine.py").write_text(plugin())
    (tmp_path / "mine.py").write_text(plugin())
    code = (
        "from binbench.plugins.registry import ALGORITHMS; "
        "print([f.name for f in ALGORITHMS.families() if 'out' in f.name])"
    )
    done = python(code, ROOT, tmp_path)
    assert done.stdout == "[]\n", done.stderr


def guide() -> str:
    """The Python code of the guide."""
    text = (ROOT / "docs" / "write-a-quantizer.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)[0]


def test_the_guide_is_twenty_lines():
    lines = [line for line in guide().splitlines() if line.strip()]
    body = lines[lines.index('@register("widest{bits}", bits=[64, 128])') :]
    assert len(body) <= 20


def test_the_guide_keeps_every_rule(tmp_path):
    file = tmp_path / "widest.py"
    file.write_text(guide())
    load_file(file)
    for name in ("widest64", "widest100"):
        assert [result for result in check(name) if not result.ok] == []
