"""What a figure has to carry with it to be believed: versions, machine, load, command."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from datetime import datetime, timezone
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from binbench._version import __version__

_LIBRARIES = (
    "beir",
    "faiss-cpu",
    "h5py",
    "numpy",
    "pytrec_eval-terrier",
    "scikit-learn",
    "scipy",
    "sentence-transformers",
    "torch",
    "transformers",
)


@cache
def versions() -> dict[str, str]:
    """Versions of binbench, Python and every library that a figure depends on."""
    found = {"binbench": __version__, "python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def machine() -> dict[str, Any]:
    """The machine: operating system, CPU model, cores, memory in bytes."""
    return {
        "os": platform.platform(),
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
    }


@cache
def git_hash() -> str:
    """The checkout's commit, ``+`` appended when it has changes; empty outside a checkout."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return ""
    try:
        commit = _git(root, "rev-parse", "HEAD")
        return commit + ("+" if _git(root, "status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def command() -> str:
    """The command line of this process, as one would type it."""
    return shlex.join(["python", "-m", "binbench", *sys.argv[1:]])


def circumstances() -> dict[str, Any]:
    """Everything of :func:`versions`, :func:`machine` and the moment: date (UTC) and load average."""
    return {
        "versions": versions(),
        "git": git_hash(),
        "machine": machine(),
        "load": os.getloadavg()[0],
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
