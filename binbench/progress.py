"""Progress of long work: a bar on a terminal, a plain line now and then in a log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger("binbench")

_LOG_EVERY = 15.0  # seconds between the lines of a log


@contextmanager
def progress(
    what: str, total: int, unit: str = "rows", done: int = 0, log: bool = True
) -> Iterator[Callable[[int], None]]:
    """Show how far `what` has come; yields a function to call with the number of `unit` just finished.

    Args:
        what: shown before the bar.
        total: how many units there are.
        unit: their name, for the rate.
        done: units finished by an earlier run.
        log: whether to write lines where there is no terminal.
    """
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=total, completed=done, rate="")
            start = time.perf_counter()

            def advance(count: int) -> None:
                bar.advance(task, count)
                elapsed = time.perf_counter() - start
                rate = (bar.tasks[0].completed - done) / elapsed if elapsed > 0 else 0.0
                bar.update(task, rate=f"{rate:,.0f}/s")

            yield advance
        return
    if not log:
        yield lambda count: None
        return
    start = last = time.perf_counter()
    finished = done

    def write(count: int) -> None:
        nonlocal finished, last
        finished += count
        now = time.perf_counter()
        if now - last >= _LOG_EVERY and finished < total:
            last = now
            rate = (finished - done) / (now - start)
            left = (total - finished) / rate if rate else 0.0
            logger.info("%s: %d of %d %s, %.0f/s, %.0f s left", what, finished, total, unit, rate, left)

    yield write
