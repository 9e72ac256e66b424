"""The model of options, and what is made from it: command line, campaigns, jobs, their names, what makes them stale."""

from __future__ import annotations

import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path

import click
import h5py
import pytest
from pydantic import ValidationError

from binbench.cli import main, options
from binbench.cli.run import command
from binbench.errors import UserError
from binbench.harness.config import load_campaign
from binbench.harness.jobs import Job
from binbench.harness.options import RunOptions, SetOptions
from binbench.harness.run import plan, run
from binbench.study.campaign import load_study

ROOT = Path(__file__).resolve().parents[2]
VARIABLES = ("BINBENCH_DATA", "BINBENCH_RESULTS", "BINBENCH_BEIR_DIR")


def parsed(monkeypatch: pytest.MonkeyPatch, *line: str) -> dict:
    """The parameters of `binbench run` after `line`."""
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    return command.make_context("run", list(line)).params


class TestCommandLine:
    def test_says_nothing_where_nothing_is_given(self, monkeypatch):
        chosen = parsed(monkeypatch)
        assert options.asked(RunOptions, chosen) == RunOptions()
        assert options.asked(SetOptions, chosen) == SetOptions()

    def test_gives_every_field(self, monkeypatch):
        line = "--count 7 --mode both --seed 3 --runs 2 --threads 4 --jobs 2 --timeout 1.5 --memory-limit 2G --force"
        line += " --plugin a.py --plugin a.py --plugin b.py --results-dir r --dataset scifact,pydocs --dataset scifact"
        line += (
            " --encoder lsa8,lsa16 --device cpu --precision bf16 --max-tokens 9 --split dev --beir-dir b --data-dir d"
        )
        chosen = parsed(monkeypatch, *line.split())
        assert options.asked(RunOptions, chosen) == RunOptions(
            counts=(7,),
            modes=("batch", "single"),
            seeds=(3,),
            runs=2,
            threads=4,
            jobs=2,
            timeout=1.5,
            memory_limit=2 * 1024**3,
            force=True,
            plugins=(Path("a.py"), Path("b.py")),
            results_dir=Path("r"),
        )
        assert options.asked(SetOptions, chosen) == SetOptions(
            datasets=("scifact", "pydocs"),
            encoders=("lsa8", "lsa16"),
            device="cpu",
            precision="bf16",
            max_tokens=9,
            split="dev",
            source_seed=3,
            beir_dir=Path("b"),
            data_dir=Path("d"),
        )

    def test_reads_the_environment(self, monkeypatch):
        for variable in VARIABLES:
            monkeypatch.setenv(variable, variable.lower())
        chosen = command.make_context("run", []).params
        assert options.asked(RunOptions, chosen).results_dir == Path("binbench_results")
        found = options.asked(SetOptions, chosen)
        assert (found.data_dir, found.beir_dir) == (Path("binbench_data"), Path("binbench_beir_dir"))

    def test_tells_the_limits(self, monkeypatch):
        for line in ("--runs 0", "--seed -1", "--timeout 0", "--threads 1.5", "--mode all", "--precision fp8"):
            with pytest.raises(click.BadParameter) as caught:
                parsed(monkeypatch, *line.split())
            assert caught.value.param.opts == line.split()[:1]

    def test_what_click_lets_through_is_one_line_too(self, monkeypatch):
        with pytest.raises(UserError, match="--timeout: input should be a finite number, not nan"):
            options.asked(RunOptions, parsed(monkeypatch, "--timeout", "nan"))


@pytest.mark.parametrize(
    "given",
    [
        {"runs": 2.0},
        {"runs": True},
        {"runs": 0},
        {"seeds": (True,)},
        {"seeds": (-1,)},
        {"seeds": ()},
        {"seeds": (1, 1)},
        {"modes": ("both",)},
        {"timeout": "60"},
        {"timeout": 0},
        {"memory_limit": 1.5},
        {"rums": 1},
    ],
    ids=str,
)
def test_slips_are_refused(given):
    with pytest.raises(ValidationError):
        RunOptions(**given)


def test_options_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        RunOptions().runs = 3


