"""What it costs to make a set of vectors that come in a file: `python -m benchmarks.vector_files`.

Writes made-up vectors in a format, makes a set of them by `binbench prepare` in a process of its own, and prints that
process' peak of memory and time. The peak should stay under 1 GB however many there are.
"""

from __future__ import annotations

import argparse
import os
import struct
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing import Process
from pathlib import Path

import numpy as np

from binbench.sets.vector_files import ENDINGS

BLOCK = 16384


def blocks(count: int, dimension: int) -> Iterator[np.ndarray]:
    """(count, dimension) float32 standard normals, in blocks."""
    random = np.random.Generator(np.random.PCG64(0))
    for start in range(0, count, BLOCK):
        yield random.standard_normal((min(BLOCK, count - start), dimension), dtype=np.float32)


def write(path: Path, count: int, dimension: int) -> None:
    """Made-up vectors in the format that the ending of `path` names; Parquet as its writer cuts it, with ids."""
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        # One row group of all rows, the worst that a reader can meet.
        rows = np.concatenate(list(blocks(count, dimension)))
        column = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), dimension)
        ids = pa.array(f"document-{row}" for row in range(count))
        pq.write_table(pa.table({"id": ids, "vector": column}), path, row_group_size=count)
        return
    kinds = {".u8bin": np.uint8, ".bvecs": np.uint8, ".i8bin": np.int8}
    kind = np.dtype(kinds.get(path.suffix, np.float32))
    if path.suffix == ".npy":
        rows = np.lib.format.open_memmap(path, "w+", kind, (count, dimension))
        for start, block in zip(range(0, count, BLOCK), blocks(count, dimension), strict=True):
            rows[start : start + BLOCK] = block
        return
    if path.suffix in (".hdf5", ".h5"):
        import h5py

        with h5py.File(path, "w") as file:
            train = file.create_dataset("train", (count, dimension), "f4", chunks=(1024, dimension), compression="gzip")
            for start, block in zip(range(0, count, BLOCK), blocks(count, dimension), strict=True):
                train[start : start + BLOCK] = block
            file["test"] = block[:10]
        return
    with open(path, "wb") as file:
        if path.suffix == ".safetensors":
            size = 4 * count * dimension
            text = f'{{"vector":{{"dtype":"F32","shape":[{count},{dimension}],"data_offsets":[0,{size}]}}}}'.encode()
            file.write(struct.pack("<Q", len(text)) + text)
        elif not path.suffix.endswith("vecs"):
            file.write(struct.pack("<II", count, dimension))
        for block in blocks(count, dimension):
            if kind != np.float32:
                block = np.clip(np.rint(32 * block) + (128 if kind == np.uint8 else 0), *_ends(kind))
            if path.suffix.endswith("vecs"):
                rows = np.empty(len(block), [("dimension", "<i4"), ("vector", kind, (dimension,))])
                rows["dimension"], rows["vector"] = dimension, block
                file.write(rows.tobytes())
            else:
                file.write(block.astype(kind).tobytes())


def _ends(kind: np.dtype) -> tuple[int, int]:
    return np.iinfo(kind).min, np.iinfo(kind).max


def prepared(path: Path, held_out: int) -> tuple[int, float]:
    """The peak of memory (bytes) and seconds of making a set of `path`."""
    command = ["prepare", "--train", str(path), "--hold-out", str(held_out), "--data-dir", str(path.parent / "data")]
    start = time.perf_counter()
    child = os.posix_spawn(sys.executable, [sys.executable, "-m", "binbench", *command], os.environ)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"binbench {' '.join(command)} failed")
    return usage.ru_maxrss * 1024, time.perf_counter() - start


def main() -> None:
    """Measure the formats asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dimension", type=int, default=768)
    parser.add_argument("--hold-out", type=int, default=1000)
    parser.add_argument("--format", nargs="*", choices=ENDINGS, default=[e for e in ENDINGS if e != ".h5"])
    chosen = parser.parse_args()
    for ending in chosen.format:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"vectors{ending}")
            # Apart, because a new process' peak begins with what the one that starts it holds.
            writer = Process(target=write, args=(path, chosen.rows, chosen.dimension))
            writer.start()
            writer.join()
            peak, seconds = prepared(path, chosen.hold_out)
            print(
                f"{ending:12} {path.stat().st_size / 1e9:6.2f} GB  peak {peak / 1e6:6.0f} MB  {seconds:6.1f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()
