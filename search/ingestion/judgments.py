"""Stores queries with their judgments, and carries them in a collection's bundle. Measures nothing.

Judgments name documents by external id, so that they fit wherever the documents are imported again.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from search.models import Collection, EvaluationQuery, EvaluationQuerySet, Judgment
from search.models.evaluation import HIGHEST_GRADE
from search.storable import storable

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

_AT_ONCE = 500
_ID_CHARS = 500
_COLUMN_OR_LINE_END = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")  # as str.splitlines does


class BadJudgments(ValueError):
    """The judgments cannot be taken in; the message says which and why."""


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """A query as another system or a file names it, with the grades of documents by their external id.

    `sources` says where a grade is from, by the same ids; imported where it does not.
    """

    external_id: str
    text: str
    grades: Mapping[str, int] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stored:
    """How many queries and judgments a call has written; those that were there already count, too."""

    queries: int
    judgments: int


def store(
    query_set: EvaluationQuerySet, queries: Iterable[JudgedQuery], *, by: "AbstractBaseUser | None" = None
) -> Stored:
    """Add queries with judgments to a set, or replace those of the same ids; what is not named stays.

    Raises BadJudgments, before anything of its batch is written.
    """
    stored = Stored(0, 0)
    waiting = iter(queries)
    while batch := list(islice(waiting, _AT_ONCE)):
        wanted = {_checked(query).external_id: query for query in batch}
        with transaction.atomic():
            ids = _store_queries(query_set, wanted.values())
            count = _store_judgments(ids, wanted.values(), by)
        stored = Stored(stored.queries + len(wanted), stored.judgments + count)
    return stored


def judge(
    query: EvaluationQuery,
    external_id: str,
    grade: int,
    *,
    by: "AbstractBaseUser | None" = None,
    source: str = Judgment.Source.HAND,
) -> Judgment:
    """Keep what somebody thinks of one document for one query; the newest word counts. Raises BadJudgments."""
    _check_grade(query.external_id, external_id, grade)
    values = {"grade": grade, "by_id": by.pk if by else None, "source": source, "at": timezone.now()}
    return Judgment.objects.update_or_create(query=query, external_id=storable(external_id), defaults=values)[0]


def forget(query: EvaluationQuery, external_id: str) -> None:
    """Take a judgment back; one that is not there is none."""
    Judgment.objects.filter(query=query, external_id=storable(external_id)).delete()


def jsonl(collection: Collection) -> Iterator[bytes]:
    """Yield the query sets of a collection as JSON Lines: a line for each set, then one for each of its queries."""
    for query_set in EvaluationQuerySet.objects.filter(collection=collection).order_by("name"):
        yield from lines_of(query_set)


def lines_of(query_set: EvaluationQuerySet) -> Iterator[bytes]:
    """Yield one query set as JSON Lines, as `take_in` reads them."""
    yield _line({
        "set": query_set.name,
        "description": query_set.description,
        "source": query_set.source,
        "guards_gate": query_set.guards_gate,
    })  # fmt: skip
    for query in _queries(query_set):
        judged = [
            {"document": item.external_id, "grade": item.grade, "source": item.source} for item in query.judgments.all()
        ]
        yield _line({"query": query.external_id, "text": query.text, "judgments": judged})


def qrels(query_set: EvaluationQuerySet) -> Iterator[str]:
    """Yield the judgments of a set as TREC's qrels, with tabs between: ids may have spaces.

    A tab or a line end in an id would make it another one, and is written as a space.
    """
    for query in _queries(query_set):
        for judgment in query.judgments.all():
            yield f"{_one_column(query.external_id)}\t0\t{_one_column(judgment.external_id)}\t{judgment.grade}\n"


def take_in(collection: Collection, lines: Iterable[bytes], *, by: "AbstractBaseUser | None" = None) -> Stored:
    """Store what `jsonl` has written, whole or not at all. Raises BadJudgments with the line's number."""
    stored = Stored(0, 0)
    with transaction.atomic():
        for query_set, queries in _sets(collection, lines):
            part = store(query_set, queries, by=by)
            stored = Stored(stored.queries + part.queries, stored.judgments + part.judgments)
    return stored


def _queries(query_set: EvaluationQuerySet) -> Iterator[EvaluationQuery]:
    return query_set.queries.order_by("pk").prefetch_related("judgments").iterator(_AT_ONCE)


def _one_column(external_id: str) -> str:
    return _COLUMN_OR_LINE_END.sub(" ", external_id)


