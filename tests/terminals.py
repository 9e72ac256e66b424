"""What `python -m binbench …` shows on terminals, through a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from commands import binbench

WIDTHS = (60, 80, 100, 120, 200)
#: What the lines of a table begin with.
EDGES = "┏┃┡│├└"
NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+%?(?: \[.*\]| of \d+| / [\d.]+)?")
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


#: One process for all widths: starting one takes longer than a table.
AT_WIDTHS = """
import fcntl, struct, sys, termios
from binbench.cli import main
for width in map(int, sys.argv[1].split(",")):
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    print("\\f", end="", flush=True)
    try:
        main(sys.argv[2:])
    except SystemExit as exit_:
        assert exit_.code in (0, None, 1)
"""


def on_terminals(widths: Sequence[int], *arguments: str, cwd: Path) -> list[list[str]]:
    """The lines that `python -m binbench …` shows on terminals of so many columns."""
    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-c", AT_WIDTHS, ",".join(map(str, widths)), *arguments],
        cwd=cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env=environment | {"TERM": "xterm", "HF_HUB_OFFLINE": "1"},
    )
    os.close(theirs)
    text = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        text += piece
    os.close(ours)
    assert process.wait() == 0
    _, *shown = ESCAPES.sub("", text.decode()).replace("\r", "").split("\f")
    assert len(shown) == len(widths)
    return [one.splitlines() for one in shown]


def on_terminal(width: int, *arguments: str, cwd: Path) -> list[str]:
    """The lines that `python -m binbench …` shows on a terminal of `width` columns."""
    [lines] = on_terminals([width], *arguments, cwd=cwd)
    return lines


def cells(lines: list[str]) -> list[list[str]]:
    """The cells of every line of a table's body."""
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]


def nothing_is_cut(verb: Sequence[str], cwd: Path) -> None:
    """See that the tables of `verb` fit terminals of all widths, with every name and number that they show whole."""
    done = binbench(*verb, cwd=cwd)
    known = {cell for text in done.stdout.splitlines() for cell in re.split(r" {2,}|[│┃]", text.strip())}
    known = {cell.strip() for cell in known}
    columns = []
    for width, lines in zip(WIDTHS, on_terminals(WIDTHS, *verb, cwd=cwd), strict=True):
        assert max(len(line) for line in lines if line[:1] in EDGES) <= width
        assert "…" not in "".join(lines).replace(" … ", "")
        body = cells(lines)
        assert len(body) >= 2
        numbers = [cell for row in body for cell in row[1:] if NUMBER.fullmatch(cell)]
        assert numbers
        assert set(numbers) <= known
        columns.append(len(body[0]))
    assert columns == sorted(columns)
    assert columns[0] > 1
