from __future__ import annotations

import hashlib
import io
import logging
import os
import shutil
import stat
import threading
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from binbench import UserError
from binbench.sets.download import fetch_zip

NOISE = os.urandom(300_000)


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for member, data in members:
            file.writestr(member, data)
    return buffer.getvalue()


PETS = zipped(("pets/", b""), ("pets/corpus.jsonl", NOISE), ("pets/qrels/test.tsv", b"x"), ("__MACOSX/pets", b""))


@dataclass
class Server:
    """What the server serves and how, and what it was asked.

    Attributes:
        break_after: bytes after which the next answers break off, one for each.
        honours_range: whether a part may be asked for.
        statuses: HTTP statuses to answer with first.
        length: what it says how long its answers are; None for what is true.
    """

    url: str = ""
    data: bytes = PETS
    break_after: list[int] = field(default_factory=list)
    honours_range: bool = True
    statuses: list[int] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)
    length: str | None = None


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    served = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked = self.headers.get("Range")
            served.ranges.append(asked)
            if served.statuses:
                self.send_error(served.statuses.pop(0))
                return
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and served.honours_range else 0
            if start >= len(served.data):
                self.send_error(416)
                return
            body = served.data[start:]
            self.send_response(206 if asked and served.honours_range else 200)
            self.send_header("Content-Length", served.length or str(len(body)))
            if asked and served.honours_range:
                self.send_header("Content-Range", f"bytes {start}-{len(served.data) - 1}/{len(served.data)}")
            self.end_headers()
            self.wfile.write(body[: served.break_after.pop(0)] if served.break_after else body)

        def log_message(self, *arguments):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    served.url = f"http://127.0.0.1:{httpd.server_port}/pets.zip"
    yield served
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def fetch(server: Server, target: Path, size: int | None = None) -> Path:
    return fetch_zip(server.url, target, hashlib.md5(server.data).hexdigest(), size, backoff=0)


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".pets.lock"}


@pytest.mark.parametrize("size", [None, len(PETS)])
def test_fetches_once(server, tmp_path, size):
    target = tmp_path / "beir" / "pets"
    assert fetch(server, target, size) == target
    assert (target / "corpus.jsonl").read_bytes() == NOISE
    assert (target / "qrels" / "test.tsv").read_bytes() == b"x"
    assert left_in(target.parent) == {"pets"}
    fetch(server, target, size)
    assert server.ranges == [None]


@pytest.mark.parametrize("length", ["abc", "-5"])
def test_a_length_that_is_none_tells_nothing(server, tmp_path, length):
    server.length = length
    assert (fetch(server, tmp_path / "pets") / "corpus.jsonl").read_bytes() == NOISE


def test_goes_on_where_it_broke_off(server, tmp_path):
    server.break_after = [100_000, 50_000]
    target = fetch(server, tmp_path / "pets")
    assert (target / "corpus.jsonl").read_bytes() == NOISE
    assert server.ranges == [None, "bytes=100000-", "bytes=150000-"]


def test_goes_on_with_what_an_earlier_process_left(server, tmp_path):
    (tmp_path / "pets.zip.part").write_bytes(PETS[:1234])
    fetch(server, tmp_path / "pets", len(PETS))
    assert server.ranges == ["bytes=1234-"]


def test_a_whole_part_is_not_fetched_again(server, tmp_path):
    (tmp_path / "pets.zip.part").write_bytes(PETS)
    fetch(server, tmp_path / "pets", len(PETS))
    assert server.ranges == []


def test_starts_again_where_the_server_knows_no_ranges(server, tmp_path):
    server.honours_range = False
    server.break_after = [100_000]
    target = fetch(server, tmp_path / "pets")
    assert (target / "corpus.jsonl").read_bytes() == NOISE
    assert server.ranges == [None, "bytes=100000-"]


def test_starts_again_after_a_part_that_is_too_long(server, tmp_path):
    for size in (None, len(PETS)):
        (tmp_path / "pets.zip.part").write_bytes(PETS + b"more")
        shutil.rmtree(fetch(server, tmp_path / "pets", size))
    assert server.ranges == [f"bytes={len(PETS) + 4}-", None, None]


def test_passing_faults_are_tried_again(server, tmp_path, caplog):
    server.statuses = [503, 429, 500]
    with caplog.at_level(logging.INFO, "binbench"):
        fetch(server, tmp_path / "pets")
    assert "HTTP status 503; trying again" in caplog.text
    assert len(server.ranges) == 4


