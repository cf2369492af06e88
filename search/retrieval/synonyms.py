"""The synonyms of a collection: what else a word or a group of words also finds. Says nothing about how it is scored.

They are kept as curators wrote them; the lexical leg brings them into the form that its terms have.
"""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from search.models import SynonymSet

_trial: ContextVar[tuple[SynonymSet | None, int | None, int] | None] = ContextVar("synonym_trial", default=None)


def synonyms_of(collection_id: int) -> dict[str, tuple[str, ...]]:
    """Return each word or phrase of a collection's synonyms with what it also finds, as they are now."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for entry in _enabled(collection_id):
        words, finds = entry.word_list, entry.found_list
        for word in words:
            found[word].update(dict.fromkeys(other for other in finds or words if other != word))
    return {word: tuple(others) for word, others in found.items() if others}


@contextmanager
def trying(entry: SynonymSet | None, *, collection_id: int, instead_of: int | None = None) -> Iterator[None]:
    """Let the searches within answer as if `entry` were saved in the place of entry `instead_of`; saves nothing."""
    token = _trial.set((entry, instead_of, collection_id))
    try:
        yield
    finally:
        _trial.reset(token)


def _enabled(collection_id: int) -> list[SynonymSet]:
    saved = list(SynonymSet.objects.filter(collection=collection_id, enabled=True).order_by("pk"))
    trial = _trial.get()
    if trial is None or trial[2] != collection_id:
        return saved
    entry, instead_of, _collection = trial
    others = [each for each in saved if each.pk != instead_of]
    return others if entry is None else [*others, entry]
