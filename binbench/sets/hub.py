"""The hub's mirror of BEIR's collections, for when their own host does not answer."""

from __future__ import annotations

import gzip
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock

from binbench.errors import UserError
from binbench.files import whole_folder, writing

#: Who has the collections on the hub; ``$BINBENCH_BEIR_HUB`` names another, or a local folder in the same layout.
OWNER = "BeIR"
#: In a collection that came from a mirror: JSON, which one.
ORIGIN = "mirror.json"


def fetch_mirrored(name: str, target: Path) -> Path:
    """Bring the collection `name` from the hub to the folder `target` in BEIR's own layout, whole or not at all.

    On the hub a collection is two datasets: ``BeIR/NAME`` has the texts, as the original JSON lines compressed or as
    Parquet below ``corpus/`` and ``queries/``, and ``BeIR/NAME-qrels`` the judgements. A folder that exists is left as
    it is.

    Raises:
        UserError: the mirror has no such collection, does not answer, or is damaged.
    """
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    with writing(target), FileLock(target.parent / f".{name}.lock"):
        if target.is_dir():
            return target
        texts, judgements = (_snapshot(dataset) for dataset in (name, f"{name}-qrels"))
        with whole_folder(target) as folder:
            (folder / "qrels").mkdir()
            for part in ("corpus", "queries"):
                _write_lines(texts, part, folder / f"{part}.jsonl")
            splits = sorted(judgements.glob("*.tsv"))
            if not splits:
                raise UserError(f"{judgements} holds no judgements (*.tsv)")
            for file in splits:
                shutil.copy(file, folder / "qrels" / file.name)
            origin = {"mirror": f"{_owner()}/{name}", "revision": texts.name}
            (folder / ORIGIN).write_text(json.dumps(origin))
    return target


def origin_of(folder: Path) -> dict[str, str]:
    """Which mirror the collection in `folder` came from, and at which revision; nothing where from none."""
    file = folder / ORIGIN
    found: dict[str, str] = json.loads(file.read_text()) if file.is_file() else {}
    return found


def _owner() -> str:
    return os.environ.get("BINBENCH_BEIR_HUB", OWNER)


def _snapshot(dataset: str) -> Path:
    """The files of a dataset of the mirror, on disk."""
    local = Path(_owner()).expanduser()
    if local.is_dir() or local.is_absolute():
        if not (local / dataset).is_dir():
            raise UserError(f"the mirror {local} has no {dataset}")
        return local / dataset
    from huggingface_hub import snapshot_download

    wanted = [f"{part}{ending}" for part in ("corpus", "queries") for ending in (".jsonl*", "/*.parquet")]
    try:
        return Path(snapshot_download(f"{_owner()}/{dataset}", repo_type="dataset", allow_patterns=[*wanted, "*.tsv"]))
    # The hub's client raises errors of a dozen libraries' making, and they differ between its versions.
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise UserError(f"the hub's {_owner()}/{dataset} is not to be had: {reason}") from error


def _write_lines(dataset: Path, part: str, target: Path) -> None:
    """The `part` (``corpus`` or ``queries``) of a mirrored `dataset` as JSON lines."""
    packed, plain = dataset / f"{part}.jsonl.gz", dataset / f"{part}.jsonl"
    tables = sorted((dataset / part).glob("*.parquet"))
    if not (packed.is_file() or plain.is_file() or tables):
        raise UserError(f"{dataset} holds no {part}.jsonl.gz and no {part}/*.parquet")
    with open(target, "wb") as lines:
        if tables:
            lines.writelines(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in _rows(tables))
            return
        try:
            with gzip.open(packed) if packed.is_file() else open(plain, "rb") as source:
                shutil.copyfileobj(source, lines)
        except (gzip.BadGzipFile, EOFError) as error:
            raise UserError(f"{packed} is damaged: {error}") from error


def _rows(tables: list[Path]) -> Iterator[dict[str, Any]]:
    """The records of Parquet files, without what differs from record to record (`metadata`)."""
    import pyarrow.parquet

    from binbench.sets.parquet_vectors import BATCH_ROWS, reading

    for table in tables:
        with reading(table), pyarrow.parquet.ParquetFile(table) as file:
            columns = [name for name in ("_id", "title", "text") if name in file.schema_arrow.names]
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=columns):
                yield from batch.to_pylist()
