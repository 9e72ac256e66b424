"""The two outcomes that are not bugs: a user's mistake, and a method that does not fit a set."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user can put right; shown as one line without a traceback, exit status 1."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows."""
        return [f"binbench: {self}"]


class Unsupported(Exception):
    """A method cannot serve this set (say, a dimension it cannot divide); recorded as skipped, with the reason."""


def unknown(kind: str, name: str, known: Iterable[str], hint: str = "") -> UserError:
    """An error for an unknown `name` of a `kind` of thing: the nearest of the `known` names, or else the `hint`."""
    if len(name) > 100:  # no name of anything
        name = f"{name[:99]}…"
    near = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    if near:
        hint = f"; did you mean {' or '.join(near)}?"
    return UserError(f"unknown {kind} {name!r}{hint}")
