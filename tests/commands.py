"""The command line as tests use it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def binbench(*arguments: str, cwd: Path, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`python -m binbench …` in `cwd`."""
    return subprocess.run(
        [sys.executable, "-m", "binbench", *arguments],
        cwd=cwd,
        env=os.environ | {"HF_HUB_OFFLINE": "1"} | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    """One line on stderr that holds `parts`, no traceback, a failing status."""
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if line.startswith("binbench: ")]
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for part in parts:
        assert part in lines[0]


def left(folder: Path) -> list[str]:
    """Visible files below `folder`."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def snapshot(folder: Path) -> dict[str, tuple[int, int]]:
    """`folder` and everything below it, hidden files too: size and time of change."""
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in (folder, *folder.rglob("*"))}
