"""The synonyms of a collection: what else a word or a group of words also finds. Says nothing about how it is scored.

They are kept as curators wrote them; the lexical leg brings them into the form that its terms have.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from types import MappingProxyType

from search.models import SynonymSet
from search.models.curation import words_of

_trial: ContextVar[tuple[SynonymSet | None, int | None, int] | None] = ContextVar("synonym_trial", default=None)


def synonyms_of(collection_id: int) -> Mapping[str, tuple[str, ...]]:
    """Return each word or phrase of a collection's synonyms with what it also finds, as they are now."""
    return _by_word(tuple(_enabled(collection_id)))


@contextmanager
def trying(entry: SynonymSet | None, *, collection_id: int, instead_of: int | None = None) -> Iterator[None]:
    """Let the searches within answer as if `entry` were saved in the place of entry `instead_of`; saves nothing."""
    token = _trial.set((entry, instead_of, collection_id))
    try:
        yield
    finally:
        _trial.reset(token)


@lru_cache(maxsize=32)
def _by_word(sets: tuple[tuple[str, str], ...]) -> Mapping[str, tuple[str, ...]]:
    """Return word → what it finds, for sets as they were written; the same sets give the same mapping."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for words, finds in sets:
        left, right = words_of(words), words_of(finds)
        for word in left:
            found[word].update(dict.fromkeys(other for other in right or left if other != word))
    return MappingProxyType({word: tuple(others) for word, others in found.items() if others})


def _enabled(collection_id: int) -> list[tuple[str, str]]:
    saved = SynonymSet.objects.filter(collection=collection_id, enabled=True).order_by("pk")
    trial = _trial.get()
    if trial is None or trial[2] != collection_id:
        return list(saved.values_list("words", "finds"))
    entry, instead_of, _collection = trial
    others = list((saved.exclude(pk=instead_of) if instead_of else saved).values_list("words", "finds"))
    return others if entry is None else [*others, (entry.words, entry.finds)]
