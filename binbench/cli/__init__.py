"""The command line: one verb, one file, imported only when it is used."""

from __future__ import annotations

import importlib
import logging
import os
import sys

import click

from binbench._version import __version__
from binbench.errors import Unsupported, UserError, unknown
from binbench.texts import visible

#: Verb → the line `--help` shows; the module of the same name (`list` in `list_.py`) holds the command.
VERBS = {
    "list": "Show algorithms, datasets and encoders.",
    "prepare": "Make embedding sets.",
    "weights": "Get the weights of encoders.",
    "run": "Measure methods on embedding sets.",
    "table": "Show results as tables.",
    "plot": "Draw results.",
    "export": "Write results as CSV, JSON Lines, Parquet or TREC runs.",
    "site": "Make a static site of results.",
    "recommend": "Say which method fits so many documents into a memory, at a quality and a speed.",
    "build": "Fit one method on all vectors and write an index for faiss and numpy.",
    "demo": "Show on texts what compression does to search.",
    "check": "Check that quantizers keep the interface's promises.",
    "study": "Run a campaign of experiments with bands and kill-switches, and report it.",
    "evaluate": "Judge stored results: figures, intervals, comparisons.",
    "similarity": "Compare code similarity with human scores of sentence pairs.",
    "classify": "Compare classifiers trained on codes with those on float embeddings.",
}


class _Stderr(logging.StreamHandler):
    """Writes to whatever `sys.stderr` is at the time: tests replace it, call by call."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


class _Visible(logging.Formatter):
    """Messages with what is hidden in them written out; errors as those that end a command."""

    def format(self, record: logging.LogRecord) -> str:
        prefix = "binbench: " if record.levelno >= logging.ERROR else ""
        return prefix + visible(super().format(record), keep="\n\t")


class _Errors(logging.Handler):
    """Notes whether there was one, on which a command went on with the rest."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.any = False

    def emit(self, record: logging.LogRecord) -> None:
        self.any = True


class _Verbs(click.Group):
    """A group whose commands are imported when they are called for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        if ctx.resilient_parsing or "--help" in sys.argv[1:2]:
            return click.Command(name, help=VERBS[name])
        module = importlib.import_module(f"binbench.cli.{'list_' if name == 'list' else name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            raise unknown("verb", args[0], VERBS, "; see `binbench --help`")
        return super().resolve_command(ctx, args)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="binbench")
@click.option("-v", "--verbose", is_flag=True, help="Also show debugging messages.")
def cli(verbose: bool) -> None:
    """How many bytes per vector can you save before retrieval breaks, and at what speed?

    \b
    First steps:
      binbench list
      binbench run --algorithm binary256 --dataset pydocs
    """
    handler = _Stderr()
    handler.setFormatter(_Visible())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("binbench").setLevel(logging.DEBUG if verbose else logging.INFO)


def _in_one_line(error: click.ClickException) -> str:
    """What click has to say of a command line, as our own errors are said, and where to look."""
    told = " ".join(error.format_message().split()).rstrip(".").replace(". Did you mean", "; did you mean")
    told = told if len(told) < 500 else f"{told[:499]}…"
    context = getattr(error, "ctx", None)
    where = context.command_path if context else "binbench"
    return f"{told[:1].lower()}{told[1:]}" + ("" if "did you mean" in told else f"; see `{where} --help`")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 when all that was asked for is there, 1 on a mistake or a failed method.

    What is logged as an error, such as a damaged result beside others, leaves the rest to be shown and the status 1.
    """
    errors = _Errors()
    logging.getLogger("binbench").addHandler(errors)
    try:
        status = cli.main(arguments, prog_name="binbench", standalone_mode=False)
        sys.stdout.flush()
    except (UserError, Unsupported) as error:
        click.echo(f"binbench: {visible(str(error))}", err=True)
        status = 1
    except click.ClickException as error:
        if error.message.startswith("Usage: "):  # a verb of verbs alone asks for its help
            error.show()
        else:
            click.echo(f"binbench: {visible(_in_one_line(error))}", err=True)
        status = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("binbench: interrupted", err=True)
        status = 130
    except BrokenPipeError:
        # The reader (say, `| head`) has gone; what it wanted it has.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except (OSError, MemoryError) as error:
        # What the machine refuses is no bug of ours; where it did so, --verbose tells.
        logging.getLogger("binbench").debug("refused", exc_info=True)
        what = error.strerror or str(error) if isinstance(error, OSError) else f"not enough memory: {error}"
        where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        click.echo(f"binbench: {visible(f'{where}{what}')}", err=True)
        status = 1
    finally:
        logging.getLogger("binbench").removeHandler(errors)
    sys.exit(status if isinstance(status, int) and status else int(errors.any))
