"""Who changes documents at the moment, so that the database's note of each change can be signed. Knows no request:
whoever begins a piece of work says who does it, and the inmost says it best."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

PROGRAM = "program"


@dataclass(frozen=True, slots=True)
class Author:
    """By which way, by whom, and what else is worth knowing, such as the name of a token."""

    how: str = PROGRAM
    user_id: int | None = None
    detail: str = ""


_author: ContextVar[Callable[[], Author]] = ContextVar("author", default=Author)


@contextmanager
def written_by(author: Callable[[], Author]) -> Iterator[None]:
    """Sign what the block changes; `author` is asked when there is something to sign."""
    token = _author.set(author)
    try:
        yield
    finally:
        _author.reset(token)


def present_author() -> Author:
    """Return who is at work; without anybody's word, a program."""
    return _author.get()()
