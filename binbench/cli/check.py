"""`binbench check`: does a quantizer keep the interface's promises?"""

from __future__ import annotations

from pathlib import Path

import click

from binbench.cli import options
from binbench.errors import Unsupported


@click.command("check", epilog=options.examples("check binary256", "check widest.py"))
@click.argument("names", nargs=-1, required=True, metavar="NAME|FILE...")
@options.plugins
@options.seed
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), default=600, show_default=True, help="Seconds per rule."
)
def command(names: tuple[str, ...], plugins: tuple[Path, ...], seed: int, timeout: float) -> int:
    """Check that quantizers keep the interface's promises, rule by rule.

    NAME is an instance, a family or a glob; FILE is a plugin file, of which everything it registers is checked. Each
    instance is checked in a process of its own. The exit status is 0 when every rule holds for every instance.
    """
    from binbench.check import check_isolated, targets
    from binbench.harness.pool import ForkServer

    options.load_plugins(plugins)
    instances = {instance.name: instance for name in names for instance in targets(name)}
    broken: dict[str, list[str]] = {}
    with ForkServer() as server:
        for name in instances:
            click.echo(name)
            try:
                results = check_isolated(name, seed, timeout, server)
            except Unsupported as error:
                click.echo(f"  skipped: {error}")
                continue
            width = max(len(result.rule) for result in results)
            for result in results:
                click.echo(f"  {'ok' if result.ok else 'BROKEN':6}  {result.rule:<{width}}  {result.message}".rstrip())
            if failed := [result.rule for result in results if not result.ok]:
                broken[name] = failed
    if broken:
        told = "; ".join(f"{name} breaks {', '.join(rules)}" for name, rules in broken.items())
        click.echo(f"binbench: {len(broken)} of {len(instances)} do not conform: {told}", err=True)
        return 1
    return 0