class TestCampaign:
    @pytest.fixture
    def campaign(self, tmp_path, small_set):
        def write(text: str) -> Path:
            path = tmp_path / "c.yml"
            path.write_text(f"datasets: [{small_set.path}]\nalgorithms: [sign]\n{text}")
            return path

        return write

    def test_is_what_the_command_line_would_be(self, campaign, monkeypatch, small_set, tmp_path):
        found = load_campaign(campaign("runs: 2\nthreads: 3\nseeds: [4]\nmax_tokens: 5\n"), {"data_dir": tmp_path})
        line = ["--runs", "2", "--threads", "3", "--seed", "4", "--max-tokens", "5", "--data-dir", str(tmp_path)]
        chosen = parsed(monkeypatch, *line, "--dataset", str(small_set.path))
        assert RunOptions(**found.shared(RunOptions)) == options.asked(RunOptions, chosen)
        # A file says the source's seed by itself.
        asked = options.asked(SetOptions, chosen | {"seed": 0})
        assert SetOptions(**found.shared(SetOptions)) == asked
        assert found.preparations() == asked.preparations()

    def test_resolved_copy_is_a_campaign_that_says_the_same(self, campaign, tmp_path):
        found = load_campaign(campaign("modes: [single]\n"), {"results_dir": tmp_path / "results"})
        again = load_campaign(found.store(), {"results_dir": tmp_path / "results"})
        assert again.model_copy(update={"path": found.path}) == found

    def test_keys_given_twice_further_down(self, tmp_path):
        path = tmp_path / "s.yml"
        path.write_text("tiers:\n  - datasets: [scifact]\n    encoders: [lsa8]\n    datasets: [pydocs]\n")
        with pytest.raises(UserError, match=r"s\.yml:4: datasets is given twice"):
            load_study(str(path))

    def test_a_file_that_holds_itself_is_refused(self, campaign):
        with pytest.raises(UserError, match=r"c\.yml:3: hypotheses\.0"):
            load_campaign(campaign("hypotheses: &all [*all]\n"), {})


def job(**changes) -> Job:
    given = {"set_path": "s", "set_name": "s", "set_fingerprint": "f", "instance": "fine", "count": 10}
    return Job(**given | changes)


class TestJob:
    @pytest.mark.parametrize(
        ("changes", "arguments", "file"),
        [
            ({}, {}, "results/s/10/fine-batch/fine_seed=0.hdf5"),
            ({"seed": 3, "mode": "single"}, {}, "results/s/10/fine/fine_seed=3.hdf5"),
            ({"seed": None}, {}, "results/s/10/fine-batch/fine_seed=0.hdf5"),
            ({"runs": 9}, {}, "results/s/10/fine-batch/fine_seed=0.hdf5"),
            ({"threads": 2}, {"b": 1, "a": "x"}, "results/s/10/fine-batch/fine_a=%22x%22_b=1_seed=0_threads=2.hdf5"),
        ],
    )
    def test_place(self, changes, arguments, file):
        assert job(**changes).path(arguments) == Path(file)

    @pytest.mark.parametrize(
        "changes",
        [{"set_fingerprint": "g"}, {"count": 11}, {"mode": "single"}, {"seed": 1}, {"runs": 9}, {"threads": 2}],
        ids=str,
    )
    def test_results_depend_on(self, changes):
        assert job(**changes).inputs({}) != job().inputs({})

    @pytest.mark.parametrize(
        "changes",
        [{"set_path": "t"}, {"results_dir": "r"}, {"parallel": 2}, {"hypotheses": ("H1",)}, {"command": "c"}],
        ids=str,
    )
    def test_results_do_not_depend_on(self, changes):
        assert job(**changes).inputs({}) == job().inputs({})


def tables(text: str) -> dict[str, list[str]]:
    """The methods below each title that `binbench table` prints."""
    found: dict[str, list[str]] = {}
    for block in text.strip().split("\n\n"):
        title, _, *rows = block.splitlines()
        found[title.strip()] = [row.split()[0] for row in rows]
    return found


def test_threads_stand_side_by_side_in_two_tables(preparation, plugins, tmp_path, capsys):
    results = tmp_path / "results"
    for threads in (1, 2):
        asked = RunOptions(counts=(10,), runs=1, threads=threads, results_dir=results, plugins=(plugins,))
        run([preparation], ["sign"], asked)
    assert {path.name for path in results.rglob("[!.]*.hdf5")} == {
        *("float_seed=0.hdf5", "float_seed=0_threads=2.hdf5"),
        *("sign_seed=0.hdf5", "sign_seed=0_threads=2.hdf5"),
    }
    with pytest.raises(SystemExit):
        main(["table", "--results-dir", str(results), "--format", "plain"])
    shape = "small: 400 documents × 16, 20 queries, k = 10, batch"
    assert tables(capsys.readouterr().out) == {
        f"{shape}, 1 thread": ["float", "sign"],
        f"{shape}, 2 threads": ["float", "sign"],
    }


class TestSeeds:
    def stored(self, results: Path) -> dict[str, tuple[int, bool, int]]:
        """File → stored seed, whether the method takes one, and when it was written."""
        found = {}
        for path in sorted(results.rglob("[!.]*.hdf5")):
            with h5py.File(path) as file:
                found[path.name] = int(file.attrs["seed"]), bool(file.attrs["seeded"]), path.stat().st_mtime_ns
        return found

    def test_a_method_without_one_is_measured_once(self, preparation, plugins, tmp_path):
        results = tmp_path / "results"
        asked = RunOptions(counts=(10,), runs=1, seeds=(0,), results_dir=results, plugins=(plugins,))
        run([preparation], ["fine"], asked)
        first = self.stored(results)
        run([preparation], ["fine"], asked.model_copy(update={"seeds": (1,)}))
        second = self.stored(results)
        assert list(first) == ["fine_seed=0.hdf5", "float_seed=0.hdf5"]
        assert list(second) == ["fine_seed=0.hdf5", "fine_seed=1.hdf5", "float_seed=0.hdf5"]
        assert second["fine_seed=1.hdf5"][:2] == (1, True)
        assert second["float_seed=0.hdf5"] == first["float_seed=0.hdf5"]
        assert first["float_seed=0.hdf5"][:2] == (0, False)

    def test_a_campaign_of_three_seeds_runs_it_once(self, small_set, tmp_path, capsys):
        path = tmp_path / "c.yml"
        path.write_text(f"datasets: [{small_set.path}]\nalgorithms: [float, binary64]\nseeds: [0, 1, 2]\nruns: 1\n")
        with pytest.raises(SystemExit) as ended:
            main(["run", "--config", str(path), "--results-dir", str(tmp_path / "results")])
        assert ended.value.code == 0
        assert list(self.stored(tmp_path / "results")) == [
            *("binary64_seed=0.hdf5", "binary64_seed=1.hdf5", "binary64_seed=2.hdf5", "float_seed=0.hdf5")
        ]
        (methods,) = tables(capsys.readouterr().out).values()
        assert methods == ["float", "binary64", "binary64", "binary64"]


