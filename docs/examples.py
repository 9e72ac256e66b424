"""Makes the files that the commands of README and docs name, in the current folder: `python docs/examples.py`.

Vectors: docs.npy, queries.npy, docs.parquet, shards/ and vectors-angular.hdf5. Texts: pairs.tsv, train.tsv, test.tsv.
A campaign: campaign.yml. Plugins, from the pages that explain them: widest.py and poems.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

DOCS = Path(__file__).resolve().parent
TOPICS = {"sport": ["goal", "match", "team", "race"], "food": ["bread", "soup", "spice", "oven"]}
CAMPAIGN = """\
datasets: [scifact]
encoders: [all-MiniLM-L6-v2]
algorithms: [float, int8, binary256]
"""


def unit(rows: np.ndarray) -> np.ndarray:
    """`rows` at unit length, float32."""
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def vectors() -> None:
    """2,400 documents and 20 queries near some of them, 64 dimensions, in every format."""
    rng = np.random.Generator(np.random.PCG64(0))
    docs = unit(rng.standard_normal((2400, 64)))
    queries = unit(docs[:20] + 0.1 * rng.standard_normal((20, 64)))
    np.save("docs.npy", docs)
    np.save("queries.npy", queries)
    held = pa.table({"id": [f"d{i}" for i in range(len(docs))], "text_vector": list(docs)})
    pq.write_table(held, "docs.parquet")
    Path("shards").mkdir(exist_ok=True)
    for i in range(4):
        pq.write_table(held.slice(600 * i, 600), f"shards/part-{i}.parquet")
    distances = 1 - queries.astype(np.float64) @ docs.T
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :100]
    with h5py.File("vectors-angular.hdf5", "w") as file:
        file.attrs["distance"] = "angular"
        file["train"], file["test"], file["neighbors"] = docs, queries, nearest.astype(np.int32)
        file["distances"] = np.take_along_axis(distances, nearest, axis=1).astype(np.float32)


def texts() -> None:
    """Sentence pairs with scores, and labelled texts."""
    words = [(topic, word) for topic, held in TOPICS.items() for word in held]
    pairs = [(5 if a == b else 3 if s == t else 0, f"the {a} today", f"a {b}") for s, a in words for t, b in words]
    lines = ["score\tsentence1\tsentence2", *("\t".join(map(str, pair)) for pair in pairs)]
    Path("pairs.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    for name, forms in (("train", ("the {} today", "a good {}", "my {}")), ("test", ("this {} again",))):
        held = [f"{form.format(word)}\t{topic}" for form in forms for topic, word in words]
        Path(f"{name}.tsv").write_text("\n".join(held) + "\n", encoding="utf-8")


def plugins() -> None:
    """The first program of each page about plugins, as a file of the name that the page gives it."""
    for page, name in (("write-a-quantizer", "widest"), ("write-a-dataset", "poems")):
        code = re.search(r"```python\n(.*?)```", (DOCS / f"{page}.md").read_text(encoding="utf-8"), re.DOTALL)
        assert code, page
        Path(f"{name}.py").write_text(code[1], encoding="utf-8")


if __name__ == "__main__":
    vectors()
    texts()
    plugins()
    Path("campaign.yml").write_text(CAMPAIGN, encoding="utf-8")
