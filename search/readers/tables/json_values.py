"""One JSON object out of its text, strictly: what two programs could read differently is an error here.

Refuses duplicate keys, NaN and Infinity, numbers beyond what can be held, and nesting that would exhaust a stack.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from search.readers.base import Limits, Record
from search.storable import storable, storable_json

from .rows import failed, row

_DEPTH = 50
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]|\\\\u(?:0000|[dD][89a-fA-F])")  # as such, or as an escape
_KINDS = {list: "a list", str: "a text", int: "a number", float: "a number", bool: "true or false", type(None): "null"}


class BadJson(ValueError):
    """The text is no JSON value that can be kept; the message says why."""


def parsed(text: str) -> Any:
    """Return the JSON value of a text, with nothing in it that cannot be stored. Raises BadJson."""
    try:
        value = _DECODER.decode(text)
    except BadJson:
        raise
    except RecursionError as error:
        raise BadJson(_TOO_DEEP) from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, character {error.colno}" if error.lineno > 1 else f"character {error.colno:,}"
        raise BadJson(f"It is not valid JSON at {place}: {error.msg}.") from error
    except ValueError as error:  # an integer of more digits than Python converts
        raise BadJson("A number in it has too many digits.") from error
    if text.count("[") + text.count("{") > _DEPTH:
        _refuse_too_deep(value)
    return storable_json(value) if _UNSTORABLE.search(text) else value


def record(number: int, text: str, limits: Limits) -> Record:
    """Return the record of the object that a text holds, or why there is none."""
    try:
        value = parsed(text)
    except BadJson as error:
        return failed(number, text, str(error), limits)
    if not isinstance(value, dict):
        kind = _KINDS[type(value)]
        return failed(number, text, f"It is {kind}; each document must be an object, written in {{ }}.", limits)
    if not value:
        return failed(number, text, "It is an object with nothing in it.", limits)
    if "" in value:
        return failed(number, text, "A key in it is empty.", limits)
    return row(number, value, storable(text), limits)


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise BadJson(f"The key “{storable(key[:100])}” is in it twice.")
            seen.add(key)
    return value


def _constant(name: str) -> NoReturn:
    raise BadJson(f"It holds {name}, which is not a JSON value. Use null or leave it out.")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise BadJson(f"The number {digits[:50]} is too large.")
    return number


def _refuse_too_deep(value: Any) -> None:
    level = [value]
    for _ in range(_DEPTH):
        level = [item for items in level for item in _inside(items) if isinstance(item, dict | list)]
        if not level:
            return
    raise BadJson(_TOO_DEEP)


def _inside(value: Any) -> Any:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


_TOO_DEEP = f"It is nested more than {_DEPTH} levels deep."
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_finite)
