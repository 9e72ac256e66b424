"""`binbench classify`: codes as features for classifiers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from binbench.cli import options
from binbench.errors import UserError, unknown


@click.command(
    "classify",
    epilog=options.examples(
        "classify --algorithm binary256,int8 --train train.tsv --test test.tsv",
        "classify --algorithm binary256 --dataset pydocs --classifier logistic",
    ),
)
@options.algorithms
@click.option("--train", type=options.Folder(), help="Lines text⇥label to learn from.")
@click.option("--test", type=options.Folder(), help="Lines text⇥label to test on.")
@click.option("--dataset", help="A dataset with classes of its own instead of files.")
@click.option(
    "--classifier",
    "classifiers",
    multiple=True,
    help="logistic (logistic regression) or knn (5 nearest neighbours); repeatable. [default: both]",
)
@options.encoding
@options.data_dir
@options.plugins
@options.seed
@click.option("--json", "json_file", type=options.Folder(), help="Also write everything to this file.")
def command(
    algorithms: tuple[str, ...],
    train: Path | None,
    test: Path | None,
    dataset: str | None,
    classifiers: tuple[str, ...],
    data_dir: Path,
    plugins: tuple[Path, ...],
    seed: int,
    json_file: Path | None,
    **encoder: Any,
) -> int:
    """Compare classifiers trained on codes with the same ones trained on float embeddings.

    Each method is fitted on the training texts; its features are the bits as ±1, or the vectors that the codes stand
    for. The exit status is not zero when a method failed.
    """
    from binbench.files import atomic
    from binbench.measures.classifiers import CLASSIFIERS, Classifier
    from binbench.report.transfer import show_classes
    from binbench.report.values import as_json
    from binbench.sets.corpus import SourceOptions
    from binbench.sets.prepare import Preparation
    from binbench.tasks.classification import classify, labelled_datasets, task_from_dataset, task_from_files

    options.load_plugins(plugins)
    if bool(dataset) == bool(train or test) or bool(train) != bool(test):
        raise UserError(
            f"give --train and --test, two files of labelled texts, or --dataset {' or '.join(labelled_datasets())}"
        )
    named: dict[str, Classifier] = {"logistic": CLASSIFIERS[0], "knn": CLASSIFIERS[1]}
    wanted = options.split_list(classifiers) or list(named)
    if strange := [name for name in wanted if name not in named]:
        raise unknown("classifier", strange[0], named, f"; there are {' and '.join(named)}")
    chosen = options.encoder_options(**encoder)
    if train and test:
        task = task_from_files(train, test, chosen, data_dir, seed)
    else:
        source = SourceOptions.from_environment(seed=seed)
        task = task_from_dataset(Preparation(str(dataset), chosen, source, data_dir), seed)
    rows = classify(task, algorithms, [named[name] for name in wanted], seed)
    show_classes(task, rows)
    if json_file:
        with atomic(json_file) as temporary:
            temporary.write_text(json.dumps(as_json(rows), indent=2) + "\n")
    return options.status_of(rows)
