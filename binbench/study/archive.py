"""The results behind a report, in one file beside it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from binbench.files import atomic, sha256_of
from binbench.records.rows import Row
from binbench.report.export import write_parquet
from binbench.study.study import Study

FILE = "results.parquet"


@dataclass(frozen=True)
class Archive:
    """A file of results: its name, how many it holds, and its sha256."""

    file: str
    results: int
    sha256: str


def archive(study: Study) -> Archive:
    """Write every good result of the campaign, all columns, and the file's sha256 as `sha256sum` checks it."""
    held = [same for entry in study.sets for method in (entry.records, entry.singles) for same in method.values()]
    rows = [Row(record, os.path.relpath(record.path, study.results_dir)) for same in held for record in same]
    path = study.folder / FILE
    write_parquet(rows, path)
    found = Archive(FILE, len(rows), sha256_of(path))
    with atomic(path.with_suffix(".sha256")) as temporary:
        temporary.write_text(f"{found.sha256}  {FILE}\n", encoding="utf-8")
    return found
