"""A small campaign that was really run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import unit

from binbench.cli import main
from binbench.sets.embeddings import write_set
from binbench.study.campaign import load_study
from binbench.study.study import Study


@dataclass(frozen=True)
class Ran:
    """A campaign after `study run`: its file, the folders' options, and the study opened on them."""

    campaign: Path
    options: list[str]
    study: Study
    status: int


def make_set(path: Path, seed: int, dataset: str, encoder: str, spread: float) -> None:
    """600 documents in 20 clusters and 40 queries of dimension 32, with judgements."""
    rng = np.random.Generator(np.random.PCG64(seed))
    centres = rng.standard_normal((20, 32))
    train = unit(centres[rng.integers(20, size=600)] + spread * rng.standard_normal((600, 32)))
    test = unit(centres[rng.integers(20, size=40)] + spread * rng.standard_normal((40, 32)))
    qrels = np.array([(q, int(d), 1) for q in range(40) for d in np.argsort(-(train @ test[q]))[:3]], np.int32)
    ids = [f"d{i}" for i in range(600)], [f"q{i}" for i in range(40)]
    attributes = {
        "distance": "angular",
        "dataset": dataset,
        "encoder_spec": encoder,
        "device_name": "cpu",
        "encode_seconds": 36.0,
        "query_encode_seconds": 0.0,
        "documents_per_second": 600 / 36,
    }
    write_set(path, train.shape, [train], test, attributes, ids=ids, qrels=qrels)


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Two datasets × two encoders, run from the command line."""
    folder = tmp_path_factory.mktemp("study")
    sets = []
    for seed, (dataset, encoder) in enumerate([("a", "one"), ("a", "two"), ("b", "one"), ("b", "two")]):
        sets.append(folder / f"{dataset}-{encoder}.hdf5")
        make_set(sets[-1], seed, dataset, encoder, 0.3 + 0.3 * seed)
    campaign = folder / "small.yml"
    tier = {"datasets": list(map(str, sets)), "encoders": ["lsa16"]}
    content = {
        "hypotheses": {"H1": "Long codes keep neighbours."},
        "runs": 1,
        "tiers": [
            tier | {"algorithms": ["float", "int8", "pq8", "pq16", "binary64", "binary128", "binary512"]},
            tier | {"algorithms": ["sign"]},
        ],
    }
    campaign.write_text(yaml.safe_dump(content))
    options = [f"--{name}-dir={folder / name}" for name in ("data", "results", "study")]
    with pytest.raises(SystemExit) as ended:
        main(["study", "run", str(campaign), *options])
    study = Study(load_study(str(campaign)), folder / "data", folder / "results", folder / "study" / "small")
    return Ran(campaign, options, study, int(ended.value.code or 0))
