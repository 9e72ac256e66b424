"""Jobs in a cgroup of their own, in a made-up tree of folders that stands for the kernel's."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from binbench.harness import cgroup
from binbench.harness.supervise import supervise

LIMIT = 200 << 20
MIB = 1 << 20


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The group that this process is in: ``/user/session``, of which it may make others."""
    (tmp_path / "own").write_text("4:memory:/elsewhere\n0::/user/session\n")
    folder = tmp_path / "user" / "session"
    folder.mkdir(parents=True)
    (folder / "cgroup.subtree_control").write_text("cpu memory pids\n")
    (folder.parent / "cgroup.subtree_control").write_text("cpu\n")
    monkeypatch.setattr(cgroup, "ROOT", tmp_path)
    monkeypatch.setattr(cgroup, "OWN", tmp_path / "own")
    return folder


def told(own: Path, megabytes: int) -> Callable[[], list[int]]:
    """A job that holds 300 MiB, of which the kernel says that they are so many."""

    def work() -> list[int]:
        [group] = own.glob("binbench-*")
        halves = f"anon {megabytes * MIB // 2}\nfile 999999999999\nshmem {megabytes * MIB // 4}\n"
        (group / "memory.swap.current").write_text(f"{megabytes * MIB // 4}\n")
        (group / "memory.stat").write_text(halves)
        held = bytearray(300 * MIB)
        time.sleep(0.4)
        return [len(held)]

    return work


@pytest.mark.parametrize(("megabytes", "status"), [(40, "ok"), (260, "out-of-memory")])
def test_the_kernel_s_account_decides(own: Path, megabytes: int, status: str) -> None:
    ending = supervise(told(own, megabytes), timeout=60, memory_limit=LIMIT)
    assert ending.status == status, ending
    [group] = own.glob("binbench-*")  # which the kernel would let go of, files and all
    assert int((group / "cgroup.procs").read_text()) > 1


def test_a_group_of_its_own_each_time_and_none_left(own: Path) -> None:
    first, second = (cgroup.Group(1) for _ in range(2))
    assert first.path != second.path
    for group in (first, second):
        (group.path / "cgroup.procs").unlink()
        group.remove()
    assert not list(own.glob("binbench-*"))


def test_beside_its_own(own: Path) -> None:
    (own / "cgroup.subtree_control").write_text("")
    (own.parent / "cgroup.subtree_control").write_text("memory\n")
    assert cgroup.Group(1).path.parent == own.parent


@pytest.mark.parametrize("hindrance", ["no account", "read-only", "no v2", "no cgroups", "no entry"])
def test_elsewhere_processes_are_summed(own: Path, hindrance: str, monkeypatch: pytest.MonkeyPatch) -> None:
    match hindrance:
        case "no account":
            (own / "cgroup.subtree_control").write_text("cpu\n")
        case "no v2":
            cgroup.OWN.write_text("4:memory:/elsewhere\n")
        case "no cgroups":
            cgroup.OWN.unlink()
        case "read-only" | "no entry":
            refused = {"read-only": "mkdir", "no entry": "write_text"}[hindrance]

            def refuse(path: Path, *_: object) -> None:
                raise PermissionError(f"{refused} {path}")

            monkeypatch.setattr(Path, refused, refuse)
    with pytest.raises(OSError, match=r"no cgroup|mkdir|write_text|No such file"):
        cgroup.Group(1)
    ending = supervise(
        lambda: [len(held := bytearray(300 * MIB)), time.sleep(0.5), len(held)], timeout=60, memory_limit=LIMIT
    )
    assert (ending.status, ending.reason) == ("out-of-memory", "held more than 200 MiB")
    assert not list(own.parent.rglob("binbench-*"))
