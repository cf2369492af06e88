"""How a call is written in a title: parameter names and plain defaults, the same on every machine.

Annotations are left out, and a default that has no short literal (an object, a path, the environment) is
shown as `...`, so that a title never shows the state of the machine that made it.
"""

import enum
import inspect
import re
from typing import Any

MAX_CHARS = 160


def signature_of(value: Any, kind: str, name: str, doc: str) -> str:
    """Return "(iterable, key=None)" for a class, function or method.

    Where nobody knows the parameters it is "(...)", or nothing for a class, which people write without a call.
    """
    raw = value.__func__ if isinstance(value, classmethod | staticmethod) else value
    try:
        signature = inspect.signature(raw)
    except (ValueError, TypeError, AttributeError):
        return _from_first_line(name, doc) or ("" if kind in ("class", "exception") else "(...)")
    parameters = list(signature.parameters.values())
    takes_self = kind == "method" and not isinstance(value, staticmethod) and not inspect.ismethod(raw)
    if takes_self and parameters and parameters[0].kind in _POSITIONAL:
        parameters = parameters[1:]
    plain = [_plain(parameter) for parameter in parameters]
    return _shortened(str(signature.replace(parameters=plain, return_annotation=inspect.Signature.empty)))


_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class _Shown:
    """Prints as the given text where `inspect` prints a default."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _plain(parameter: inspect.Parameter) -> inspect.Parameter:
    parameter = parameter.replace(annotation=inspect.Parameter.empty)
    if parameter.default is inspect.Parameter.empty:
        return parameter
    return parameter.replace(default=_Shown(_default(parameter.default)))


def _default(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, str | bytes | int | float | complex | None) and len(repr(value)) <= 30:
        return repr(value) if "/" not in str(value)[1:] else "..."
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_default, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, list | dict) and not value:
        return repr(value)
    return value.__name__ if inspect.isclass(value) else "..."


def _from_first_line(name: str, doc: str) -> str:
    """Take the call from a docstring that begins with it, as those of C code do: "D.update([E, ]**F) -> None"."""
    leaf = re.escape(name.rpartition(".")[2])
    match = re.match(rf"(?:\w+\.)?{leaf}(\([^()\n]*\))", doc)
    return _shortened(match[1]) if match else ""


def _shortened(text: str) -> str:
    if len(text) <= MAX_CHARS:
        return text
    return text[:MAX_CHARS].rpartition(",")[0] + ", ...)"
