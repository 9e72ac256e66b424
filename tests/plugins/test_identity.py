"""What a method is made of: changes that must make stored results stale, and changes that must not."""

from __future__ import annotations

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


def test_identities_do_not_depend_on_what_was_imported_before(checkout):
    early = "import binbench.codes.engine, binbench.report.table, binbench.harness.run\n" + PRINT
    done = subprocess.run([sys.executable, "-c", early], cwd=checkout, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == identities(checkout)
