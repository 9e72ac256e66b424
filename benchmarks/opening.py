"""Opening results and starting every verb, in two checkouts by turns.

    python -m benchmarks.opening OTHER [ROUNDS]

prints the processor seconds of each in this checkout and in OTHER (the least of ROUNDS), and their ratio. The exit
status is 1 where this checkout takes more than a tenth longer: checks of what is read must not cost those who read.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
RESULTS = 1000
ALLOWED = 1.1
#: Less than this is noise of the clock.
GRAIN = 0.02
_READ = (
    "import pathlib, sys; from binbench.records.store import read; assert len(read(pathlib.Path(sys.argv[1]))) == {n}"
)


def seconds(checkout: Path, arguments: Sequence[str], folder: Path) -> float:
    """Processor seconds of one interpreter, started in `checkout`, with its data in `folder`."""
    environment = os.environ | {"BINBENCH_DATA": str(folder / "data"), "BINBENCH_RESULTS": str(folder / "results")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments], cwd=checkout, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=2
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def prepared(folder: Path, checkout: Path) -> None:
    """A set, and a thousand results in `folder`, made by `checkout`."""
    run = ["-m", "binbench", "run", "--dataset", "synthetic-2000x32", "--algorithm", "binary64", "--count", "10"]
    seconds(checkout, [*run, "--runs", "1"], folder)
    [made] = (folder / "results").rglob("binary64_*.hdf5")
    for seed in range(1, RESULTS - 1):
        shutil.copy(made, made.with_name(f"binary64_seed={seed}.hdf5"))
    (folder / "results" / ".records.json").unlink()


def cases(folder: Path) -> dict[str, list[str]]:
    """What is measured: the arguments of an interpreter."""
    from binbench.cli import VERBS

    verbs = {verb: ["-m", "binbench", verb, "--help"] for verb in VERBS}
    again = ["run", "--dataset", "synthetic-2000x32", "--algorithm", "binary64", "--count", "10", "--dry-run"]
    return {
        f"{RESULTS} results": ["-c", _READ.format(n=RESULTS), str(folder / "results")],
        "run --dry-run": ["-m", "binbench", *again],
        "list": ["-m", "binbench", "list"],
        **{f"{verb} --help": arguments for verb, arguments in verbs.items()},
    }


def main() -> None:
    """Compare, print, and exit with 1 where something takes more than a tenth longer."""
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    other, rounds = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 7
    slower = []
    with tempfile.TemporaryDirectory() as name:
        folders = {checkout: Path(name, place) for checkout, place in ((HERE, "here"), (other, "other"))}
        for checkout, folder in folders.items():
            prepared(folder, checkout)
        print(f"{'':20} {'here':>8} {'other':>8} {'ratio':>6}")
        for case in cases(folders[HERE]):
            if not (other / "binbench" / "cli" / f"{case.split()[0]}.py").is_file() and case.endswith("--help"):
                continue  # a verb that is new, or `list`, which is measured whole
            taken: dict[Path, list[float]] = {HERE: [], other: []}
            for turn in range(2 * rounds):
                checkout = (HERE, other)[turn % 2]
                taken[checkout].append(seconds(checkout, cases(folders[checkout])[case], folders[checkout]))
            here, there = (min(taken[checkout]) for checkout in (HERE, other))
            print(f"{case:20} {here:8.3f} {there:8.3f} {here / there:6.2f}", flush=True)
            if here > ALLOWED * there + GRAIN:
                slower.append(case)
    if slower:
        sys.exit(f"slower by more than a tenth: {', '.join(slower)}")


if __name__ == "__main__":
    main()