def test_gives_up_on_a_server_that_always_breaks_off(server, tmp_path):
    server.break_after = [1000] + [0] * 20
    with pytest.raises(UserError, match=r"cannot download .*broke off after 1,000 of .*--beir-dir FOLDER"):
        fetch(server, tmp_path / "pets")
    assert len(server.ranges) == 5
    assert (tmp_path / "pets.zip.part").read_bytes() == PETS[:1000], "kept for the next attempt"


def test_a_file_that_is_not_there(server, tmp_path):
    server.statuses = [404]
    with pytest.raises(UserError, match=r"HTTP status 404.*BINBENCH_BEIR_DIR"):
        fetch(server, tmp_path / "pets")
    assert len(server.ranges) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/pets.zip", "file:///etc/pets.zip"])
def test_no_server(tmp_path, url, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(UserError, match=r"cannot download .*as FOLDER/pets and give --beir-dir FOLDER") as caught:
        fetch_zip(url, tmp_path / "pets", "0" * 32, backoff=0)
    assert "\n" not in str(caught.value)


def test_another_file_is_removed(server, tmp_path):
    with pytest.raises(UserError, match=f"not the published file .md5 {hashlib.md5(PETS).hexdigest()}, not 0000"):
        fetch_zip(server.url, tmp_path / "pets", "0" * 32, backoff=0)
    assert left_in(tmp_path) == set()


def test_a_file_of_another_size_is_not_even_fetched(server, tmp_path):
    with pytest.raises(UserError, match="not the published 1,000,000"):
        fetch(server, tmp_path / "pets", 1_000_000)
    assert not (tmp_path / "pets").exists()


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "member",
    ["pets/../../escaped", "../escaped", "/tmp/escaped", "pets\\..\\..\\escaped", "C:/escaped", link("pets/escaped")],
    ids=str,
)
def test_unsafe_zip_files_are_refused_whole(server, tmp_path, member):
    server.data = zipped(("pets/corpus.jsonl", b"fine"), (member, b"/etc/passwd"))
    with pytest.raises(UserError, match="not safe to unpack"):
        fetch(server, tmp_path / "a" / "pets")
    assert not list(tmp_path.rglob("escaped"))
    assert not (tmp_path / "a" / "pets").exists()


@pytest.mark.parametrize(
    ("data", "message"), [(b"<html>sorry</html>", "cannot be unpacked"), (zipped(("other/x", b"")), "no folder pets/")]
)
def test_files_that_are_no_such_collection(server, tmp_path, data, message):
    server.data = data
    with pytest.raises(UserError, match=message):
        fetch(server, tmp_path / "pets")
    assert left_in(tmp_path) == {"pets.zip.part"}


def test_a_damaged_member_leaves_nothing_unpacked(server, tmp_path):
    position = PETS.index(NOISE[1000:1016])
    server.data = PETS[:position] + bytes(16) + PETS[position + 16 :]
    with pytest.raises(UserError, match="cannot be unpacked"):
        fetch(server, tmp_path / "pets")
    assert left_in(tmp_path) == {"pets.zip.part"}


def test_a_full_disk_is_noticed_before_the_download(server, tmp_path, monkeypatch):
    usage = shutil._ntuple_diskusage(10**12, 10**12 - 1_000_000, 1_000_000)
    monkeypatch.setattr("binbench.sets.download.shutil.disk_usage", lambda folder: usage)
    with pytest.raises(UserError, match=r"not enough disk .*BINBENCH_CACHE"):
        fetch(server, tmp_path / "pets", len(PETS))
    assert server.ranges == []


def test_a_zip_bomb_is_not_unpacked(server, tmp_path, monkeypatch):
    server.data = zipped(("pets/corpus.jsonl", bytes(50_000_000)))
    usage = shutil._ntuple_diskusage(10**12, 10**12 - 1_000_000, 1_000_000)
    monkeypatch.setattr("binbench.sets.download.shutil.disk_usage", lambda folder: usage)
    with pytest.raises(UserError, match="not enough disk to unpack"):
        fetch(server, tmp_path / "pets", len(server.data))
    assert left_in(tmp_path) == {"pets.zip.part"}


def test_what_a_killed_process_left_unpacked_is_no_hindrance(server, tmp_path):
    (tmp_path / ".pets.unpacking" / "pets").mkdir(parents=True)
    (tmp_path / ".pets.unpacking" / "pets" / "stale").touch()
    assert not (fetch(server, tmp_path / "pets") / "stale").exists()


def test_two_at_once_fetch_once(server, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(lambda _: fetch(server, tmp_path / "pets"), range(4)))
    assert set(folders) == {tmp_path / "pets"}
    assert server.ranges == [None]


def test_a_cache_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        fetch(server, tmp_path / "file" / "pets")
