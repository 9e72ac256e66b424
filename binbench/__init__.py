"""How many bytes per vector can you save before retrieval breaks, and at what speed?

All that a plugin needs: :class:`Algorithm`, :class:`Footprint`, :func:`top` and :func:`register` for methods;
:class:`Collection`, :class:`VectorSource`, :class:`SourceOptions` and :func:`register_dataset` for datasets;
:class:`Encoder` and :func:`register_encoder` for encoders; :exc:`UserError` and :exc:`Unsupported`. And what
scripts and notebooks use: :func:`run`, :func:`results`, :func:`pareto`, :func:`plot`, :func:`compare`, :func:`fit`,
:func:`embeddings`, :func:`geometry`, :func:`cosines`, :func:`conformance`, :func:`recommend`; see docs/python.md.
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
    from binbench.api import (
        Index,
        compare,
        conformance,
        cosines,
        embeddings,
        fit,
        geometry,
        pareto,
        plot,
        recommend,
        results,
        run,
    )
    from binbench.plugins.algorithm import Algorithm, Footprint
    from binbench.plugins.registry import register, register_dataset, register_encoder
    from binbench.plugins.top import top
    from binbench.plugins.transform import Transform, register_transform
    from binbench.sets.corpus import Collection, SourceOptions, VectorSource
    from binbench.sets.encoders import Encoder

__all__ = [
    "Algorithm",
    "Collection",
    "Encoder",
    "Footprint",
    "Index",
    "SourceOptions",
    "Transform",
    "Unsupported",
    "UserError",
    "VectorSource",
    "__version__",
    "compare",
    "conformance",
    "cosines",
    "embeddings",
    "fit",
    "geometry",
    "pareto",
    "plot",
    "recommend",
    "register",
    "register_dataset",
    "register_encoder",
    "register_transform",
    "results",
    "run",
    "top",
]

#: Imported when first used: these need numpy, which `--help` does without.
_LATER = {
    name: module
    for module, names in {
        "api": (
            *("Index", "compare", "conformance", "cosines", "embeddings", "fit", "geometry", "pareto", "plot"),
            *("recommend", "results", "run"),
        ),
        "plugins.algorithm": ("Algorithm", "Footprint"),
        "plugins.registry": ("register", "register_dataset", "register_encoder"),
        "plugins.top": ("top",),
        "plugins.transform": ("Transform", "register_transform"),
        "sets.corpus": ("Collection", "SourceOptions", "VectorSource"),
        "sets.encoders": ("Encoder",),
    }.items()
    for name in names
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
