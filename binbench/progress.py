"""Progress of long work: a bar on a terminal or in a notebook, a plain line now and then in a log."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Protocol

logger = logging.getLogger("binbench")

_LOG_EVERY = 15.0  # seconds before the first line of a log, and between two
_LINE = "{desc}: {n_fmt} of {total_fmt}{unit}, {rate_fmt}, {remaining} left"
_LINE_WITHOUT_TOTAL = "{desc}: {n_fmt}{unit}, {rate_fmt}"


class Advance(Protocol):
    """What :func:`progress` yields."""

    def __call__(self, count: int, now: str = "") -> None:
        """`count` more are done, and `now` is what is being done."""


class _Log:
    """Where tqdm writes lines in place of a bar: to the log, without what moves a cursor."""

    def write(self, text: str) -> None:
        if line := " ".join(text.split()):
            logger.info("%s", line)

    def flush(self) -> None:
        """Nothing is held back."""


@contextmanager
def progress(what: str, total: int, unit: str = "rows", done: int = 0, log: bool = True) -> Iterator[Advance]:
    """Show how far `what` has come; yields a function to call, from any thread, with the number just finished.

    A second argument names what is being done now.

    Args:
        what: shown before the bar.
        total: how many there are; 0 where nobody knows.
        unit: of what, for the rate.
        done: those finished by an earlier run.
        log: whether to write lines where there is no terminal.
    """
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    if in_a_notebook():
        with _bar_in_a_notebook(what, total, unit, done) as moved:
            yield moved
        return
    terminal = sys.stderr.isatty()
    bar = tqdm(
        desc=what,
        total=total or None,
        initial=done,
        unit=f" {unit}",
        unit_scale=unit == "bytes",
        leave=False,
        disable=not (terminal or log),
        dynamic_ncols=terminal,
        miniters=1,
        file=sys.stderr if terminal else _Log(),
        bar_format=None if terminal else _LINE if total else _LINE_WITHOUT_TOTAL,
        mininterval=0.1 if terminal else _LOG_EVERY,
        delay=0 if terminal else _LOG_EVERY,
    )

    def advance(count: int, now: str = "") -> None:
        with tqdm.get_lock():
            if now:
                bar.set_postfix_str(now)
            bar.update(count)

    # What is logged meanwhile is written above the bar.
    with bar, logging_redirect_tqdm() if terminal else nullcontext():
        yield advance


def in_a_notebook() -> bool:
    """Whether this is the kernel of a notebook, where neither a cursor nor a log can be seen."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return type(shell).__name__ == "ZMQInteractiveShell"


@contextmanager
def _bar_in_a_notebook(what: str, total: int, unit: str, done: int) -> Iterator[Advance]:
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    counted = [DownloadColumn()] if unit == "bytes" else [MofNCompleteColumn(), TextColumn(unit)]
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), *counted, TimeRemainingColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(what, total=total or None, completed=done)

        def advance(count: int, now: str = "") -> None:
            bar.update(task, advance=count, description=f"{what}: {now}" if now else None)

        yield advance
