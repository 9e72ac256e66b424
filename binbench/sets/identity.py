"""What tells embedding sets apart: everything that a set was made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from binbench.errors import UserError
from binbench.sets import Precision
from binbench.sets.corpus import SourceOptions
from binbench.sets.encoders import EncoderOptions
from binbench.sets.sources import find_source

#: What the ``source`` gave and, unless that was vectors already, the ``encoder`` that was used; JSON values.
Identity = dict[str, dict[str, Any]]


def difference(asked: Identity, attributes: Mapping[str, Any], options: SourceOptions) -> tuple[str, str] | None:
    """In what a stored set differs from the one `asked` for: there and here, in words. None where it is that set.

    A set stored before identities were is taken for what its other `attributes` tell: what they do not tell agrees.

    Args:
        attributes: those of the stored set.
        options: folders in which sources are looked for.
    """
    stored, silent = attributes["identity"], False
    if not stored:
        stored, silent = _told(attributes, options), True
    keys = {(part, key): None for one in (asked, stored) for part in one for key in one[part]}
    pairs = {at: tuple(one.get(at[0], {}).get(at[1]) for one in (stored, asked)) for at in keys}
    differing = {
        at: (there, here)
        for at, (there, here) in pairs.items()
        if there != here and not (silent and (there is None or here is None))
    }
    if not differing:
        return None
    there, here = (
        " and ".join(f"{part} {key} {value}" for (part, key), value in zip(differing, values, strict=True))
        for values in zip(*differing.values(), strict=True)
    )
    return there, here


def _told(attributes: Mapping[str, Any], options: SourceOptions) -> Identity:
    """The identity of a set of the version before, as far as it tells."""
    origin, precision, spec = attributes["provenance"], attributes.get("precision"), attributes.get("encoder_spec")
    seeds = [origin[key] for key in ("query_seed", "sample_seed", "seed") if key in origin]
    name = attributes.get("source")
    return {
        "source": {
            "name": find_source(name, options).location if name else None,
            "split": attributes.get("split") or None,
            "seed": seeds[0] if seeds else None,
        },
        "encoder": {
            "spec": _full(spec) if spec else None,
            # Vectors that another tool made may be described in other words.
            "precision": precision if precision in get_args(Precision) else None,
            "max_tokens": attributes.get("max_tokens"),
            "seed": attributes.get("encoder_seed"),
        },
    }


def _full(spec: str) -> str:
    try:
        return EncoderOptions(spec).instance.name
    except UserError:
        return spec
