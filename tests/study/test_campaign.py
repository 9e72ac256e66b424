"""Campaign files: what is shipped, what is resolved, and mistakes to the line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from binbench.errors import UserError
from binbench.study.campaign import load_study, shipped

GOOD = """\
reference_device: H100
budgets:
  embedding_green: 5
tiers:
  - tier: 2
    datasets: [scifact]
    encoders: [lsa16]
    algorithms: [opq]
  - tier: 1
    datasets: [scifact, nfcorpus]
    encoders: [lsa16, e5-base-v2]
    algorithms: [float, binary]
"""


def write(folder: Path, text: str) -> str:
    path = folder / "c.yml"
    path.write_text(text)
    return str(path)


def test_tiers_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    found = load_study(write(tmp_path, GOOD))
    assert [tier.number for tier in found.tiers] == [1, 2]
    assert [p.path.name for p in found.preparations(found.tiers[0], tmp_path)] == [
        "scifact-lsa16.hdf5",
        "scifact-e5-base-v2.hdf5",
        "nfcorpus-lsa16.hdf5",
        "nfcorpus-e5-base-v2.hdf5",
    ]
    assert found.reference_device == "H100"
    assert found.budgets.embedding_green == 5
    assert found.budgets.study_cap == 65
    assert found.options(tmp_path).runs == 5


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("reference_device", "reference_devise", 1, "unknown key 'reference_devise'; did you mean reference_device"),
        ("embedding_green", "embeding_green", 3, "unknown key 'embeding_green'; did you mean embedding_green"),
        (
            "embedding_green: 5",
            "embedding_green: -5",
            3,
            "budgets.embedding_green: input should be greater than 0, not -5",
        ),
        ("    datasets: [scifact]", "    dataset: [scifact]", 6, "unknown key 'dataset'; did you mean datasets"),
        ("[lsa16]", "[]", 7, "tiers.0.encoders: tuple should have at least 1 item"),
        ("[opq]", "[opqq]", 8, "unknown algorithm 'opqq'"),
        ("[scifact, nfcorpus]", "[scifact, nfcropus]", 10, "unknown dataset 'nfcropus'"),
        ("e5-base-v2", "e5-base-v3", 11, "unknown encoder 'e5-base-v3'; did you mean e5-base-v2"),
        ("- tier: 2", "- tier: two", 5, "tiers.0.tier: input should be a valid integer, not 'two'"),
        ("    encoders: [lsa16]\n", "", 5, "tiers.0.encoders: field required"),
        ("    encoders: [lsa16]\n", "    encoders: [lsa16]\n    encoders: [lsa8]\n", 8, "encoders is given twice"),
        ("budgets:", "counts: [10]\nbudgets:", 2, "unknown key 'counts'"),
        ("budgets:", "seeds: [0, -1]\nbudgets:", 2, "seeds.1: input should be greater than or equal to 0, not -1"),
        ("[float, binary]", "[float, binary", 13, "not valid YAML"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(UserError) as caught:
        load_study(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_campaign_suggests_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean offline"):
        load_study("ofline")
    with pytest.raises(UserError, match="does not exist"):
        load_study("nowhere.yml")


def test_phase2_is_the_grid_of_the_study() -> None:
    found = load_study("phase2")
    first, second, third = found.tiers
    assert set(first.datasets) == {"msmarco-500k", "nq-500k", "scifact"}
    assert set(first.encoders) == {"all-MiniLM-L6-v2", "e5-base-v2"}
    assert {"float", "int8", "pq", "binary"} == set(first.algorithms)
    assert second.encoders == ("bge-large-en-v1.5",)
    assert set(second.datasets) == {"msmarco-500k", "scifact"}
    assert third.number == 3
    assert "H1" in found.hypotheses
    assert set(shipped()) == {"atlas", "phase2", "offline", "local-beir"}


def test_local_collections_are_those_of_the_folder(tmp_path: Path, collection_dir: Path) -> None:
    beir = tmp_path / "beir"
    for name in ("zeta", "alpha"):
        shutil.copytree(collection_dir, beir / name)
    (beir / "no-collection").mkdir()
    found = load_study("local-beir", beir)
    assert found.tiers[0].datasets == ("alpha", "zeta")
    assert found.preparations(found.tiers[0], tmp_path)[0].source.beir_dir == beir


def test_local_collections_need_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BINBENCH_BEIR_DIR", raising=False)
    with pytest.raises(UserError, match=r"local-beir.yml:\d+: .*needs --beir-dir or BINBENCH_BEIR_DIR"):
        load_study("local-beir")
    with pytest.raises(UserError, match="holds no collections"):
        load_study("local-beir", tmp_path)
