"""Every command of README, docs and `--help` is pasted as it stands, where the files of docs/examples.py lie."""

from __future__ import annotations

import json
import re
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from binbench.cli import VERBS, cli, main

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
#: What other tests and CI run: setting up, the tests themselves, asv and its guard, getting weights from the network.
ELSEWHERE = re.compile(
    r"make |python3 -m venv|pip install|\.venv/bin/python -m (pip|pytest)|python -m benchmarks|asv |git |docker |"
    r"python docs/examples\.py$|binbench weights "
)
#: Collections and campaigns of the same shape that take seconds: what is pasted stays as it is but for these words.
SMALLER = (
    (
        "classify --algorithm binary256,pq32 --dataset pydocs",
        "classify --algorithm binary256 --train train.tsv --test test.tsv",
    ),
    (
        "classify --algorithm binary256 --dataset pydocs",
        "classify --algorithm binary256 --train train.tsv --test test.tsv",
    ),
    ("--dataset pydocs", "--dataset scifact"),
    (
        "recommend --documents 10M --memory 1GB --recall 0.9",
        "recommend --documents 50k --recall 0.2 --algorithm float,int8",
    ),
    (
        "--documents 2M --measure ndcg-retention --quality 0.97 --max-latency 5ms",
        "--documents 50k --quality 0.2 --algorithm float,int8",
    ),
    ("--dataset my-folder", "--train docs.npy --queries queries.npy"),
    ("'pq*,binary*' --dataset", "'sign*' --dataset"),
    ("--algorithm float,int8,pq,binary --dataset", "--algorithm float,int8,pq8,binary64 --dataset"),
    ("--algorithm all ", "--algorithm float,int8,binary64 "),
    ("binbench plot", "binbench plot --kind build-time --format svg"),
    ("binbench demo", "binbench demo --dataset scifact"),
    (" offline", " small.yml"),
)
STUDY = """\
tiers:
  - {tier: 1, datasets: [scifact], encoders: [all-MiniLM-L6-v2], algorithms: [float, binary64]}
runs: 1
"""


def commands() -> list[tuple[str, str]]:
    """(page, command) of every shell block, without its comment, and of every example in a verb's help."""
    found = []
    for page in PAGES:
        blocks = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        lines = [line for language, block in blocks if language in ("", "sh") for line in block.splitlines()]
        found += [(page.name, line.partition("  #")[0].strip()) for line in lines if is_command(line)]
    for verb in VERBS:
        epilog = cli.get_command(click.Context(cli), verb).epilog or ""  # type: ignore[union-attr]
        found += [
            (f"{verb} --help", line.strip()) for line in epilog.splitlines() if line.strip().startswith("binbench ")
        ]
    return found


def is_command(line: str) -> bool:
    return re.match(r"(\.venv/bin/)?python3? |binbench |make |asv |git |docker ", line) is not None


def smaller(command: str) -> list[str]:
    """The arguments of `binbench` in `command`."""
    for words, others in SMALLER:
        command = command.replace(words, others)
    return shlex.split(command)[shlex.split(command).index("binbench") + 1 :]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the examples' files and collections called scifact and nfcorpus, of 260 texts each."""
    folder = tmp_path_factory.mktemp("pasted")
    for name in ("scifact", "nfcorpus"):
        (folder / "beir" / name / "qrels").mkdir(parents=True)
        texts = [
            {"_id": f"d{i}", "title": f"{name} {i}", "text": f"read file number {i} line by line"} for i in range(260)
        ]
        asked = [{"_id": f"q{i}", "text": f"file {i}"} for i in range(4)]
        for part, rows in (("corpus", texts), ("queries", asked)):
            held = "".join(json.dumps(row) + "\n" for row in rows)
            (folder / "beir" / name / f"{part}.jsonl").write_text(held, encoding="utf-8")
        judged = "".join(f"q{i}\td{i}\t1\n" for i in range(4))
        (folder / "beir" / name / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\n" + judged)
    (folder / "small.yml").write_text(STUDY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("BINBENCH_BEIR_DIR", str(folder / "beir"))
        patch.setenv("HF_HUB_OFFLINE", "1")
        for name in ("BINBENCH_DATA", "BINBENCH_RESULTS"):
            patch.delenv(name, raising=False)
        runpy.run_path(str(ROOT / "docs" / "examples.py"), run_name="__main__")
        for code in re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "own-data.md").read_text("utf-8"), re.DOTALL):
            exec(code, {})
        yield folder


def test_every_command_can_be_pasted(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pasted = {tuple(smaller(command)): where for where, command in commands() if not ELSEWHERE.match(command)}
    failed = {}
    for arguments, where in pasted.items():
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        if ended.value.code:
            failed[f"{where}: {shlex.join(arguments)}"] = capsys.readouterr().err.strip().splitlines()[-1:]
    assert failed == {}
    assert len(pasted) > 40


def test_every_verb_has_examples() -> None:
    assert [verb for verb in VERBS if not [where for where, _ in commands() if where == f"{verb} --help"]] == []


def test_the_box_runs_what_readme_says() -> None:
    box = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    made = re.findall(r"^make (\w+)", readme, re.MULTILINE)
    assert made == ["demo", "test"]
    # What it does unasked, and what its head names.
    assert 'CMD ["make", "demo"]' in box
    for command in re.findall(r"`(docker [^`]+)`", box):
        assert all(part in readme for part in command.split(" && "))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in made)
    assert re.search(r"^RUN make \.venv/\.test$", box, re.MULTILINE)
    assert re.search(r"^\$\(VENV\)/\.test:", makefile, re.MULTILINE)
