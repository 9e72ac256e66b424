"""`binbench similarity` as a person types it."""

from __future__ import annotations

import json
from itertools import combinations

from commands import binbench, left, refused

WORDS = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen"]


def test_pairs(tmp_path):
    # Uneven enough that no two pairs are alike: rounding would rank them.
    seconds = [" ".join(WORDS[i % 8 :] + WORDS[: i * i % 5]) for i in range(28)]
    lines = [f"{i % 5}\t{a} {b}\t{b} {seconds[i]}" for i, (a, b) in enumerate(combinations(WORDS, 2))]
    (tmp_path / "pairs.tsv").write_text("score\tsentence1\tsentence2\n" + "\n".join(lines) + "\n")
    given = ("similarity", "--pairs", "pairs.tsv", "--encoder", "lsa4", "--json", "all.json")
    done = binbench(*given, "--algorithm", "float,binary64,pq2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pairs.tsv with lsa4")
    assert "100.00 / 100.00" in done.stdout
    distinct = len({sentence for line in lines for sentence in line.split("\t")[1:]})
    assert f"pq2: {distinct} documents are too few to train 256 centroids" in " ".join(done.stdout.split())
    rows = {row["name"]: row for row in json.loads((tmp_path / "all.json").read_text())}
    assert rows["float"]["figures"]["pairs"] == 28
    assert (rows["pq2"]["status"], rows["pq2"]["figures"]) == ("skipped", None)
    assert left(tmp_path / "data") == ["0000000000.npz", "manifest.json"]

    with open(tmp_path / "pairs.tsv", "a") as file:
        file.write('1\t"quoted\n')
    refused(binbench(*given, "--algorithm", "float", cwd=tmp_path), "pairs.tsv:30: expected 3 columns")
