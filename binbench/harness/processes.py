"""The processes of this machine, as Linux tells of them; elsewhere there are none to be seen."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def has_children() -> bool:
    """Whether this process has a child, ended ones that nobody has asked after included; quick."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def below(pid: int) -> list[int]:
    """Every process that descends from `pid`, parents before their children."""
    children: dict[int, list[int]] = {}
    for process in _numbers("/proc"):
        if fields := _state(process):
            children.setdefault(int(fields[1]), []).append(process)
    found = list(children.get(pid, ()))
    for process in found:
        found += children.get(process, ())
    return found


def processor_seconds(pids: Iterable[int]) -> float:
    """What the processes `pids` have used, of all their threads and of the children that they have waited for."""
    return sum(sum(map(int, fields[11:15])) for pid in pids if (fields := _state(pid))) / _TICKS


def anonymous_bytes(pid: int) -> int:
    """Bytes that are no file's: own and shared memory, swapped included; pages that others have too count in full."""
    return sum(_kilobytes(f"/proc/{pid}/status", ("RssAnon:", "RssShmem:", "VmSwap:"))) << 10


def fair_bytes(pid: int) -> int:
    """The same, but what n processes have in common counts an nth to each; slow where a process is large."""
    return sum(_kilobytes(f"/proc/{pid}/smaps_rollup", ("Pss_Anon:", "Pss_Shmem:", "SwapPss:"))) << 10


def _kilobytes(file: str, names: tuple[str, ...]) -> Iterable[int]:
    with contextlib.suppress(OSError):
        return [int(line.split()[1]) for line in Path(file).read_text().splitlines() if line.startswith(names)]
    return []


def _state(pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` after the name, which may hold anything; none of one that has gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].decode().split()
    return []


def _numbers(folder: str) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(name) for name in os.listdir(folder) if name.isdigit()]
    return []
