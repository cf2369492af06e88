"""A query asked without a rule or a set of synonyms and with it, as it is proposed. Saves and logs nothing."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from search import query_service
from search.datatypes import SearchResult
from search.models import Collection, CurationRule, SynonymSet
from search.retrieval.curation import rule_matching, synonyms
from search.retrieval.curation.rule_matching import Meeting

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Trial:
    """A query answered with and without an entry. `met` says how the query meets a rule, None where it does not."""

    query: str
    before: tuple[SearchResult, ...]
    after: tuple[SearchResult, ...]
    met: Meeting | None = None


def of_rule(
    rule: CurationRule, query: str = "", *, user: "AbstractBaseUser | AnonymousUser", instead_of: int | None = None
) -> Trial:
    """Try a rule in the place of the saved one `instead_of`; without a query on the one that suits it best.

    Raises query_service.InvalidQuery and NotReady.
    """
    query = query or _first_query(rule)
    before = _asked(
        rule.collection,
        query,
        user,
        rule_matching.trying(None, collection_id=rule.collection_id, instead_of=instead_of),
    )
    after = _asked(
        rule.collection,
        query,
        user,
        rule_matching.trying(rule, collection_id=rule.collection_id, instead_of=instead_of),
    )
    version = rule.collection.active_version()
    return Trial(query, before, after, rule_matching.meets(version, rule, query) if version is not None else None)


def of_synonyms(
    entry: SynonymSet, query: str = "", *, user: "AbstractBaseUser | AnonymousUser", instead_of: int | None = None
) -> Trial:
    """Try a set of synonyms in the place of the saved one `instead_of`; without a query on the first of its words.

    Raises query_service.InvalidQuery and NotReady.
    """
    query = query or entry.word_list[0]
    before = _asked(
        entry.collection, query, user, synonyms.trying(None, collection_id=entry.collection_id, instead_of=instead_of)
    )
    after = _asked(
        entry.collection, query, user, synonyms.trying(entry, collection_id=entry.collection_id, instead_of=instead_of)
    )
    return Trial(query, before, after)


def _asked(
    collection: Collection, query: str, user: Any, within: AbstractContextManager[None]
) -> tuple[SearchResult, ...]:
    with within:
        return query_service.search(query, user=user, collection=collection.slug, k=SHOWN, log=False).results


def _first_query(rule: CurationRule) -> str:
    """Return a query that a rule is about: for a pattern, its letters."""
    line = rule.query_lines[0]
    return " ".join(line.replace("*", " ").replace("?", " ").split()) if rule.match == rule.Match.PATTERN else line
