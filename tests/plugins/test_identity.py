"""What a method is made of: changes that must make stored results stale, and changes that must not."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from binbench import Algorithm, Footprint
from binbench.plugins import identity
from binbench.plugins.identity import code_identity, made_of
from binbench.plugins.registry import ALGORITHMS

ROOT = Path(__file__).resolve().parents[2]
PRINT = """
import json
from binbench.plugins.identity import code_identity
from binbench.plugins.registry import ALGORITHMS
print(json.dumps({family.pattern: code_identity(family.plugin) for family in ALGORITHMS.families()}))
"""
FAISS = {"pq{bytes}", "opq{bytes}", "rq{bytes}", "int8", "float", "hnsw{links}"}
SIGNS = {
    "ortho{bits}",
    "itq{bits}",
    "itq-faiss{bits}",
    "adapter{bits}",
    "adapter-itq{bits}",
    "adapter-mlp{bits}",
    "sign",
    "binary{bits}",
    "binary{bits}-hnsw",
    "binary{bits}-rescore-int8",
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package and its plugins."""
    folder = tmp_path_factory.mktemp("identity") / "checkout"
    for name in ("binbench", "algorithms", "datasets"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", folder)
    return folder


def identities(checkout: Path) -> dict[str, str]:
    """Every family's, in a process of its own that runs the copy."""
    done = subprocess.run([sys.executable, "-c", PRINT], cwd=checkout, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def changed(checkout: Path, file: str, old: str, new: str) -> set[str]:
    """The families whose identity another text in `file` changes; the file is put back."""
    path = checkout / file
    text = path.read_text(encoding="utf-8")
    before = identities(checkout)
    assert text.count(old) == 1, f"{file} holds {old!r} {text.count(old)} times"
    try:
        path.write_text(text.replace(old, new), encoding="utf-8")
        after = identities(checkout)
    finally:
        path.write_text(text, encoding="utf-8")
    assert after.keys() == before.keys()
    return {name for name in before if before[name] != after[name]}


def test_negated_queries_in_the_faiss_base_class(checkout):
    found = changed(
        checkout,
        "binbench/plugins/faiss_index.py",
        "queries = np.ascontiguousarray(queries, dtype=np.float32)\n        if",
        "queries = -np.ascontiguousarray(queries, dtype=np.float32)\n        if",
    )
    assert found >= FAISS | {"pq{bytes}-rescore-float"}
    assert not found & {"ortho{bits}", "binary{bits}"}


def test_inverted_bits_in_the_codes(checkout):
    found = changed(
        checkout, "binbench/codes/binarize.py", "import numpy as np\n", "import numpy as np\n\nINVERTED = True\n"
    )
    assert found >= SIGNS
    assert not found & (FAISS - {"hnsw{links}"})


def test_another_plugin_that_a_method_is_composed_of(checkout):
    found = changed(checkout, "algorithms/pq.py", "    turns = 50\n", "    turns = 51\n")
    assert found >= {"opq{bytes}", "pq{bytes}", "pq{bytes}-rescore-float"}
    assert not found & {"int8", "binary{bits}", "sign", "rq{bytes}"}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("binbench/plugins/faiss_index.py", '"""What the methods that faiss', '"""Whatever the methods that faiss'),
        (
            "binbench/plugins/faiss_index.py",
            "        if depth in (kept, n):\n",
            "        # Enough.\n        if depth in (kept, n):\n",
        ),
        ("binbench/report/render.py", "import sys\n", "import sys\n\nNEW = 1\n"),
        ("binbench/cli/__init__.py", "import sys\n", "import sys\n\nNEW = 1\n"),
        ("binbench/harness/figures.py", "import hashlib\n", "import hashlib\n\nNEW = 1\n"),
    ],
)
def test_text_and_rooms_elsewhere_change_nothing(checkout, file, old, new):
    assert changed(checkout, file, old, new) == set()