def test_results_of_an_earlier_version_are_named_in_one_line_and_measured_anew(preparation, plugins, tmp_path, caplog):
    results = tmp_path / "results"
    asked = RunOptions(counts=(10,), runs=1, results_dir=results, plugins=(plugins,))
    run([preparation], ["fine"], asked)
    stamps = {}
    for path in results.rglob("[!.]*.hdf5"):
        with h5py.File(path, "r+") as file:
            file.attrs["schema_version"], file.attrs["inputs"] = 1, "of another recipe"
            del file.attrs["seeded"]
        stamps[path] = path.stat().st_mtime_ns
    with caplog.at_level(logging.INFO, "binbench"):
        run([preparation], ["fine"], asked)
        run([preparation], ["fine"], asked)
    told = [record.getMessage() for record in caplog.records if "earlier" in record.getMessage()]
    assert told == ["2 results are of an earlier version of binbench: measured anew"]
    assert all(path.stat().st_mtime_ns != stamp for path, stamp in stamps.items())


def test_a_damaged_result_is_not_called_an_earlier_version(preparation, plugins, tmp_path):
    asked = RunOptions(counts=(10,), runs=1, results_dir=tmp_path / "results", plugins=(plugins,))
    (record,) = run([preparation], ["float"], asked).records
    with h5py.File(record.path, "r+") as file:
        del file.attrs["algo"]
    ((_, planned),) = plan([preparation], ["float"], asked)
    assert [one.state for one in planned] == ["stale"]


NEW = '    patience: Count | None = Field(default=None, description="How long to wait.")\n'
SCRIPT = """
import json, sys
from pathlib import Path
from binbench.harness.config import load_campaign
from binbench.harness.jobs import Job
from binbench.harness.options import RunOptions
from binbench.study.campaign import load_study

given = {"set_path": "s", "set_name": "s", "set_fingerprint": "f", "instance": "float", "count": 10}
jobs = [Job(**asked.conditions(), **given) for asked in (RunOptions(), RunOptions(patience=3))]
print(json.dumps({
    "campaign": load_campaign(Path("c.yml"), {}).patience,
    "study": load_study("s.yml").options(Path("r")).patience,
    "jobs": [json.loads(job.to_json())["patience"] for job in jobs],
    "there and back": [Job.from_json(job.to_json()) == job for job in jobs],
    "places": [str(job.path({})) for job in jobs],
    "inputs": [job.inputs({}) for job in jobs],
}))
"""


def test_an_option_is_added_in_one_place(tmp_path, small_set):
    """One field of `Conditions`, in a copy of the checkout, and nothing else."""
    for name in ("binbench", "algorithms", "datasets"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    file = tmp_path / "binbench" / "harness" / "options.py"
    head, threads, rest = file.read_text().partition("    threads: Count")
    line, end, rest = rest.partition("\n")
    file.write_text(head + threads + line + end + NEW + rest)
    (tmp_path / "c.yml").write_text(f"datasets: [{small_set.path}]\nalgorithms: [float]\npatience: 3\n")
    tier = f"{{datasets: [{small_set.path}], encoders: [lsa8], algorithms: [float]}}"
    (tmp_path / "s.yml").write_text(f"patience: 4\ntiers: [{tier}]\n")

    def there(*arguments: str) -> str:
        done = subprocess.run([sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    shown = " ".join(there("-m", "binbench", "run", "--help").split())
    assert "--patience INTEGER RANGE How long to wait. [1<=x<=2147483647]" in shown
    found = json.loads(there("-c", SCRIPT))
    assert (found["campaign"], found["study"]) == (3, 4)
    assert found["jobs"] == [None, 3]
    assert found["there and back"] == [True, True]
    stem = "results/s/10/float-batch/float_seed=0"
    assert found["places"] == [f"{stem}.hdf5", f"{stem}_patience=3.hdf5"]
    # Not asked for, it leaves what was measured before the option was there as good as it was.
    assert found["inputs"][0] == job(instance="float").inputs({})
    assert found["inputs"][1] != found["inputs"][0]
