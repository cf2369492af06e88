"""What any database and any tokenizer can take of a Python string: no NUL, no lone surrogates.

PostgreSQL refuses U+0000, and a lone surrogate cannot be encoded at all. Both come in with real files, and
losing a document for one of them helps nobody: NUL becomes a space, a lone surrogate U+FFFD. Lengths stay
the same, so character offsets are not moved.
"""

import re
from typing import Any

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """Return `text` with each NUL replaced by a space and each lone surrogate by U+FFFD; same length."""
    if not _UNSTORABLE.search(text):
        return text
    return _UNSTORABLE.sub(lambda match: " " if match[0] == "\x00" else "\ufffd", text)


def storable_json(value: Any) -> Any:
    """Return a JSON value with `storable` applied to every string in it, keys included."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable_json(key): storable_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable_json(item) for item in value]
    return value
