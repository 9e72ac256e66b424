"""docs/atlas: whole, small, without texts, and a sample of its figures by a second reckoning from the collections."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas
import pytest
import pytrec_eval

from binbench.files import sha256_of
from binbench.sets.encoders.wordllama import WordLlamaEncoder
from binbench.study.campaign import load_study

ATLAS = Path(__file__).resolve().parents[1] / "docs" / "atlas"
SET = "cranfield-wordllama256"


@pytest.fixture(scope="module")
def figures() -> pandas.DataFrame:
    return pandas.read_parquet(ATLAS / "results.parquet")


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_it_is_whole_small_and_all_of_the_campaign(figures: pandas.DataFrame, beir_dir: Path) -> None:
    assert sum(path.stat().st_size for path in ATLAS.iterdir()) < 10e6
    page = (ATLAS / "README.md").read_text(encoding="utf-8")
    assert sha256_of(ATLAS / "results.parquet") in page
    for name in re.findall(r"\]\(([\w.-]+)\)", page + (ATLAS / "report.md").read_text(encoding="utf-8")):
        assert (ATLAS / name).is_file(), name
    campaign = load_study("atlas", beir_dir)
    asked = {
        f"{dataset}-{encoder}" for tier in campaign.tiers for dataset in tier.datasets for encoder in tier.encoders
    }
    made = json.loads((ATLAS / "sets.json").read_text(encoding="utf-8"))["sets"]
    assert {row["set"] for row in made} == set(figures["set"]) == asked
    assert all(re.fullmatch("[0-9a-f]{64}", row["sha256_train"]) for row in made)
    assert set(figures["status"]) == {"ok"}
    # Whatever draws or learns was run with five seeds.
    assert set(figures.groupby(["set", "method"])["seed"].nunique()) == {0, 5}


def test_no_text_of_a_collection_is_in_it(beir_dir: Path) -> None:
    texts = {path.name: path.read_bytes() for path in ATLAS.iterdir()}
    for row in lines(beir_dir / "cranfield" / "corpus.jsonl")[:200]:
        start = row["text"][:40].encode()
        assert len(start) < 40 or not [name for name, text in texts.items() if start in text]


def test_a_sample_of_its_figures_is_reckoned_again(figures: pandas.DataFrame, beir_dir: Path) -> None:
    """cranfield × wordllama256 by numpy and pytrec_eval: nDCG@10 of float, recall@10 of sign and of binary256."""
    folder = beir_dir / "cranfield"
    corpus, queries = lines(folder / "corpus.jsonl"), lines(folder / "queries.jsonl")
    qrels: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels" / "test.tsv").read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")
        qrels.setdefault(query, {})[document] = int(grade)
    queries = [row for row in queries if row["_id"] in qrels]
    encoder = WordLlamaEncoder()
    texts = [f"{row.get('title', '')} {row['text']}".strip() for row in corpus]
    documents = encoder.encode(texts, "passage").astype(np.float64)
    asked = encoder.encode([row["text"] for row in queries], "query").astype(np.float64)
    similar = asked @ documents.T

    evaluator = pytrec_eval.RelevanceEvaluator(qrels, {"ndcg_cut.10"})
    run = {
        row["_id"]: {corpus[i]["_id"]: float(own[i]) for i in np.argsort(-own, kind="stable")[:100]}
        for row, own in zip(queries, similar, strict=True)
    }
    ndcg = np.mean([found["ndcg_cut_10"] for found in evaluator.evaluate(run).values()])

    own = figures[figures["set"] == SET]
    published = own.groupby("method")[["recall@10", "ndcg@10"]].mean()
    assert ndcg == pytest.approx(published.loc["float", "ndcg@10"], abs=2e-3)
    bar = np.sort(similar, axis=1)[:, -10] - 1e-6

    def recall(matrix: np.ndarray) -> float:
        codes, asking = (rows @ matrix > 0 for rows in (documents, asked))
        bits = matrix.shape[1]
        agreeing = asking.astype(np.float32) @ codes.T.astype(np.float32)
        agreeing += (~asking).astype(np.float32) @ (~codes).T.astype(np.float32)
        found = np.argsort(bits - agreeing, axis=1, kind="stable")[:, :10]
        return float((np.take_along_axis(similar, found, axis=1) >= bar[:, None]).mean())

    assert recall(np.eye(256)) == pytest.approx(published.loc["sign", "recall@10"], abs=3e-3)
    drawn = [recall(np.random.Generator(np.random.PCG64(seed)).standard_normal((256, 256))) for seed in range(5)]
    assert np.mean(drawn) == pytest.approx(published.loc["binary256", "recall@10"], abs=3e-3)
