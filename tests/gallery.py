"""Makes docs/gallery.md and its pictures, from made-up sets that every checkout can make: `python tests/gallery.py`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from conftest import unit
from PIL import Image

from binbench.report.charts.registry import charts
from binbench.sets.embeddings import write_set

DOCS = Path(__file__).resolve().parents[1] / "docs"
SIZES = {"twelve-thousand": 12_000, "three-thousand": 3_000}
METHODS = (
    "float,float16,int8,int4,pq8,pq16,pq32,pqfs16,opq8,opq16,rq8,binary64,binary128,binary256,binary256-asym,sign,"
    "ortho64,itq64,rabitq1,rabitq2,rabitq4,hnsw16,ivf64,binary128-rescore-int8,binary64-rescore-float"
)


_HEAD = """# Gallery

What `binbench plot` draws of made-up vectors (12,000 and 3,000 in 64 dimensions, in clusters, with judgements):
the pictures show the kinds and say nothing of methods on your data. A family has the same colour and marker in every
picture and on every page of the site; a hollow marker was trained on too few points. Written by `tests/gallery.py`.
"""


def page() -> str:
    """The text of docs/gallery.md, from the charts that there are."""
    parts = [f"## {kind}\n\n{chart.summary}\n\n![{kind}](gallery/{kind}.png)\n" for kind, chart in charts().items()]
    return "\n".join([_HEAD, *parts])


def made_up(path: Path, count: int) -> None:
    """A set of `count` documents and 200 queries in clusters, each query's judged documents near it."""
    rng = np.random.Generator(np.random.PCG64(count))
    centers = rng.standard_normal((80, 64))
    train, test = (unit(centers[rng.integers(80, size=n)] + 0.7 * rng.standard_normal((n, 64))) for n in (count, 200))
    noisy = test @ train.T + 0.1 * rng.standard_normal((200, count))
    qrels = [(query, document, 1) for query, row in enumerate(noisy) for document in np.argsort(-row)[:3]]
    ids = [f"d{i}" for i in range(count)], [f"q{i}" for i in range(200)]
    facts = {"distance": "angular"}
    write_set(path, train.shape, [train], test, facts, ids=ids, qrels=np.array(qrels, np.int32))


def run(*arguments: str) -> None:
    """One command, which may not fail."""
    subprocess.run([sys.executable, "-m", "binbench", *arguments], check=True)


def main() -> None:
    """Measure, draw, and keep one picture of each kind."""
    (DOCS / "gallery").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        places = ["--data-dir", str(folder / "data"), "--results-dir", str(folder / "results")]
        sets = {name: str(folder / "data" / f"{name}.hdf5") for name in SIZES}
        for name, count in SIZES.items():
            made_up(Path(sets[name]), count)
        asked = ["--dataset", ",".join(sets.values()), "--algorithm", METHODS, "--mode", "both", "--runs", "3"]
        run("run", *asked, *places)
        some = ["--dataset", sets["twelve-thousand"], "--algorithm", "float,pq8,binary64,int4", "--runs", "3"]
        run("run", *some, "--documents", "1000,3000,6000,all", *places)
        run("plot", "--output", str(folder / "plots"), "--format", "png", *places)
        for kind in charts():
            picture = max((folder / "plots").glob(f"*/{kind}.png"))
            # Few colours are enough, and a third of the size.
            Image.open(picture).convert("RGB").quantize(64).save(DOCS / "gallery" / f"{kind}.png", optimize=True)
    (DOCS / "gallery.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
