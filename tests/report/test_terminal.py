"""Tables on a real terminal, through a pseudo-terminal: columns are given up, letters never."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
from measured import Stored

from binbench.plugins.registry import ALGORITHMS

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def on_terminal(width: int, *arguments: str, cwd: Path) -> list[str]:
    """The lines that `python -m binbench …` shows on a terminal of `width` columns."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-m", "binbench", *arguments],
        cwd=cwd,
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env=environment | {"TERM": "xterm"},
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
    process.wait()
    os.close(ours)
    return ESCAPES.sub("", text.decode()).replace("\r", "").splitlines()


def cells(lines: list[str]) -> list[list[str]]:
    """The cells of every line of a table's body."""
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("verb", [["table"], ["table", "--iso-memory"], ["evaluate"]])
def test_nothing_is_cut(stored: Stored, tmp_path: Path, verb: list[str], width: int) -> None:
    folders = ["--results-dir", str(stored.results_dir), "--data-dir", str(stored.data_dir)]
    lines = on_terminal(width, *verb, *folders, cwd=tmp_path)
    plain = subprocess.run(
        [sys.executable, "-m", "binbench", *verb, *folders], cwd=tmp_path, capture_output=True, text=True, check=False
    ).stdout
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines).replace(" … ", "")
    body = cells(lines)
    assert len(body) >= 2
    known = {cell for line in plain.splitlines() for cell in re.split(r" {2,}", line.strip())}
    numbers = [cell for line in body for cell in line[1:] if re.fullmatch(r"[-+]?[\d,]*\.?\d+%?(?: \[.*\])?", cell)]
    assert numbers
    assert set(numbers) <= known


def test_what_has_no_room_is_named(stored: Stored, tmp_path: Path) -> None:
    folders = ["--results-dir", str(stored.results_dir), "--data-dir", str(stored.data_dir)]
    narrow = on_terminal(60, "table", *folders, "--filter", "status=ok", cwd=tmp_path)
    notes = " ".join(narrow)
    assert "no room for" in notes
    assert "build time (s)" in notes.partition("no room for")[2]
    wide = on_terminal(60, "table", "--wide", *folders, "--filter", "status=ok", cwd=tmp_path)
    assert "no room for" not in " ".join(wide)
    assert len(cells(wide)[0]) == 8 > len(cells(narrow)[0])


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_what_there_is_to_run_fits(tmp_path: Path, width: int) -> None:
    lines = on_terminal(width, "list", cwd=tmp_path)
    assert max(map(len, lines)) <= width
    told = " ".join(" ".join(lines).split())
    assert "pq{bytes} 8–64 One of 256 k-means centroids per sub- vector" in told.replace("sub-vector", "sub- vector")
    # Twins are told apart, and every family is there.
    for name, told_by in (("int8 384", "bits: 8"), ("int4 192", "bits: 4"), ("sign-mean 48", "threshold: mean")):
        assert told_by in told.partition(f" {name} ")[2][:150]
    assert {family.pattern for family in ALGORITHMS.families() if "algorithms." in family.plugin.__module__} <= set(
        told.split()
    )


def test_long_lists_say_everything(tmp_path: Path) -> None:
    told = " ".join(" ".join(on_terminal(80, "list", "algorithms", "--long", cwd=tmp_path)).split())
    assert "instances: hnsw16 hnsw32 query arguments: ef_search 16, 64, 256" in told
    assert "Stores the codes and the codebooks, 4 · 256 · d bytes." in told
