"""Whether a set is still what its inputs would give: the contents of files and the versions of what read them."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from binbench.errors import UserError
from binbench.files import atomic, sha256_of

logger = logging.getLogger("binbench")

#: What each part of a set (``source``, ``encoder``) was made from, by the label that people see: a file or a
#: folder whose content counts, or, as text, a version.
Inputs = Mapping[str, Mapping[str, Path | str]]
#: The same with the sha256 of its bytes in place of each file; JSON values, stored in the set.
Contents = dict[str, dict[str, str]]

#: In the folder of sets: hashes of files by path, with what the files looked like then.
SEEN = ".inputs.json"
# A file that changed so shortly before it was looked at may change again without looking different.
_SETTLED_NS = 2_000_000_000


def contents(inputs: Inputs, data_dir: Path) -> Contents:
    """What `inputs` hold now; files that are not there are left out.

    A file is hashed where its size, times or inode differ from those that `data_dir` remembers, which are a quick look.

    Raises:
        UserError: a file cannot be read.
    """
    remembered = _remembered(data_dir)
    seen = {path: held for path, held in remembered.items() if Path(path).exists()}
    found = {
        part: {label: told for label, value in of.items() if (told := _content(value, seen)) is not None}
        for part, of in inputs.items()
    }
    if seen != remembered and data_dir.is_dir():
        try:
            with atomic(data_dir / SEEN) as temporary:
                temporary.write_text(json.dumps(seen))
        except UserError as error:
            logger.debug("hashes of files are not remembered: %s", error)
    return found


def changes(inputs: Inputs, attributes: Mapping[str, Any], made: Path) -> list[str]:
    """The labels of those `inputs` that changed since the set with `attributes` was `made`, at that path.

    Of a set that does not say what it was made from, texts count where its provenance tells their hash, and vectors,
    which are soon made anew, where their file is newer.
    """
    now, then = contents(inputs, made.parent), attributes.get("inputs") or {}
    if then:
        return [label for part, of in now.items() for label in of if of[label] != then.get(part, {}).get(label)]
    told = attributes["provenance"].get("sha256", {})
    return [
        label
        for label, path in inputs["source"].items()
        if isinstance(path, Path) and path.exists()
        if told.get(path.name, now["source"][label]) != now["source"][label]
        or ("encoder" not in inputs and path.stat().st_mtime > made.stat().st_mtime)
    ]


def _content(value: Path | str, seen: dict[str, list[Any]]) -> str | None:
    if isinstance(value, str):
        return value
    try:
        if value.is_dir():
            names = sorted(str(path.relative_to(value)) for path in value.rglob("*") if path.is_file())
            return hashlib.sha256(repr([(name, _hash(value / name, seen)) for name in names]).encode()).hexdigest()
        return _hash(value, seen)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f"cannot read {value}: {error.strerror}") from error


def _hash(path: Path, seen: dict[str, list[Any]]) -> str:
    path = path.resolve()
    state = path.stat()
    looks = [state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]
    held = seen.pop(str(path), None)
    digest: str = held[1] if held and held[0] == looks else sha256_of(path)
    if time.time_ns() - max(looks[1:3]) > _SETTLED_NS:
        seen[str(path)] = [looks, digest]
    return digest


def _remembered(data_dir: Path) -> dict[str, list[Any]]:
    try:
        held = json.loads((data_dir / SEEN).read_text())
        return {path: [looks, str(digest)] for path, (looks, digest) in held.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
