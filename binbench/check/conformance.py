"""The rules carried out: here, or in a child of a fork server, so that what crashes or hangs does not end us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import NamedTuple

from binbench.check.rules import RULES, Broken, NotApplicable, Rule
from binbench.check.trial import Trial, first_trial
from binbench.errors import Unsupported, UserError
from binbench.files import path_of
from binbench.harness.pool import ForkServer
from binbench.harness.served import served
from binbench.plugins.registry import ALGORITHMS, FILES, Instance, load_file


class RuleResult(NamedTuple):
    """What became of one rule: its name, whether it holds, and why not (or why it does not apply)."""

    rule: str
    ok: bool
    message: str = ""


def targets(name: str) -> list[Instance]:
    """The instances that `name` stands for: names as the registry takes them, or a plugin file's default grid."""
    if not name.endswith(".py"):
        return ALGORITHMS.resolve([name])
    path = path_of(name).resolve()
    load_file(path)
    families = [family for family in ALGORITHMS.families() if Path(family.source) == path]
    if not families:
        raise UserError(f"plugin file {path} registers no algorithm to check")
    return [instance for family in families for instance in family.instances()]


def check(instance: Instance | str, seed: int = 0) -> list[RuleResult]:
    """One result per rule for one instance, in the order of `RULES`.

    Raises:
        UserError: the name is unknown.
        Unsupported: the instance serves none of the sizes tried (say, a library is missing).
    """
    return list(results(instance, seed))


def check_isolated(
    name: str, seed: int = 0, timeout: float = 600, server: ForkServer | None = None
) -> list[RuleResult]:
    """`check` of the instance `name` in a child of `server`, or of a server of its own.

    The child loads the plugin files that are loaded here; `timeout` is in seconds and holds for each rule. The rule at
    which the child dies or hangs fails, and those after it are not run.

    Raises:
        UserError: the name is unknown.
        Unsupported: the instance serves none of the sizes tried.
    """
    ALGORITHMS.get(name)
    arguments = {"name": name, "files": [str(file) for file in FILES], "seed": seed}
    with nullcontext(server) if server else ForkServer() as asked:
        ending = asked.ask(check_rules, arguments, timeout)
    if ending.status == "skipped":
        raise Unsupported(ending.reason)
    done = [RuleResult(*value) for value in ending.values]
    if ending.status == "ok":
        return done
    message = ending.reason
    if ending.status == "timeout":
        message = f"hangs: no answer within {timeout:g} s"
    elif ending.exit_status:
        message = f"the process died (exit status {ending.exit_status})"
    return [*done, RuleResult(["fits", *RULES][len(done)], False, message)]


@served
def check_rules(name: str, files: list[str], seed: int) -> Iterator[RuleResult]:
    """The results of the rules, each as soon as it is known, after loading the plugin `files`."""
    for file in files:
        load_file(Path(file))
    yield from results(name, seed)


def results(instance: Instance | str, seed: int = 0) -> Iterator[RuleResult]:
    """`check`, result by result."""
    if isinstance(instance, str):
        instance = ALGORITHMS.get(instance)
    try:
        trial = first_trial(instance, seed)
    except Unsupported:
        raise
    except Exception as error:
        yield RuleResult("fits", False, _told(error))
        return
    yield RuleResult("fits", True, f"{trial.rows} × {trial.dimension}")
    for name, function in RULES.items():
        yield _result(name, function, trial)


def _result(name: str, function: Rule, trial: Trial) -> RuleResult:
    try:
        function(trial)
    except Broken as broken:
        return RuleResult(name, False, str(broken))
    except (NotApplicable, Unsupported) as reason:
        return RuleResult(name, True, f"not applicable: {reason}")
    except Exception as error:
        return RuleResult(name, False, _told(error))
    return RuleResult(name, True)


def _told(error: Exception) -> str:
    return f"raised {type(error).__name__}: {error}".splitlines()[0]
