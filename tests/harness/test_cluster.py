"""A real cluster of processes: what it leaves is what one machine leaves, also when workers die or see other data."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import registered_meanwhile
from measured import job, make_set
from processes import runs

from binbench import cluster as clusters
from binbench.cluster import connected, current
from binbench.errors import UserError
from binbench.harness.options import RunOptions
from binbench.harness.pool import Stopped
from binbench.harness.remote import RemoteServer
from binbench.harness.run import Outcome, run
from binbench.plugins.registry import load_file
from binbench.sets.encoders import EncoderOptions
from binbench.sets.neighbors import nearest
from binbench.sets.prepare import Preparation

distributed = pytest.importorskip("distributed")

PLUGIN = '''
import os, signal, time
from pathlib import Path

import numpy as np

import binbench
from binbench.plugins.registry import ALGORITHMS

HERE = Path(__file__).parent


def once(name, pid):
    """Kill `pid` where the file `name` waits to be the occasion."""
    try:
        (HERE / name).rename(HERE / f"{name}-done")
    except FileNotFoundError:
        return
    os.kill(pid, signal.SIGKILL)
    time.sleep(60)


@binbench.register_dataset("rhymes", labels=lambda identifier: identifier, seeded=False)
def rhymes(options: binbench.SourceOptions) -> binbench.Collection:
    """1,300 lines: three shards."""
    rng = np.random.Generator(np.random.PCG64(1))
    words = np.array([a + b for a in "bdfgklmn" for b in "aeiou"])
    texts = [" ".join(rng.choice(words, rng.integers(3, 9))) for _ in range(1300)]
    ids = [f"r{i}" for i in range(1300)]
    qrels = np.array([(i, 7 * i, 1) for i in range(20)], np.int32)
    return binbench.Collection("rhymes", "test", ids, texts, [f"q{i}" for i in range(20)], texts[:20], qrels)


@binbench.register_encoder("letters", dimension=13)
class Letters(binbench.Encoder):
    """How often a text has a letter."""

    def encode(self, texts, kind):
        once("kill-while-encoding", os.getpid())
        counts = [[1 + text.count(letter) for letter in "abdefgiklmnou"] for text in texts]
        rows = np.array(counts, np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@binbench.register("deadly")
class Deadly(ALGORITHMS.get("float").family.plugin):
    """Exhaustive search, by which a worker dies once."""

    def fit(self, train):
        server = os.getppid()
        worker = int(Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[1])
        once("kill-while-measuring", worker)
        super().fit(train)


@binbench.register("endless")
class Endless(ALGORITHMS.get("float").family.plugin):
    """Never done."""

    def fit(self, train):
        (HERE / "pid").write_text(str(os.getpid()))
        time.sleep(600)
'''


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("cluster") / "plugin.py"
    path.write_text(PLUGIN)
    with registered_meanwhile():
        load_file(path)
        yield path


@pytest.fixture(scope="module")
def address(plugin: Path) -> Iterator[str]:
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, resources={"binbench": 1}, dashboard_address=":0"
    ) as here:
        yield here.scheduler_address


def measured(folder: Path, plugin: Path, dataset: str = "rhymes", algorithm: str = "deadly") -> Outcome:
    options = RunOptions(results_dir=folder / "results", plugins=(plugin,), runs=1, counts=(20,))
    preparation = Preparation(dataset, EncoderOptions("letters"), data_dir=folder / "data")
    return run([preparation], [algorithm], options)


def arrays(path: Path) -> dict[str, np.ndarray]:
    with h5py.File(path) as file:
        return {name: file[name][:] for name in file if name not in ("times", "repeat_seconds", "latencies")}


def test_what_a_cluster_leaves_is_what_one_machine_leaves(address: str, plugin: Path, tmp_path: Path) -> None:
    here = measured(tmp_path / "here", plugin)
    for occasion in ("kill-while-encoding", "kill-while-measuring"):
        (plugin.parent / occasion).touch()
    with connected(address):
        there = measured(tmp_path / "there", plugin)
    # Two workers died on the way, one with a shard and one with a job.
    assert {path.name for path in plugin.parent.glob("kill-*")} == {
        "kill-while-encoding-done",
        "kill-while-measuring-done",
    }
    assert [record.status for record in there.records] == ["ok", "ok"]
    files = [
        sorted(path.relative_to(tmp_path / at) for path in (tmp_path / at).rglob("*.hdf5")) for at in ("here", "there")
    ]
    assert files[0] == files[1]
    assert len(files[0]) == 3
    for path in files[0]:
        ours, theirs = arrays(tmp_path / "here" / path), arrays(tmp_path / "there" / path)
        assert ours.keys() == theirs.keys()
        for name, array in ours.items():
            np.testing.assert_array_equal(array, theirs[name], err_msg=f"{path}: {name}")
    assert [one.inputs for one in here.records] == [one.inputs for one in there.records]
    assert all(record.provenance["machine"]["cpu"] for record in there.records)
    with connected(address):
        again = measured(tmp_path / "there", plugin)
    assert [one.provenance["date"] for one in again.records] == [one.provenance["date"] for one in there.records]


def test_a_worker_that_cannot_see_the_set_costs_its_own_job(
    address: str, plugin: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    embeddings = make_set(tmp_path / "data" / "small.hdf5")
    # The second goes the way that s3:// goes, through a copy on the worker.
    for url in (f"file://{tmp_path}/data", f"local://{tmp_path}/data"):
        with connected(address, data=url):
            outcome = measured(tmp_path, plugin, str(embeddings.path), "float")
        assert [record.status for record in outcome.records] == ["ok"]
        shutil.rmtree(tmp_path / "results")
    with connected(address, data="nosuch://data"):
        (failed,) = measured(tmp_path, plugin, str(embeddings.path), "float").records
    assert "cannot read nosuch://data/small.hdf5: Protocol not known: nosuch" in failed.reason
    shutil.rmtree(tmp_path / "results")
    with connected(address, data="/nowhere/data"):
        (failed,) = measured(tmp_path, plugin, str(embeddings.path), "float").records
        made = make_set(tmp_path / "other" / "small.hdf5", seed=4)
    assert failed.status == "failed"
    assert failed.reason.startswith("a worker on ")
    assert "/nowhere/data/small.hdf5 does not exist" in failed.reason
    # The neighbours of the new set were searched here, and it says so.
    assert "exact neighbours were searched here: a worker on " in caplog.text
    np.testing.assert_array_equal(made.neighbors, nearest([made.train], made.test, 100)[0])
    with connected(address, data=str(tmp_path / "other")):
        (other,) = measured(tmp_path, plugin, str(embeddings.path), "float").records
    assert other.status == "failed"
    assert "other/small.hdf5 holds other vectors there" in other.reason


def test_what_is_taken_back_ends_there(address: str, plugin: Path, tmp_path: Path) -> None:
    embeddings = make_set(tmp_path / "small.hdf5")
    asked = job(embeddings, tmp_path / "results", "endless").model_copy(update={"plugins": (plugin,)})
    with connected(address):
        cluster = current()
        assert cluster is not None
        server, ends = RemoteServer(cluster, 1), []

        def perform() -> None:
            with pytest.raises(Stopped):
                server.perform(asked, None, None)
            ends.append(True)

        waiting = threading.Thread(target=perform)
        waiting.start()
        while not (plugin.parent / "pid").exists():
            time.sleep(0.05)
        server.stop()
        waiting.join(10)
        assert ends
        assert not runs(int((plugin.parent / "pid").read_text()), patience=15)
        with pytest.raises(UserError, match="no such number"):
            list(cluster.each(refuse, [(1,), (2,)]))
    assert current() is None
    assert not list(tmp_path.rglob("endless*.hdf5"))


@pytest.mark.parametrize("local", [False, True], ids=["scheduler", "local:2"])
def test_an_interrupt_takes_back_what_was_handed_out(local: bool, address: str, plugin: Path, tmp_path: Path) -> None:
    started = plugin.parent / "pid"
    started.unlink(missing_ok=True)
    asked = ["--dataset", "synthetic-1000x16", "--algorithm", "endless", "--count", "10", "--plugin", str(plugin)]
    process = subprocess.Popen(
        [sys.executable, "-m", "binbench", "run", *asked, "--cluster", "local:2" if local else address],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while not (started.exists() and list(tmp_path.rglob("float*.hdf5"))):
        assert process.poll() is None
        time.sleep(0.05)
    # As a terminal does it: to the command and whatever it has started.
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert said.splitlines()[-1] == "binbench: interrupted after 1 of 2 jobs; the same command goes on with the rest"
    assert "Traceback" not in said
    assert "distributed" not in said
    assert not runs(int(started.read_text()), patience=15)
    (kept,) = tmp_path.glob("results/**/*.hdf5")
    assert arrays(kept)["neighbors"].shape == (1000, 10)
    with distributed.Client(address, set_as_default=False) as client:
        assert client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.tasks)) == []


def refuse(number: int) -> None:
    raise UserError("no such number")


def test_other_versions_are_refused_unless_allowed(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(clusters, "versions", lambda: {"binbench": "0", "numpy": "0.9", "faiss-cpu": "1"})
    with (
        pytest.raises(UserError, match=r"worker tcp.* has .*numpy .* \(here 0\.9\); --allow-versions"),
        connected(address),
    ):
        pass
    with connected(address, allow_versions=True):
        assert "(here 0.9)" in caplog.text
    with pytest.raises(UserError, match="no Dask scheduler answers there, nor is it local:N"), connected("nowhere"):
        pass


def test_a_worker_that_joins_late_with_other_versions_gets_no_work(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = tmp_path / "numpy-0.9.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 0.9\n")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    command = [sys.executable, "-m", "distributed.cli.dask_worker", "--no-nanny", "--resources=binbench=1"]

    def slowly(number: int) -> str:
        time.sleep(0.2)
        return str(distributed.get_worker().address)

    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, resources={"binbench": 1}, dashboard_address=":0"
        ) as here,
        connected(here.scheduler_address),
    ):
        cluster = current()
        assert cluster is not None
        (first,) = cluster.client.nthreads()
        late = subprocess.Popen([*command, here.scheduler_address], env=environment, stderr=subprocess.DEVNULL)
        try:
            cluster.client.wait_for_workers(2, timeout=30)
            found = dict(cluster.each(slowly, [(number,) for number in range(6)]))
        finally:
            late.terminate()
    assert found == dict.fromkeys(range(6), first)
    (told,) = [record.getMessage() for record in caplog.records if "gets no work" in record.getMessage()]
    assert "has numpy 0.9 (here " in told
    assert first not in told
