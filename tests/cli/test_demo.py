"""`binbench demo` on a tiny collection."""

from __future__ import annotations

from commands import binbench, refused


def test_demo_shows_texts_on_a_terminal_and_in_files(collection_dir, tmp_path):
    common = ("demo", "--dataset", str(collection_dir), "--encoder", "lsa16", "--algorithm", "int8,binary64")
    done = binbench(
        *common, "--query", "kala kane", cwd=tmp_path, environment={"COLUMNS": "80", "OMP_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert "Query: kala kane" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "Over all 5 queries of tiny-lsa16 (30 texts)" in " ".join(done.stdout.split())
    assert "float" in done.stdout.splitlines()[2]
    done = binbench(*common, "--format", "html", "--output", "d.html", cwd=tmp_path)
    assert done.stdout.strip() == "d.html", done.stderr
    assert (tmp_path / "d.html").read_text().count("<table>") == 4  # three of its own queries, and the figures
    refused(binbench(*common, "--output", "x", cwd=tmp_path), "--format")
