"""What a plugin says of itself, checked when it is registered, so that nothing falls over it later."""

from __future__ import annotations

import contextlib
import inspect
import logging
import math
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

from binbench.errors import Unsupported, UserError
from binbench.plugins.algorithm import Score, Scoring
from binbench.texts import message, visible

logger = logging.getLogger("binbench")


@contextlib.contextmanager
def asked(whose: str) -> Iterator[None]:
    """Run a plugin's code in the command's own process: what it raises becomes one line about `whose` it is.

    What is printed goes to stderr, as stdout is the command's; and an exit is an error, as the command is not done.
    """

    kept, ours = os._exit, os.getpid()

    def leave(status: int) -> None:
        if os.getpid() != ours:  # a child of the plugin's
            kept(status)
        raise SystemExit(f"os._exit({status})")

    os._exit = leave  # type: ignore[assignment]
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except (UserError, Unsupported, KeyboardInterrupt):
        raise
    except BaseException as error:
        logger.debug("%s", whose, exc_info=True)
        raise UserError(f"{whose}: {reason(error)}") from error
    finally:
        os._exit = kept


def reason(error: BaseException) -> str:
    """`error` in one line, with the place in the plugin that raised it."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    where = f" (line {frames[-1].lineno} of {frames[-1].filename})" if frames else ""
    return f"{type(error).__name__}: {message(error, first_line=True)}{where}"


def check_algorithm(where: str, plugin: Any, parameters: Mapping[str, Any]) -> None:
    """See that what a method declares can be used and stored.

    Args:
        where: names the method and its file.
        plugin: a subclass of Algorithm or Transform.
        parameters: the default values and the constants that it was registered with.

    Raises:
        UserError: naming the method, its file and what is wrong.
    """
    for name, value in parameters.items():
        values = value if isinstance(value, list | tuple) else [value]
        if not all(value is None or isinstance(value, str | int | float) for value in values):
            raise UserError(f"{where}: {name}={message(repr(value))} is neither text nor number")
    with asked(where):
        inspect.signature(plugin)
        declared = {name: getattr(plugin, name) for name in (*_CHOICES, *_LISTS) if hasattr(plugin, name)}
        grid = getattr(plugin, "query_grid", {})
    for name, choices in _CHOICES.items():
        if name in declared and declared[name] not in choices:
            raise UserError(f"{where}: {name} is {message(repr(declared[name]))}, not one of {', '.join(choices)}")
    for name in _LISTS:
        found = declared.get(name, ())
        if not isinstance(found, list | tuple) or not all(isinstance(one, str) for one in found):
            raise UserError(f"{where}: {name} is {message(repr(found))}, not a list of texts")
    checked_grid(where, grid)


def checked_grid(where: str, grid: Any) -> Mapping[str, Sequence[Any]]:
    """`grid` if it is query-time arguments with values to try: each makes results of its own, with names of their own.

    Raises:
        UserError: it is not.
    """
    if not isinstance(grid, Mapping):
        raise UserError(f"{where}: query_grid is {type(grid).__name__}, not a mapping of names to values")
    for name, values in grid.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise UserError(f"{where}: query_grid names an argument {message(repr(name))}")
        if not isinstance(values, list | tuple | range) or not values:
            raise UserError(f"{where}: query_grid gives {name} {message(repr(values))}, not a list with values to try")
        if odd := next((value for value in values if not _is_plain(value)), None):
            kind = type(odd).__name__
            raise UserError(f"{where}: query_grid gives {name} the {kind} {message(repr(odd))}: give numbers or texts")
        if len(set(map(repr, values))) < len(values):
            raise UserError(f"{where}: query_grid gives {name} one value twice")
    return grid


def _is_plain(value: Any) -> bool:
    if type(value) is float:
        return math.isfinite(value)
    return type(value) in (bool, int) or (type(value) is str and visible(value) == value and len(value) <= _LONGEST)


_LONGEST = 100
_CHOICES = {"scoring": get_args(Scoring), "score_scale": get_args(Score)}
_LISTS = ("metrics", "libraries")
