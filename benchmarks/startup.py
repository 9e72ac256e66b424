"""How long the user waits before anything happens."""

from __future__ import annotations

import subprocess
import sys

from .data import version


@version("1")
def timeraw_import() -> str:
    """`import binbench` in a fresh interpreter."""
    return "import binbench"


@version("1")
def time_help() -> None:
    """`python -m binbench --help`."""
    subprocess.run([sys.executable, "-m", "binbench", "--help"], check=True, stdout=subprocess.DEVNULL)


@version("1")
def time_list() -> None:
    """`python -m binbench list`, which imports every plugin."""
    subprocess.run([sys.executable, "-m", "binbench", "list"], check=True, stdout=subprocess.DEVNULL)
