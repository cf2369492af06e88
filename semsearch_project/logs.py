"""What a log line looks like: one line each, readable or as JSON, with what is known of the request or task.

Unless texts are wanted, nothing that people search for and no document gets into a line: an exception that is not our
own is named by its class, because its message may quote what it stumbled over; addresses lose their query strings; and
whoever logs passes counts and ids. Line ends cannot be smuggled in: they are written as \\n.
"""

import json
import logging
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

_context: ContextVar[Mapping[str, Any] | None] = ContextVar("log_context", default=None)
_ESCAPES = {code: repr(chr(code))[1:-1] for code in (*range(32), 127, 0x85, 0x2028, 0x2029)}


@contextmanager
def known(**fields: Any) -> Iterator[None]:
    """Give every line that is written inside these fields, in this thread."""
    token = _context.set({**context(), **fields})
    try:
        yield
    finally:
        _context.reset(token)


def context() -> Mapping[str, Any]:
    """Return the fields that lines have here."""
    return _context.get() or {}


def is_no_sweep(record: logging.LogRecord) -> bool:
    """Tell whether a line is worth writing: that the sweep of every half minute comes and goes well is not."""
    about = record.args if isinstance(record.args, Mapping) else {}
    return record.levelno > logging.INFO or about.get("name") != "search.sweep"


def described(error: BaseException) -> str:
    """Return an exception without what it may quote: ours and the system's with their words, others by their class."""
    name = type(error).__name__
    if isinstance(error, OSError) and error.strerror:
        return f"{name}: {error.strerror}"
    return f"{name}: {error}" if type(error).__module__.startswith("search.") else name


class Lines(logging.Formatter):
    """Lines for people: time, level, logger, message, then what is known. With `texts`, exceptions in full."""

    def __init__(self, *, texts: bool = False) -> None:
        super().__init__()
        self.texts = texts

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and below it the traceback of an exception, indented."""
        fields = " ".join(f"{name}={value}" for name, value in self.fields(record).items())
        line = f"{_time(record):%Y-%m-%d %H:%M:%S} {record.levelname} {record.name}: {self.message(record)} {fields}"
        frames = "".join(f"\n    {_one_line(frame)}" for frame in self.trace(record))
        return _one_line(line.rstrip()) + frames

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return what is known where the record was made, and what it says itself."""
        return {**context(), **getattr(record, "fields", {})}

    def message(self, record: logging.LogRecord) -> str:
        """Return the message; a record that does not fit its arguments says so instead of failing."""
        try:
            return str(record.msg) % self._arguments(record.args) if record.args else str(record.msg)
        except (TypeError, ValueError, KeyError):
            return f"A line of {record.pathname}:{record.lineno} does not fit its arguments."

    def trace(self, record: logging.LogRecord) -> list[str]:
        """Return where an exception happened and what it was, the innermost place last."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is None:
            return []
        if self.texts:
            return "".join(traceback.format_exception(error)).splitlines()
        places = traceback.extract_tb(error.__traceback__)
        return [*(f"{place.filename}:{place.lineno} {place.name}" for place in places), described(error)]

    def _arguments(self, given: Any) -> Any:
        if self.texts:
            return given
        if isinstance(given, Mapping):  # Celery's: the task's name, and its exception and arguments as text
            return {name: "…" if name in _CELERY_TEXTS else _safe(value) for name, value in given.items()}
        return tuple(_safe(value) for value in given)


class JsonLines(Lines):
    """The same as one JSON object each."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object."""
        line = {
            "time": _time(record).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.message(record),
            **self.fields(record),
        }
        if trace := self.trace(record):
            line["exception"] = trace
        return json.dumps(line, default=str)


_CELERY_TEXTS = frozenset({"exc", "traceback", "args", "kwargs", "return_value"})


def _safe(value: Any) -> Any:
    if isinstance(value, BaseException):
        return described(value)
    if isinstance(value, str) and "?" in value and (value.startswith("/") or "://" in value):
        return value.partition("?")[0]
    return value


def _one_line(text: str) -> str:
    return text.translate(_ESCAPES)


def _time(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)
