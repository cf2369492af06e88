"""What people may mean while they type: titles of documents and past queries that found something.

A title comes from a document that the asker may see. A past query is offered only where it was asked three times or
more (the log does not know by whom), its best result is a document that the asker may see, and each of its words stands
in documents that the asker may see: neither what is hidden nor what somebody typed by mistake, a password for example,
is hinted at by how others asked.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django.db.models import Count, Q

from search.datatypes import Hit
from search.models import IndexVersion, SearchLog
from search.retrieval.open_index import open_version
from search.retrieval.query_language import parse
from search.retrieval.visible_hits import best_visible, visible_chunks, visible_documents

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from search.models.corpus import DocumentQuerySet

_WORD = re.compile(r"\w+")
_TITLES_READ = 20_000  # of larger collections, titles are looked for by the lexical index alone
_CHUNKS = 200
_CHUNKS_OF_A_WORD = 20
_TITLE_WEIGHT = 10.0
_ASKED_OFTEN = 3
_QUERIES_READ = 50


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something to search for; `document_id` is given for a title."""

    text: str
    kind: Literal["title", "query"]
    document_id: int | None = None


def suggestions(
    version: IndexVersion, typed: str, *, user: "AbstractBaseUser | AnonymousUser | None", k: int = 8
) -> tuple[Suggestion, ...]:
    """Return up to `k` things to search for: first what begins as was typed, then what has words that begin so."""
    words = _words(typed)
    if not words:
        return ()
    visible = visible_documents(version, user)
    titles = _titles(version, typed, words, visible, k)
    queries = _queries(version, words, visible, k)
    found = [*_beginning(titles, typed), *_beginning(queries, typed), *titles, *queries]
    unlike: dict[str, Suggestion] = {}
    for each in found:
        unlike.setdefault(each.text.casefold(), each)
    return tuple(unlike.values())[:k]


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _has(text: str, words: Sequence[str]) -> bool:
    """Tell whether a text has all words, the last of which may be unfinished."""
    there = _words(text)
    return all(word in there for word in words[:-1]) and any(word.startswith(words[-1]) for word in there)


def _beginning(found: Iterable[Suggestion], typed: str) -> list[Suggestion]:
    begin = typed.strip().casefold()
    return [each for each in found if each.text.casefold().startswith(begin)]


def _titles(
    version: IndexVersion, typed: str, words: Sequence[str], visible: "DocumentQuerySet", k: int
) -> list[Suggestion]:
    found: dict[int, str] = {}
    if version.documents <= _TITLES_READ:
        beginning = visible.filter(title__istartswith=typed.strip()).order_by("title", "pk")
        found |= dict(beginning.values_list("pk", "title")[:k])
    found |= _titles_by_words(version, typed, words, visible)
    return [Suggestion(title, "title", pk) for pk, title in found.items()]


def _titles_by_words(
    version: IndexVersion, typed: str, words: Sequence[str], visible: "DocumentQuerySet"
) -> dict[int, str]:
    """Return the titles that have the words typed, by the lexical index, best first."""
    opened = open_version(version)
    if opened.lexical is None:
        return {}
    parsed = parse(" ".join(words), lambda name: False)
    query = opened.lexical.query(parsed, title_weight=_TITLE_WEIGHT, typos=False, prefix_last=not typed[-1:].isspace())
    hits = [Hit(hit.chunk_id, hit.score) for hit in opened.lexical.search(query, _CHUNKS)]
    ids = [hit.document_id for hit in best_visible(opened.version, visible, hits)]
    titles = dict(visible.filter(pk__in=ids).values_list("pk", "title"))
    return {pk: titles[pk] for pk in ids if pk in titles and _has(titles[pk], words)}


def _queries(version: IndexVersion, words: Sequence[str], visible: "DocumentQuerySet", k: int) -> list[Suggestion]:
    """Return past queries with these words, most frequent first, whose best result may be seen."""
    asked = SearchLog.objects.filter(collection=version.collection_id, good_match=True, total__gt=0)
    for word in words:
        asked = asked.filter(text__icontains=word)
    often = (
        asked.order_by()
        .values("text")
        .annotate(times=Count("pk"))
        .filter(times__gte=_ASKED_OFTEN)
        .order_by("-times", "text")
    )
    texts = [row["text"] for row in often[:_QUERIES_READ] if _has(row["text"], words)][: 4 * k]
    best = {text: _best_result(version, text) for text in texts}
    there = set(visible.filter(pk__in=[pk for pk in best.values() if pk]).values_list("pk", flat=True))
    texts = [text for text in texts if best[text] in there]
    known = _known(version, {word for text in texts for word in _words(text)}, visible)
    return [Suggestion(text, "query") for text in texts if known.issuperset(_words(text))][:k]


def _known(version: IndexVersion, words: Collection[str], visible: "DocumentQuerySet") -> set[str]:
    """Return those of the words that stand in documents that may be seen, and those that say nothing at all."""
    opened = open_version(version)
    if opened.lexical is None or not words:
        return set()
    hits: dict[str, list[Hit]] = {}
    known: set[str] = set()
    for word in words:
        query = opened.lexical.query(parse(word, lambda name: False), typos=False)
        if any(each.telling for each in query.words):
            hits[word] = [Hit(hit.chunk_id, hit.score) for hit in opened.lexical.search(query, _CHUNKS_OF_A_WORD)]
        else:
            known.add(word)
    rows = [hit for found in hits.values() for hit in found]
    seen = visible_chunks(opened.version, visible, rows)
    return known | {word for word, found in hits.items() if any(hit.chunk_id in seen for hit in found)}


def _best_result(version: IndexVersion, text: str) -> int | None:
    """Return the document that was most often opened or found helpful after this query, else most often first."""
    logged = SearchLog.objects.filter(collection=version.collection_id, text=text, good_match=True)
    liked = (
        logged.filter(~Q(reactions__kind="down"), reactions__isnull=False)
        .values_list("reactions__document_id")
        .annotate(times=Count("reactions"))
        .order_by("-times", "reactions__document_id")
        .first()
    )
    if liked is not None:
        return int(liked[0])
    first = Counter(shown[0][0] for shown in logged.order_by("-pk").values_list("shown", flat=True)[:20] if shown)
    return first.most_common(1)[0][0] if first else None
