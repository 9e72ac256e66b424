"""How many bytes per vector can you save before retrieval breaks, and at what speed?

All that a plugin needs: :class:`Algorithm`, :class:`Footprint` and :func:`register` for methods;
:class:`Collection`, :class:`VectorSource`, :class:`SourceOptions` and :func:`register_dataset` for datasets;
:class:`Encoder` and :func:`register_encoder` for encoders; :exc:`UserError` and :exc:`Unsupported`.
"""

from pathlib import Path

# In a checkout `algorithms/` and `datasets/` lie beside the package; in a wheel they are inside it.
_checkout = Path(__file__).resolve().parent.parent
if (_checkout / "algorithms").is_dir() and (_checkout / "setup.cfg").is_file():
    __path__.append(str(_checkout))

from binbench._version import __version__  # noqa: E402
from binbench.errors import Unsupported, UserError  # noqa: E402
from binbench.plugins.algorithm import Algorithm, Footprint  # noqa: E402
from binbench.plugins.registry import register, register_dataset, register_encoder  # noqa: E402
from binbench.sets.corpus import Collection, SourceOptions, VectorSource  # noqa: E402
from binbench.sets.encoders import Encoder  # noqa: E402

__all__ = [
    "Algorithm",
    "Collection",
    "Encoder",
    "Footprint",
    "SourceOptions",
    "Unsupported",
    "UserError",
    "VectorSource",
    "__version__",
    "register",
    "register_dataset",
    "register_encoder",
]
