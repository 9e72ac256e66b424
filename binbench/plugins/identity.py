"""What a method is made of: a hash of its code and of the libraries under it, so that stored results can go stale."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import CodeType
from typing import Any

from binbench.plugins.family import source_of

#: Distributions that every method's answers may depend on.
LIBRARIES = ("numpy", "faiss-cpu")

#: A module and a name that is asked of it; an empty one where the module itself is wanted.
Wanted = tuple[str, str]


def code_identity(plugin: Any) -> str:
    """A hash of everything that the class or function `plugin` is made of.

    That is its module and every module of binbench, of its own package or (for a plugin file) of its own folder that
    these import, directly or through others, anywhere in their text but under ``if TYPE_CHECKING``; and the versions of
    numpy, faiss and the distributions that the plugin names in ``libraries``. Comments, docstrings and layout do not
    count, nor does the version of Python. Not seen are files that a plugin reads and plugins that it looks up by name.

    A plugin that is composed of others names them in ``parts``. One without a source file (from a prompt, say) is known
    by its bytecode and by what its base classes are made of.
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


def own_identity(plugin: Any) -> str:
    """A hash of the code of `plugin` alone: its module and what that imports of its own package or folder.

    Of binbench that is the module alone: what the house gives to sources and encoders does not change what they make.
    """
    return _hashed(repr(sorted(made_of(plugin, house=False).items())))


def made_of(plugin: Any, house: bool = True) -> dict[str, str]:
    """The modules that `plugin` is made of, by name, each with a hash of its code; without those of the `house`, ours.

    A plugin's own module always counts.
    """
    found: dict[str, str] = {}
    source = _source(plugin)
    if source is None:
        for base in getattr(plugin, "__bases__", ()):
            if base.__module__.partition(".")[0] not in sys.stdlib_module_names:
                found |= made_of(base, house)
        return found | {f"{plugin.__module__} {plugin.__qualname__}": _hashed(_bytecode(plugin))}
    # The number that a plugin file's module carries tells only how many files were loaded before it.
    root = re.sub(r"^binbench_plugin_(.+)_\d+$", r"\1", plugin.__module__)
    folder = None if "." in root else Path(source).resolve().parent
    own = {"binbench", root.partition(".")[0]} if house else {root.partition(".")[0]} - {"binbench"}
    waiting = [(root, source)]
    while waiting:
        name, file = waiting.pop()
        if name in found:
            continue
        state = Path(file).stat()
        found[name], wanted = _read(name, file, state.st_mtime_ns, state.st_size)
        for module, member in wanted:
            top = module.partition(".")[0]
            if top in own or (folder and _lies_in(folder, top)):
                home = _home(module, member)
                waiting += [(home, place)] if (place := _file(home)) else []
            elif folder and (beside := folder / f"{module}.py").is_file():
                waiting.append((module, str(beside)))
    return found


def _source(plugin: Any) -> str | None:
    file = source_of(plugin)
    return file if file and Path(file).is_file() else None


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _bytecode(value: Any) -> str:
    """What a class, function or constant does, as text that tells nothing of where and when it was defined."""
    if isinstance(value, CodeType):
        constants = [_bytecode(constant) for constant in value.co_consts]
        return f"{value.co_code.hex()} {value.co_names} {value.co_varnames} {value.co_freevars} {constants}"
    if isinstance(value, (classmethod, staticmethod)):
        value = value.__func__
    if isinstance(value, property):
        return _bytecode(value.fget)
    if isinstance(value, frozenset):
        return str(sorted(map(repr, value)))
    if inspect.isclass(value):
        members = {name: member for name, member in vars(value).items() if name != "_abc_impl"}
        # What Python itself writes into a class tells of lines and of documentation.
        return str([(n, _bytecode(m)) for n, m in members.items() if not n.startswith("__") or inspect.isfunction(m)])
    if inspect.isfunction(value):
        return f"{value.__defaults__} {value.__kwdefaults__} {_bytecode(value.__code__)}"
    return repr(value)


