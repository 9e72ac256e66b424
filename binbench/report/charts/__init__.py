"""Pictures of rows: one module per chart, found by registration."""

from __future__ import annotations

import ast
from pathlib import Path


def kinds() -> dict[str, str]:
    """Every kind of chart with its one line, sorted; read from the text, since importing what draws takes longer."""
    found = {}
    for file in Path(__file__).parent.glob("*.py"):
        text = file.read_text(encoding="utf-8")
        nodes = ast.parse(text).body if "@chart(" in text else []
        for function in (node for node in nodes if isinstance(node, ast.FunctionDef)):
            for decorator in function.decorator_list:
                match decorator:
                    case ast.Call(func=ast.Name("chart"), args=[ast.Constant(str(kind)), *_]):
                        found[kind] = (ast.get_docstring(function) or "").partition("\n")[0]
    return dict(sorted(found.items()))
