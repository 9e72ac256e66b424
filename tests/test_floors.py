"""The floors of docs/architecture.md: a room imports only from its own floor and those below."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d) \| (`[^|]+) \|", re.MULTILINE)
FLOORS = {room.strip("` "): int(floor) for floor, rooms in ROW.findall(PAGE) for room in rooms.split(",")}
#: Modules that belong to no room: the package itself, its entry point, its version.
OUTSIDE = {"__init__", "__main__", "_version"}


def room_of(module: str) -> str:
    """``binbench.sets.corpus`` → ``sets``; the package itself has none."""
    return module.split(".")[1] if "." in module else ""


def imported(path: Path) -> set[str]:
    """The modules of binbench that the file at `path` imports, anywhere in it but under TYPE_CHECKING."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    found = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} if node.module != "binbench" else {f"binbench.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "binbench"}


def files() -> list[tuple[str, Path]]:
    """Every production file with its room."""
    own = [
        (path.relative_to(ROOT / "binbench").parts[0].removesuffix(".py"), path)
        for path in (ROOT / "binbench").rglob("*.py")
    ]
    plugins = [(folder, path) for folder in ("algorithms", "datasets") for path in (ROOT / folder).glob("*.py")]
    return [(room, path) for room, path in own + plugins if room not in OUTSIDE]


def test_every_room_has_a_floor():
    assert {room for room, _ in files()} == set(FLOORS)


@pytest.mark.parametrize("room", sorted(FLOORS))
def test_a_room_imports_nothing_from_above(room):
    above = {
        f"{path.relative_to(ROOT)} imports {module}"
        for name, path in files()
        if name == room
        for module in imported(path)
        if FLOORS.get(room_of(module), -1) > FLOORS[room]
    }
    assert not above


def test_no_module_makes_a_reader_scroll_for_minutes():
    long = {str(path.relative_to(ROOT)): lines for _, path in files() if (lines := code_lines(path)) > 300}
    assert not long


def code_lines(path: Path) -> int:
    """Lines that hold code: no blank ones, comments or docstrings."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    prose: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(
            node
        ):
            prose |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines = enumerate(text.splitlines(), start=1)
    return sum(
        number not in prose and bool(line.strip()) and not line.strip().startswith("#") for number, line in lines
    )