def test_another_version_of_a_library(monkeypatch):
    plugin, scann = (ALGORITHMS.get(name).family.plugin for name in ("int8", "scann"))
    before = code_identity(plugin), code_identity(scann)
    versions = {"numpy": "2.0", "faiss-cpu": "1.15", "scann": "1.4"}
    monkeypatch.setattr(identity, "_version", versions.__getitem__)
    assert code_identity(plugin) != before[0]
    ours, theirs = code_identity(plugin), code_identity(scann)
    versions["scann"] = "1.5"
    assert code_identity(plugin) == ours
    assert code_identity(scann) != theirs


def test_a_plugin_file_and_the_helper_beside_it(tmp_path, monkeypatch):
    (tmp_path / "helper_beside.py").write_text("FACTOR = 1\n")
    plugin = tmp_path / "with_helper.py"
    plugin.write_text("import helper_beside\nimport json\n\nclass Method:\n    factor = helper_beside.FACTOR\n")
    monkeypatch.syspath_prepend(tmp_path)
    import with_helper

    assert set(made_of(with_helper.Method)) == {"with_helper", "helper_beside"}
    before = code_identity(with_helper.Method)
    (tmp_path / "helper_beside.py").write_text("FACTOR = 2  # other\n")
    identity._read.cache_clear()
    assert code_identity(with_helper.Method) != before


def test_a_package_of_its_own(tmp_path, monkeypatch):
    package = tmp_path / "zoo_of_mine"
    package.mkdir()
    (package / "__init__.py").write_text("from zoo_of_mine.method import Method\nfrom zoo_of_mine import unused\n")
    (package / "unused.py").write_text("")
    (package / "method.py").write_text(
        "from . import tables\nfrom .tables import deep\nfrom binbench import Footprint\n\nclass Method:\n    pass\n"
    )
    (package / "tables.py").write_text("def deep():\n    from zoo_of_mine.deeper import value\n    return value\n")
    (package / "deeper.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    from zoo_of_mine import Method

    own = {name for name in made_of(Method) if name.startswith("zoo_of_mine")}
    assert own == {"zoo_of_mine.method", "zoo_of_mine.tables", "zoo_of_mine.deeper"}
    assert "binbench.plugins.algorithm" in made_of(Method)
    assert "binbench.plugins.registry" not in made_of(Method)


def without_source(body: str) -> type[Algorithm]:
    """A class as a prompt defines it."""
    space = {"Algorithm": Algorithm, "Footprint": Footprint, "__name__": "__prompt__"}
    exec(f"class Typed(Algorithm):\n    def fit(self, train):\n        {body}\n", space)
    return space["Typed"]  # type: ignore[return-value]


def test_a_class_without_a_source_is_known_by_its_bytecode():
    one, same, other = (without_source(body) for body in ("return 1", "return 1", "return 2"))
    assert code_identity(one) == code_identity(same)
    assert code_identity(one) != code_identity(other)


def test_a_prompts_class_is_known_by_its_base_classes_too():
    code = (
        "from binbench.plugins.faiss_index import FaissAlgorithm\n"
        "from binbench.plugins.identity import code_identity, made_of\n"
        "class Typed(FaissAlgorithm):\n    def fit(self, train):\n        {body}\n"
        "print(code_identity(Typed), *made_of(Typed))"
    )
    told = []
    for text in (code.format(body="return 1"), "\n\n" + code.format(body="return 1"), code.format(body="return 2")):
        done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True)
        told.append(done.stdout.split())
    assert {"__main__", "Typed", "binbench.plugins.faiss_index"} <= set(told[0])
    assert told[0][0] == told[1][0]
    assert told[0][0] != told[2][0]


def test_what_a_prompts_class_does_counts_and_where_it_stands_does_not():
    def typed(text: str, file: str) -> str:
        space = {"Algorithm": Algorithm, "__name__": "__prompt__"}
        exec(compile(text, file, "exec"), space)
        return code_identity(space["Typed"])

    text = "class Typed(Algorithm):\n    bits = 1\n    @property\n    def wide(self):\n        return 3\n"
    assert typed(text, "one") == typed("\n\n" + text, "other")
    assert len({typed(text, "one"), typed(text.replace("1", "2"), "one"), typed(text.replace("3", "4"), "one")}) == 3


