"""The command line as tests use it."""

from __future__ import annotations

import os
import pty
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ


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


def typed(*arguments: str, cwd: Path, columns: int = 80, answers: Sequence[str] = (), prompt: str = "") -> str:
    """What `python -m binbench …` shows on a terminal of `columns`, where each `prompt` is met with an answer."""
    controller, terminal = pty.openpty()
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-m", "binbench", *arguments],
        cwd=cwd,
        env=environment | {"HF_HUB_OFFLINE": "1"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    patience = threading.Timer(120, process.kill)
    patience.start()
    shown, waiting = "", list(answers)
    while True:
        try:
            shown += os.read(controller, 4096).decode(errors="replace")
        except OSError:  # the last program has let go of the terminal
            break
        if waiting and shown.count(prompt) > len(answers) - len(waiting):
            os.write(controller, waiting.pop(0).encode())
    patience.cancel()
    os.close(controller)
    assert process.wait() == 0, shown
    return shown.replace("\r\n", "\n")


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
