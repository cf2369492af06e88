"""Which of a collection's curation rules a query meets: by its words, by a pattern, or by its meaning.

Reads the rules as they are now, at each query, so that a saved rule holds at once. Changes no ranking (rules.py).
"""

import fnmatch
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache, partial
from typing import NamedTuple

from django.utils import timezone

from search.datatypes import Vectors
from search.embedding.base import EncoderUnavailable, EncodingFailed
from search.models import CurationRule, Document, IndexVersion
from search.models.curation import lines_of
from search.retrieval import beside
from search.retrieval.curation import rule_examples
from search.retrieval.curation.rules import Rule
from search.retrieval.query_vectors import query_vector

_ENCODED_AT_ONCE = 20  # examples; a query waits for no more
_EDGES = " \t\n.,;:!?¿¡…\"'“”„‘’«»"
_SPACES = re.compile(r"\s+")


class _Row(NamedTuple):
    """A rule as far as it has to be known at each query."""

    pk: int | None
    match: str
    queries: str
    similarity: float
    action: str
    external_id: str
    position: int
    strength: float

    @classmethod
    def of(cls, rule: CurationRule) -> "_Row":
        return cls(*(getattr(rule, name) for name in cls._fields))


@dataclass(frozen=True, slots=True)
class Meeting:
    """A rule that a query meets: by which of its lines, and how near where meaning decided."""

    row: _Row
    matched: str
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class _Trial:
    """A rule as it stands in a form, and the saved one that it stands for; no rule: without the saved one."""

    collection_id: int
    rule: CurationRule | None
    instead_of: int | None


_trial: ContextVar[_Trial | None] = ContextVar("curation_trial", default=None)


def rules_for(
    version: IndexVersion, text: str, vector: Vectors | None = None, *, at: datetime | None = None
) -> tuple[Rule, ...]:
    """Return the rules in force that the query `text` meets, the oldest first.

    `vector` is the query's, by the version's encoder; without one, rules of meaning are met by their own words only,
    and so they are for the moment after many of them have come at once.
    """
    rows = _in_force(version.collection_id, at or timezone.now())
    if not rows:
        return ()
    lines = _examples_of(rows)
    cosines: Mapping[str, float] = {}
    if vector is not None and lines:
        missing = rule_examples.missing(version, lines)
        if len(missing) > _ENCODED_AT_ONCE:
            beside.start(f"encoding the examples of {version}", partial(rule_examples.encode, version, missing))
        else:
            rule_examples.encode(version, missing)
        cosines = rule_examples.cosines(version, lines, vector)
    asked = normalised(text)
    met = [found for row in rows if (found := _met(row, asked, cosines)) is not None]
    return _about_documents(version.collection_id, met)


def meets(version: IndexVersion, rule: CurationRule, text: str) -> Meeting | None:
    """Return how a query meets a rule, saved or not, whatever its time; None when it does not."""
    row = _Row.of(rule)
    lines = _examples_of([row])
    cosines: Mapping[str, float] = {}
    try:
        vector = query_vector(version, text)
        rule_examples.encode(version, lines)
        cosines = rule_examples.cosines(version, lines, vector)
    except (EncoderUnavailable, EncodingFailed):
        pass  # by its words, then
    return _met(row, normalised(text), cosines)


@contextmanager
def trying(rule: CurationRule | None, *, collection_id: int, instead_of: int | None = None) -> Iterator[None]:
    """Let the searches within answer as if `rule` were saved in the place of rule `instead_of`; saves nothing."""
    token = _trial.set(_Trial(collection_id, rule, instead_of))
    try:
        yield
    finally:
        _trial.reset(token)


@lru_cache(maxsize=10_000)
def normalised(text: str) -> str:
    """Return a query without what makes no difference: case, width, spaces, and the marks at its ends."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _SPACES.sub(" ", folded).strip(_EDGES)


def warm_up(version: IndexVersion) -> None:
    """Encode the examples of a collection's rules before somebody waits for it."""
    rule_examples.encode(version, _examples_of(_in_force(version.collection_id, timezone.now())))


def _in_force(collection_id: int, at: datetime) -> list[_Row]:
    rules = CurationRule.objects.in_force(at).filter(collection=collection_id).order_by("pk")
    found = [_Row(*row) for row in rules.values_list(*_Row._fields)]
    trial = _trial.get()
    if trial is None or trial.collection_id != collection_id:
        return found
    others = [row for row in found if row.pk != trial.instead_of]
    return others if trial.rule is None else [*others, _Row.of(trial.rule)]


def _examples_of(rows: Sequence[_Row]) -> tuple[str, ...]:
    """Return every example of the rules of meaning, each once."""
    meant = (row for row in rows if row.match == CurationRule.Match.MEANING)
    return tuple(dict.fromkeys(line for row in meant for line in _lines(row.queries)))


@lru_cache(maxsize=10_000)
def _lines(queries: str) -> tuple[str, ...]:
    return tuple(lines_of(queries))


def _met(row: _Row, asked: str, cosines: Mapping[str, float]) -> Meeting | None:
    lines = _lines(row.queries)
    if row.match == CurationRule.Match.PATTERN:
        hit = next((line for line in lines if fnmatch.fnmatchcase(asked, _pattern(line))), "")
    else:
        hit = next((line for line in lines if normalised(line) == asked), "")
    if hit:
        return Meeting(row, hit)
    near = [line for line in lines if line in cosines] if row.match == CurationRule.Match.MEANING else []
    best = max(near, key=lambda line: cosines[line], default="")
    return Meeting(row, best, cosines[best]) if best and cosines[best] >= row.similarity else None


def _about_documents(collection_id: int, met: Sequence[Meeting]) -> tuple[Rule, ...]:
    """Return what was met as rules about documents; those whose document is not there do nothing."""
    if not met:
        return ()
    documents = Document.objects.filter(
        collection=collection_id, external_id__in={each.row.external_id for each in met}
    )
    ids = dict(documents.order_by().values_list("external_id", "pk"))
    return tuple(
        Rule(
            rule_id=each.row.pk or 0,
            action=each.row.action,
            document_id=ids[each.row.external_id],
            position=each.row.position,
            strength=each.row.strength,
            match=each.row.match,
            matched=each.matched,
            similarity=each.similarity,
        )
        for each in met
        if each.row.external_id in ids
    )


@lru_cache(maxsize=10_000)
def _pattern(line: str) -> str:
    """Return a curator's pattern with * and ? as wildcards and nothing else: brackets stand for themselves."""
    return normalised(line).replace("[", "[[]")