ASKED = [
    ("import binbench\n\nclass Method(binbench.Algorithm):\n    pass\n", "binbench.plugins.algorithm"),
    ("import binbench as b\n\nmake = b.Footprint\n\nclass Method:\n    pass\n", "binbench.plugins.algorithm"),
    ("import binbench.codes as c\n\nclass Method:\n    find = c.hamming.knn\n", "binbench.codes.hamming"),
    (
        "from binbench import plugins\n\nclass Method(plugins.levels.LevelAlgorithm):\n    pass\n",
        "binbench.plugins.levels",
    ),
    (
        "import typing as t\nif not t.TYPE_CHECKING:\n    from binbench.codes import packing\nclass Method: pass\n",
        "binbench.codes.packing",
    ),
    (
        "import importlib\nclass Method:\n    found = importlib.import_module('binbench.codes.hamming')\n",
        "binbench.codes.hamming",
    ),
]


@pytest.mark.parametrize(("text", "wanted"), ASKED)
def test_every_way_of_asking_for_a_module_counts(text, wanted, tmp_path, monkeypatch):
    name = f"asks_{ASKED.index((text, wanted))}"
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    found = made_of(importlib.import_module(name).Method)
    assert wanted in found
    assert not {module for module in found if module.startswith(("binbench.report", "binbench.sets"))}
    # The package as such holds its version, which no answer depends on.
    assert "binbench" not in found


def test_a_package_beside_a_plugin_file_counts_but_not_what_pip_installed_there(tmp_path, monkeypatch):
    package = tmp_path / "tables_beside"
    package.mkdir()
    (package / "__init__.py").write_text("from .deep import VALUE\n")
    (package / "deep.py").write_text("VALUE = 1\n")
    (tmp_path / "with_tables.py").write_text("from tables_beside import VALUE\n\nclass Method:\n    value = VALUE\n")
    monkeypatch.syspath_prepend(tmp_path)
    from with_tables import Method

    assert set(made_of(Method)) == {"with_tables", "tables_beside.deep"}
    (tmp_path / "something-1.0.dist-info").mkdir()
    identity._lies_in.cache_clear()
    assert set(made_of(Method)) == {"with_tables"}


def test_the_same_plugin_file_whatever_was_loaded_before_it(tmp_path):
    (tmp_path / "counted.py").write_text("class Method:\n    pass\n")
    told = []
    for number in (0, 7):
        name = f"binbench_plugin_counted_{number}"
        spec = importlib.util.spec_from_file_location(name, tmp_path / "counted.py")
        assert spec is not None and spec.loader is not None  # noqa: PT018
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        told.append(code_identity(module.Method))
        del sys.modules[name]
    assert told[0] == told[1]


def test_fields_that_only_some_versions_of_python_know_do_not_count(monkeypatch):
    text = "def f(a, *, b=None):\n    return [a, {**b}, 'x']\n"
    before = identity._plain(ast.parse(text))
    for kind in (ast.FunctionDef, ast.Constant, ast.arguments):
        monkeypatch.setattr(kind, "_fields", (*kind._fields, "later"))
        monkeypatch.setattr(kind, "later", [], raising=False)
    assert identity._plain(ast.parse(text)) == before
    assert identity._plain(ast.parse(text.replace("'x'", "b'x'"))) != before
    assert identity._plain(ast.parse(text.replace("=None", ""))) != before


def test_identities_do_not_depend_on_what_was_imported_before(checkout):
    early = "import binbench.codes.engine, binbench.report.table, binbench.harness.run\n" + PRINT
    done = subprocess.run([sys.executable, "-c", early], cwd=checkout, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == identities(checkout)