def _sets(collection: Collection, lines: Iterable[bytes]) -> Iterator[tuple[EvaluationQuerySet, list[JudgedQuery]]]:
    query_set: EvaluationQuerySet | None = None
    queries: list[JudgedQuery] = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            if "set" in row:
                if query_set is not None:
                    yield query_set, queries
                query_set, queries = _read_set(collection, row), []
                continue
            queries.append(_read_query(row))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise BadJudgments(
                _("Line %(line)d of the judgments cannot be read: %(reason)s.") % {"line": number, "reason": error}
            ) from error
        if query_set is None:
            raise BadJudgments(_("Line %d of the judgments has a query before any set.") % number)
    if query_set is not None:
        yield query_set, queries


def _read_set(collection: Collection, row: Mapping[str, Any]) -> EvaluationQuerySet:
    guarded = EvaluationQuerySet.objects.filter(collection=collection, guards_gate=True).exists()
    guards = bool(row.get("guards_gate")) and not guarded
    source = str(row.get("source"))
    values = {
        "description": str(row.get("description", "")),
        "source": source if source in EvaluationQuerySet.Source.values else EvaluationQuerySet.Source.IMPORT,
        "guards_gate": guards,
    }
    name = storable(str(row["set"]))[:200]
    return EvaluationQuerySet.objects.get_or_create(collection=collection, name=name, defaults=values)[0]


def _read_query(row: Mapping[str, Any]) -> JudgedQuery:
    judgments = {str(item["document"]): item for item in row["judgments"]}
    return JudgedQuery(
        str(row["query"]),
        str(row["text"]),
        {document: item["grade"] for document, item in judgments.items()},
        {document: str(item.get("source")) for document, item in judgments.items()},
    )


def _checked(query: JudgedQuery) -> JudgedQuery:
    if not 0 < len(query.external_id) <= _ID_CHARS:
        raise BadJudgments(
            _("The id of the query %(text)r has %(given)d characters; it must have 1 to %(most)d.")
            % {"text": query.text[:80], "given": len(query.external_id), "most": _ID_CHARS}
        )
    if not query.text.strip():
        raise BadJudgments(_("Query %s has no text.") % query.external_id)
    for external_id, grade in query.grades.items():
        _check_grade(query.external_id, external_id, grade)
    return query


def _check_grade(query_id: str, external_id: str, grade: object) -> None:
    if not isinstance(grade, int) or isinstance(grade, bool) or not 0 <= grade <= HIGHEST_GRADE:
        raise BadJudgments(
            _("The grade of document %(document)s for query %(query)s is %(grade)r; it must be from 0 to %(most)d.")
            % {"document": external_id, "query": query_id, "grade": grade, "most": HIGHEST_GRADE}
        )
    if not 0 < len(external_id) <= _ID_CHARS:
        raise BadJudgments(
            _("A judgment for query %(query)s names a document by %(given)d characters; ids have 1 to %(most)d.")
            % {"query": query_id, "given": len(external_id), "most": _ID_CHARS}
        )


def _store_queries(query_set: EvaluationQuerySet, queries: Iterable[JudgedQuery]) -> dict[str, int]:
    """Return external id → id of the queries, now that they are there."""
    rows = [
        EvaluationQuery(query_set=query_set, external_id=storable(query.external_id), text=query.text)
        for query in queries
    ]
    EvaluationQuery.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["query_set", "external_id"], update_fields=["text"]
    )
    names = [row.external_id for row in rows]
    found = EvaluationQuery.objects.filter(query_set=query_set, external_id__in=names)
    return dict(found.values_list("external_id", "pk"))


def _store_judgments(ids: Mapping[str, int], queries: Iterable[JudgedQuery], by: "AbstractBaseUser | None") -> int:
    now = timezone.now()
    rows = {
        (query.external_id, storable(document)): Judgment(
            query_id=ids[storable(query.external_id)],
            external_id=storable(document),
            grade=grade,
            source=_source(query.sources.get(document)),
            by_id=by.pk if by else None,
            at=now,
        )
        for query in queries
        for document, grade in query.grades.items()
    }
    Judgment.objects.bulk_create(
        rows.values(),
        batch_size=_AT_ONCE,
        update_conflicts=True,
        unique_fields=["query", "external_id"],
        update_fields=["grade", "source", "by", "at"],
    )
    return len(rows)


def _source(given: str | None) -> str:
    return given if given in Judgment.Source.values else Judgment.Source.IMPORT


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"
