"""The rules run in a process of their own, so that a method that crashes or hangs fails them instead of ending us."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from binbench.check.rules import RULES, RuleResult, results
from binbench.errors import Unsupported, UserError
from binbench.plugins.registry import FILES, load_file


def check_isolated(
    name: str, files: Sequence[Path] | None = None, seed: int = 0, timeout: float = 600
) -> list[RuleResult]:
    """`check` of the instance `name` in a spawned process, which loads the plugin `files` first.

    `files` defaults to those loaded here; `timeout` is in seconds and holds for each rule. The rule at which the
    process dies or hangs fails, and those after it are not run.

    Raises:
        UserError: the name is unknown, or a file is no plugin.
        Unsupported: the instance serves none of the sizes tried.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, name, list(files or FILES), seed), daemon=True)
    process.start()
    theirs.close()
    done: list[RuleResult] = []
    try:
        while True:
            if not ours.poll(timeout):
                return [*done, RuleResult(_next(done), False, f"hangs: no answer within {timeout:g} s")]
            message = ours.recv()
            if isinstance(message, Exception):
                raise message
            if message is None:
                return done
            done.append(message)
    except EOFError:
        process.join(10)
        return [*done, RuleResult(_next(done), False, f"the process died (exit status {process.exitcode})")]
    finally:
        process.kill()
        process.join()
        ours.close()


def _next(done: Sequence[RuleResult]) -> str:
    return ["fits", *RULES][len(done)]


def _child(connection: Connection, name: str, files: Sequence[Path], seed: int) -> None:
    try:
        for file in files:
            load_file(file)
        for result in results(name, seed):
            connection.send(result)
        connection.send(None)
    except (UserError, Unsupported) as error:
        connection.send(error)
