"""What identifies the code of a plugin."""

from __future__ import annotations

import inspect
from functools import cache
from pathlib import Path

from binbench.files import sha256_of


@cache
def code_identity(plugin: type) -> str:
    """A hash of the file that `plugin` is defined in."""
    source = inspect.getsourcefile(plugin)
    return sha256_of(Path(source)) if source else plugin.__module__
