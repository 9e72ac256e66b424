"""Libraries that are not always there."""

from __future__ import annotations

import importlib
from typing import Any

from binbench.errors import Unsupported


def library(module: str, extra: str) -> Any:
    """The `module` of an optional library, which ``pip install 'binbench[EXTRA]'`` brings.

    Raises:
        Unsupported: it is not installed, or refuses to load here, say on this processor.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise Unsupported(f"{module} lacks {error.name}; pip install 'binbench[{extra}]'") from error
        raise Unsupported(f"{error.name} is not installed; pip install 'binbench[{extra}]'") from error
    except (ImportError, OSError, RuntimeError) as error:
        raise Unsupported(f"{module} does not load here: {str(error).splitlines()[0]}") from error
