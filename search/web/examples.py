"""Queries to begin with, taken from the collection itself: a title that reads like words, or a first sentence.

Chooses from documents that the visitor may see, spread over the whole collection, and always the same ones,
so that the start page is calm. Never reads more than the beginning of a text.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db.models import Max, Min
from django.db.models.functions import Substr

from search.models import Collection, Document

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

HOW_MANY = 4
_LOOKED_AT = 60
_BEGINNING_CHARS = 200
_MIN_WORDS, _MAX_WORDS, _MAX_CHARS = 3, 9, 64
_SENTENCE_END = re.compile(r"(?<=[.!?])\s|\n\s*\n")
_NOT_PROSE = re.compile(r"[()\[\]{}<>=_*`|\\/@#$%^&~+]|->|\d{3,}|\w\.\w")


def example_queries(collection: Collection, user: "AbstractBaseUser | AnonymousUser | None") -> tuple[str, ...]:
    """Return up to HOW_MANY queries that this collection can answer; fewer or none where no text lends itself."""
    visible = Document.objects.visible_to(user).filter(collection=collection).order_by("id")
    ends = visible.aggregate(first=Min("id"), last=Max("id"))
    if ends["first"] is None:
        return ()
    step = max(1, (ends["last"] - ends["first"]) // _LOOKED_AT)
    ids = range(ends["first"], ends["last"] + 1, step)
    texts = visible.filter(id__in=list(ids)).values_list("title", Substr("body", 1, _BEGINNING_CHARS))
    queries = dict.fromkeys(query for title, body in texts if (query := as_query(title, body)))
    return _spread(list(queries))


def as_query(title: str, body: str) -> str:
    """Return the title or the body's first sentence as something a person might ask, or "" if neither will do."""
    first_sentence = _SENTENCE_END.split(body.strip(), maxsplit=1)[0]
    for text in (title, first_sentence):
        words = " ".join(text.split()).rstrip(".!?:;")
        is_short = _MIN_WORDS <= len(words.split()) <= _MAX_WORDS and len(words) <= _MAX_CHARS
        if is_short and not _NOT_PROSE.search(words):
            return words
    return ""


def _spread(queries: Iterable[str]) -> tuple[str, ...]:
    every = list(queries)
    step = max(1, len(every) // HOW_MANY)
    return tuple(every[::step][:HOW_MANY])
