"""The kernel's own account of what a job holds: a cgroup (v2) of its own, where this process may make one."""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path

#: Where cgroups are, and what tells a process its own.
ROOT, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
_NUMBERS = itertools.count()


class Group:
    """A new group below this process' own or beside it, wherever groups there have an account of memory.

    It sets no limit: ``memory.max`` counts mapped vectors too, which are not the method's, and would slow it down.

    Raises:
        OSError: none can be made.
    """

    def __init__(self, pid: int) -> None:
        """Count the process `pid`, and all that it starts from now on."""
        line = next((line for line in OWN.read_text().splitlines() if line.startswith("0::/")), None)
        if line is None:
            raise FileNotFoundError("no cgroup v2")
        own = ROOT / line.removeprefix("0::/")
        for place in (own, own.parent):
            with contextlib.suppress(OSError):
                if "memory" in (place / "cgroup.subtree_control").read_text().split():
                    self.path = place / f"binbench-{os.getpid()}-{next(_NUMBERS)}"
                    self.path.mkdir()
                    break
        else:
            raise PermissionError("no cgroup of which this process may make another")
        try:
            (self.path / "cgroup.procs").write_text(str(pid))
        except OSError:
            self.remove()
            raise

    def held(self) -> int:
        """Bytes that are no file's: own and shared memory of all processes, swapped included, each page once."""
        told = dict(line.split() for line in (self.path / "memory.stat").read_text().splitlines())
        swapped = 0
        with contextlib.suppress(OSError):  # a machine without swap has no such file
            swapped = int((self.path / "memory.swap.current").read_text())
        return int(told["anon"]) + int(told["shmem"]) + swapped

    def remove(self) -> None:
        """End the account; its processes must have ended."""
        with contextlib.suppress(OSError):
            self.path.rmdir()
