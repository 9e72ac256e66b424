"""What becomes of processes."""

from __future__ import annotations

import time
from pathlib import Path


def runs(pid: int, patience: float = 5.0) -> bool:
    """Whether the process `pid` still runs after `patience` seconds; one that waits to be reaped does not."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state in "ZX":
            return False
        time.sleep(0.05)
    return True
