"""A damaged result costs its own row in every verb, and no stored text leads out of a folder or onto the terminal."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import h5py
import pytest
from commands import snapshot
from hostile.damages import BROKEN, TEXTS, WHOLE, flipped
from measured import Stored

from binbench.cli import main
from binbench.records.store import INDEX
from binbench.seal import seal
from binbench.texts import file_name, visible

VERBS = (
    *("table", "table --format latex", "table --iso-memory", "plot --format svg --kind build-time --output plots"),
    *("export --output x.csv", "export --format jsonl --output x.jsonl", "export --format parquet --output x.parquet"),
    *("export --format trec --output trec", "site public", "evaluate"),
)
SAMPLE = "small/20/pq/pq8_seed=0.hdf5"
HIDDEN = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def ended(verb: str, stored: Stored) -> object:
    """The exit status of `verb` on the results of `stored`."""
    with pytest.raises(SystemExit) as exit_:
        main([*verb.split(), "--results-dir", str(stored.results_dir), "--data-dir", str(stored.data_dir)])
    return exit_.value.code


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pages and exports go."""
    folder = tmp_path / "one" / "two" / "here"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def copies(stored: Stored, names: list[str]) -> dict[str, Path]:
    """A copy of one result for each of `names`."""
    found = {name: stored.results_dir / "small" / "20" / "pq" / f"{name}.hdf5" for name in names}
    for path in found.values():
        shutil.copy(stored.results_dir / SAMPLE, path)
    return found


@pytest.mark.parametrize("verb", VERBS)
def test_damage_costs_its_own_row(
    verb: str, stored: Stored, here: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for name, path in copies(stored, list(BROKEN)).items():
        BROKEN[name][0](path)
    assert ended(verb, stored) == 1
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    for name, (_, expected) in BROKEN.items():
        if name != "folder":
            lines = [line for line in (*told.err.splitlines(), *caplog.messages) if f"/{name}.hdf5" in line]
            assert len(lines) == 1, name
            assert expected in lines[0]
    shown = told.out + "".join(path.read_text() for path in here.rglob("*") if path.suffix in (".csv", ".jsonl"))
    assert "binary64" in shown or any(here.rglob("*binary64*")) or any(here.rglob("*.svg")) or "parquet" in verb


@pytest.mark.parametrize("verb", VERBS)
def test_what_can_be_computed_anew_is_no_damage(
    verb: str, stored: Stored, here: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name, path in copies(stored, list(WHOLE)).items():
        WHOLE[name](path)
    # One of the other results is a failure, which `evaluate` counts.
    assert ended(verb, stored) == (verb == "evaluate")
    assert not caplog.messages


def test_evaluate_mends_figures_and_comparisons(stored: Stored, here: Path) -> None:
    paths = copies(stored, ["contrasts-text", "figures-text"])
    for name, path in paths.items():
        WHOLE[name](path)
    ended("evaluate --force", stored)
    for path in paths.values():
        with h5py.File(path) as file:
            assert set(json.loads(file.attrs["contrasts"])) == {"recall@10", "ndcg@10"}


@pytest.mark.parametrize("member", ["neighbors", "tied_ids", "tied_offsets"])
def test_answers_that_the_set_does_not_have(
    member: str, stored: Stored, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = stored.results_dir / "small/20/binary-batch/binary64_seed=0.hdf5"
    with h5py.File(path, "r+") as file:
        file[member][2] = 400
    assert ended("evaluate --force", stored) == 1
    told = capsys.readouterr().err
    assert [line for line in told.splitlines() if "is damaged" in line] == [
        line for line in told.splitlines() if str(path) in line
    ]
    assert "Traceback" not in told
    if member == "neighbors":
        assert ended("export --format trec --output trec", stored) == 1
        assert not list(here.rglob("binary64*batch.run"))
        assert list(here.rglob("int8*batch.run"))


@pytest.mark.parametrize("member", ["neighbors", "times", "scores"])
def test_a_flipped_number_is_not_sealed_again(
    member: str, stored: Stored, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = stored.results_dir / "small/20/binary-batch/binary64_seed=0.hdf5"
    with h5py.File(path) as file:
        place = file[member].id.get_offset()
    flipped(path, place + 5, 1)
    damaged = path.read_bytes()
    assert ended("evaluate --force", stored) == 1
    [line] = [line for line in capsys.readouterr().err.splitlines() if "is damaged" in line]
    assert line.endswith(f"{path} is damaged: {member!r} is not what was written; delete it and run again")
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("verb", VERBS)
def test_no_stored_text_leads_out_or_hides(
    verb: str, stored: Stored, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, path in copies(stored, [f"text{number}" for number in range(len(TEXTS))]).items():
        text = TEXTS[int(number.removeprefix("text"))].replace("\0", "")
        with h5py.File(path, "r+") as file:
            for name in ("dataset", "algo", "name", "instance", "set_fingerprint", "distance", "scoring", "inputs"):
                file.attrs[name] = text
            file.attrs["facts"] = json.dumps({"notes": [TEXTS[int(number.removeprefix("text"))]]})
            file.attrs["origin"] = json.dumps({"dataset": text, "encoder": text, "source": text, "encoder_spec": text})
        seal(path)
    around = snapshot(stored.results_dir.parent.parent) | snapshot(stored.data_dir)
    ended(verb, stored)
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    assert not HIDDEN.search(told.out + told.err)
    now = snapshot(stored.results_dir.parent.parent) | snapshot(stored.data_dir)
    new = {path for path in now if path not in around and not path.startswith(str(here))}
    assert new <= {str(stored.results_dir / INDEX)}
    written = [path for path in here.rglob("*") if path.suffix in (".html", ".csv", ".jsonl")]
    assert not any(HIDDEN.search(path.read_text()) for path in written)
    assert not Path("/escaped").exists()


def test_names_of_files() -> None:
    names = [file_name(text) for text in TEXTS]
    assert len(set(names)) == len(TEXTS)
    for name in names:
        assert Path(name).name == name
        assert not name.startswith((".", "-", "~"))
        assert len(name.encode()) <= 200
    assert file_name("nfcorpus-all-MiniLM-L6-v2@10") == "nfcorpus-all-MiniLM-L6-v2@10"
    assert file_name("faiss:IVF64,SQ4 nprobe=4") == "faiss:IVF64,SQ4 nprobe=4"


def test_visible() -> None:
    assert visible("a\x1b[2J\r\n\u202eb\ud800\0é\t") == r"a\x1b[2J\r\n\u202eb\ud800\x00é\t"
    assert visible("a\nb", keep="\n") == "a\nb"
    assert visible(visible("\x9b")) == visible("\x9b") == r"\x9b"


def test_an_index_that_lies_hides_nothing(stored: Stored, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = stored.results_dir / INDEX
    index = json.loads(path.read_text())
    for held in index["files"].values():
        held["attributes"]["name"] = "\x1b[2J\u202e"
    path.write_text(json.dumps(index))
    assert ended("table --columns method", stored) == 0
    assert r"\x1b[2J\u202e" in capsys.readouterr().out
    for held in index["files"].values():
        held["attributes"]["origin"] = 7
    path.write_text(json.dumps(index))
    assert ended("table", stored) == 1