@cache
def _read(name: str, file: str, changed: int, size: int) -> tuple[str, tuple[Wanted, ...]]:
    """A hash of the code in `file`, and what it imports."""
    content = Path(file).read_bytes()
    try:
        tree = ast.parse(content) if file.endswith(".py") else None
    except SyntaxError:
        tree = None
    if tree is None:  # compiled, or never meant to be imported
        return hashlib.sha256(content).hexdigest(), ()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and (_dotted(node.test) or "").rpartition(".")[2] == "TYPE_CHECKING":
            node.body = [ast.Pass()]
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and _documented(node):
            node.body = node.body[1:] or [ast.Pass()]
    return _hashed(_plain(tree)), tuple(dict.fromkeys(_wanted(tree, _package(name, file))))


def _plain(node: Any) -> str:
    """`node` as text that is the same in every version of Python: ``ast.dump`` tells fields that only some know."""
    if isinstance(node, list):
        return f"[{','.join([_plain(one) for one in node])}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.Constant):
        return f"Constant({node.value!r})"
    if isinstance(node, ast.JoinedStr):  # 3.12 adds empty pieces
        return f"JoinedStr({[_plain(piece) for piece in node.values if getattr(piece, 'value', None) != '']})"
    values = [(name, getattr(node, name, None)) for name in node._fields]
    told = [f"{name}={_plain(value)}" for name, value in values if value is not None and value != []]
    return f"{type(node).__name__}({','.join(told)})"


def _documented(node: Any) -> bool:
    return bool(
        node.body
        and isinstance(node.body[0], ast.Expr)
        and isinstance(node.body[0].value, ast.Constant)
        and isinstance(node.body[0].value.value, str)
    )


def _package(name: str, file: str) -> str:
    return name if Path(file).name == "__init__.py" else name.rpartition(".")[0]


def _wanted(tree: ast.Module, package: str) -> Iterator[Wanted]:
    """What the text asks of other modules, by ``import``, by ``import_module`` of a literal, and by attributes."""
    nodes = list(ast.walk(tree))
    modules: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                modules[alias.asname or top] = alias.name if alias.asname else top
                if "." in alias.name:
                    yield alias.name, ""
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = (_dotted(node.func) or "").rpartition(".")[2]
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.args[0].value, ""
    for name, (base, member) in _handed_on(nodes, package).items():
        yield base, member
        modules[name] = f"{base}.{member}"
    rooted = set()
    for node in nodes:
        if isinstance(node, ast.Attribute):
            rooted.add(id(node.value))
            if (named := _dotted(node.value)) and (head := named.partition("."))[0] in modules:
                yield modules[head[0]] + head[1] + head[2], node.attr
    # A module of which not only attributes are used is wanted whole.
    for node in nodes:
        if isinstance(node, ast.Name) and node.id in modules and id(node) not in rooted:
            yield modules[node.id], ""


def _dotted(node: ast.expr) -> str | None:
    """``a.b.c`` where `node` is names alone."""
    if isinstance(node, ast.Attribute):
        base = _dotted(node.value)
        return base and f"{base}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else None


def _handed_on(nodes: Iterable[ast.AST], package: str) -> dict[str, Wanted]:
    """The names that ``from … import …`` binds, each with the module and its name there; relative to `package`."""
    found: dict[str, Wanted] = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *filter(None, [base])])
            found |= {alias.asname or alias.name: (base, alias.name) for alias in node.names}
    return found


@cache
def _home(module: str, member: str) -> str:
    """Where ``from module import member`` finds it: a submodule, the module that a package has it from, or `module`.

    What a package hands on is code of the module that defines it; the package's other modules are not.
    """
    found = _specification(module)
    if not member or found is None or found.submodule_search_locations is None:
        return module
    if _specification(f"{module}.{member}"):
        return f"{module}.{member}"
    file = _file(module)
    if file and Path(file).name == "__init__.py":
        # What is handed on only when asked for stands under TYPE_CHECKING.
        base, name = _handed_on(ast.walk(ast.parse(Path(file).read_bytes())), module).get(member, (module, member))
        if base != module:
            return _home(base, name)
    return module


@cache
def _file(module: str) -> str | None:
    found = _specification(module)
    return found.origin if found and found.origin and Path(found.origin).is_file() else None


@cache
def _lies_in(folder: Path, top: str) -> bool:
    """Whether the module or package `top` lies in `folder`, and is not one of those that pip put there."""
    found = _specification(top)
    places = [found.origin, *(found.submodule_search_locations or ())] if found else []
    package = found is not None and found.submodule_search_locations is not None
    return any(place and Path(place).resolve().parent == folder for place in places) and not (
        package and any(folder.glob("*.dist-info"))
    )


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
