"""Texts that others wrote (plugins, libraries, files), fit to be stored and shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: Characters of a message; a text that says more is cut.
LIMIT = 1000
#: What changes how a text around it is shown, or cannot be stored: C0, C1, marks of direction, separators, surrogates.
_HIDDEN = re.compile("[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
#: The same in JSON's escapes.
_ESCAPED = re.compile(r"\\(?:[bfnrt]|u(?:00[0189]|007[fF]|061|20[0-6]|[fF][eE]|[dD][89a-fA-F]))")
#: What names of files are made of beside letters and digits.
_SAFE = "._-+@=:, ()"
#: Bytes of such a name, with room for an ending.
_LONGEST = 200


def visible(text: str, keep: str = "") -> str:
    r"""`text` with what is hidden written out, as ``\x1b`` or ``\u202e``; the characters of `keep` stay as they are.

    The result can be encoded and, where nothing is kept, stands in one line; it is its own visible form.
    """
    if text.isascii() and text.isprintable():
        return text
    return _HIDDEN.sub(lambda found: found[0] if found[0] in keep else ascii(found[0])[1:-1], text)


def message(text: object, first_line: bool = False) -> str:
    """What `text`, say an error, has to say: visible, in one line, and cut where it is very long."""
    try:
        told = str(text).strip()
    except BaseException as error:  # whatever a plugin's own text does
        told = f"a text that raises {type(error).__name__}"
    if first_line:
        told = told.partition("\n")[0]
    told = visible(told[: 2 * LIMIT])
    return told if len(told) <= LIMIT else f"{told[: LIMIT - 1]}…"


def cleaned(value: Any) -> Any:
    """The JSON `value` with every text in it visible."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, Mapping):
        return {cleaned(key): cleaned(one) for key, one in value.items()}
    return [cleaned(one) for one in value] if isinstance(value, list | tuple) else value


def hides(json_text: str) -> bool:
    """Whether texts in `json_text` may hold something that is not visible; quick, and never wrong about a no."""
    return not json_text.isascii() or "\x7f" in json_text or _ESCAPED.search(json_text) is not None


def file_name(text: object) -> str:
    """A name for a file or folder from a stored `text`: one part of a path, different for different texts."""
    letters = [c if c.isalnum() or c in _SAFE else _quoted(c) for c in str(text)] or ["%"]
    # No hidden file, no way up, nothing to be taken for an option.
    if letters[0] in "._- ":
        letters[0] = _quoted(letters[0])
    name = "".join(letters)
    if len(name.encode()) <= _LONGEST:
        return name
    from hashlib import sha256

    return f"{name[:40]}-{sha256(name.encode()).hexdigest()[:24]}"


def _quoted(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode(errors="backslashreplace"))
