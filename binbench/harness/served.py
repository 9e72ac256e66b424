"""What a fork server may be asked to do, and how that can end."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from binbench.errors import Unsupported, UserError
from binbench.records.record import Status
from binbench.texts import message

Function = TypeVar("Function", bound=Callable[..., Any])

#: The functions that :func:`served` marks, by ``module:name``.
SERVED: dict[str, Callable[..., Any]] = {}


@dataclass(frozen=True)
class Ending:
    """How the child that did a task ended.

    Attributes:
        status: ``ok`` where the task returned.
        reason: why not, in one line.
        log: the end of what the child printed.
        values: what the task told: the value it returned, or each one it yielded until it ended.
        exit_status: of the child; negative for the signal that killed it, 0 where it told its end itself.
    """

    status: Status
    reason: str = ""
    log: str = ""
    values: list[Any] = field(default_factory=list)
    exit_status: int = 0


def served(function: Function) -> Function:
    """Let fork servers do `function`, a function of binbench that takes and returns, or yields, JSON values."""
    SERVED[name_of(function)] = function
    return function


def name_of(function: Callable[..., Any]) -> str:
    """``module:name``, by which a server finds `function`."""
    return f"{function.__module__}:{function.__qualname__}"


def told(task: str, arguments: dict[str, Any]) -> Iterable[Any]:
    """The values of a call of the served function called `task`: one, or those it yields.

    Raises:
        UserError: no function of binbench is served by that name.
    """
    module = task.partition(":")[0]
    if module.partition(".")[0] == "binbench":
        importlib.import_module(module)
    if task not in SERVED:
        raise UserError(f"no task is called {task}")
    answer = SERVED[task](**arguments)
    return answer if isinstance(answer, Iterator) else [answer]


def outcome(error: BaseException) -> tuple[Status, str]:
    """The status and the reason of a task that raised `error`; what is not foreseen is printed, for the log."""
    from binbench.harness.promises import BadAnswer

    match error:
        case Unsupported():
            return "skipped", message(error)
        case BadAnswer() | UserError():
            return "failed", message(error)
        case MemoryError():
            return "out-of-memory", _one_line(error)
        case SystemExit():
            return "failed", f"the plugin called sys.exit({message(error.code)})"
    traceback.print_exception(error)
    # faiss reports a failed allocation as a RuntimeError.
    return "out-of-memory" if "bad_alloc" in message(error) else "failed", _one_line(error)


def _one_line(error: BaseException) -> str:
    first = message(error, first_line=True)
    frames = traceback.extract_tb(error.__traceback__)
    # The innermost frame outside the libraries, and outside this room, is the line its author will look for.
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    outside = [frame for frame in own if Path(frame.filename).parent != Path(__file__).parent]
    where = next((f" ({Path(f[-1].filename).name}:{f[-1].lineno})" for f in (outside, own, frames) if f), "")
    name = type(error).__name__
    return f"{name}: {first}{where}" if first else f"{name}{where}"
