"""What a method is made of: a hash of its code and of the libraries under it, so that stored results can go stale."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import marshal
import sys
from collections.abc import Iterator
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import CodeType
from typing import Any

#: Distributions that every method's answers may depend on.
LIBRARIES = ("numpy", "faiss-cpu")


def code_identity(plugin: Any) -> str:
    """A hash of everything that the class or function `plugin` is made of.

    That is its module and every module of binbench, or of its own package, that these import, directly or through
    others, anywhere in their text but under ``if TYPE_CHECKING``; and the versions of numpy, faiss and the
    distributions that the plugin names in ``libraries``. Comments, docstrings and layout do not count.

    A plugin that is composed of others names them in ``parts``. One without a source file (from a prompt, say) is known
    by its bytecode.
    """
    digest = hashlib.sha256()
    found = made_of(plugin)
    for part in getattr(plugin, "parts", ()):
        found |= made_of(part)
    for name, content in sorted(found.items()):
        digest.update(f"{name} {content}\n".encode())
    for library in sorted({*LIBRARIES, *getattr(plugin, "libraries", ())}):
        digest.update(f"{library} {_version(library)}\n".encode())
    return digest.hexdigest()


def made_of(plugin: Any) -> dict[str, str]:
    """The modules that `plugin` is made of, by name, each with a hash of its code."""
    source = _source(plugin)
    if source is None:
        return {plugin.__module__: _bytecode(plugin)}
    found: dict[str, str] = {}
    waiting: list[tuple[str, str]] = [(plugin.__module__, source)]
    packages = ("binbench", plugin.__module__.partition(".")[0])
    while waiting:
        name, file = waiting.pop()
        if name in found:
            continue
        found[name], imported = _read(name, file, Path(file).stat().st_mtime_ns)
        for module, member in imported:
            if module.split(".")[0] in packages:
                home = _home(module, member)
                waiting += [(home, place)] if (place := _file(home)) else []
            elif (beside := Path(file).with_name(f"{module}.py")).is_file():
                waiting.append((module, str(beside)))
    return found


def _source(plugin: Any) -> str | None:
    try:
        file = inspect.getsourcefile(plugin)
    except TypeError:
        return None
    return file if file and Path(file).is_file() else None


def _bytecode(plugin: Any) -> str:
    members = vars(plugin).values() if inspect.isclass(plugin) else [plugin]
    codes = [code for member in members if isinstance(code := getattr(member, "__code__", None), CodeType)]
    return hashlib.sha256(b"".join(map(marshal.dumps, codes))).hexdigest()


@cache
def _read(name: str, file: str, mtime: int) -> tuple[str, tuple[tuple[str, str], ...]]:
    """A hash of the code in `file`, and what it imports: modules, each with a member or an empty text."""
    tree = ast.parse(Path(file).read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = [ast.Pass()]
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and _documented(node):
            node.body = node.body[1:] or [ast.Pass()]
    package = name if Path(file).name == "__init__.py" else name.rpartition(".")[0]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), tuple(_imported(tree, package))


def _documented(node: Any) -> bool:
    return bool(
        node.body
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
        and isinstance(node.body[0].value.value, str)
    )


def _imported(tree: ast.Module, package: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *filter(None, [base])])
            yield from ((base, alias.name) for alias in node.names)


@cache
def _home(module: str, member: str) -> str:
    """Where ``from module import member`` finds it: a submodule, the module that a package has it from, or `module`.

    What a package hands on is code of the module that defines it; the package's other modules are not.
    """
    if not member or _specification(module) is None:
        return module
    if _specification(f"{module}.{member}"):
        return f"{module}.{member}"
    file = _file(module)
    if file and Path(file).name == "__init__.py":
        # What is handed on only when asked for stands under TYPE_CHECKING.
        for base, name in _imported(ast.parse(Path(file).read_bytes()), module):
            if name == member and base != module:
                return _home(base, name)
    return module


@cache
def _file(module: str) -> str | None:
    found = _specification(module)
    return found.origin if found and found.origin and found.origin.endswith(".py") else None


def _specification(module: str) -> ModuleSpec | None:
    if module in sys.modules:
        return sys.modules[module].__spec__
    try:
        return importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None


@cache
def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "absent"
