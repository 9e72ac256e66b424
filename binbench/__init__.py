"""How many bytes per vector can you save before retrieval breaks, and at what speed?

Public names: :class:`Algorithm`, :class:`Footprint`, :func:`register`, :func:`register_dataset`,
:exc:`UserError` and :exc:`Unsupported` are all that a plugin needs.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

# In a checkout `algorithms/` and `datasets/` lie beside the package; in a wheel they are inside it.
_checkout = Path(__file__).resolve().parent.parent
if (_checkout / "algorithms").is_dir() and (_checkout / "setup.cfg").is_file():
    __path__.append(str(_checkout))

from binbench._version import __version__  # noqa: E402
from binbench.errors import Unsupported, UserError  # noqa: E402

if TYPE_CHECKING:
    from binbench.plugins.algorithm import Algorithm, Footprint
    from binbench.plugins.registry import register, register_dataset

__all__ = [
    "Algorithm",
    "Footprint",
    "Unsupported",
    "UserError",
    "__version__",
    "register",
    "register_dataset",
]

#: Imported when first used: these need numpy, which `--help` does without.
_LATER = {
    "Algorithm": "plugins.algorithm",
    "Footprint": "plugins.algorithm",
    "register": "plugins.registry",
    "register_dataset": "plugins.registry",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
