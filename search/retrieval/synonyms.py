"""The synonyms of a collection: what else a word or a group of words also finds. Says nothing about how it is scored.

They are kept as curators wrote them; the lexical leg brings them into the form that its terms have (`analysed`).
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from search.models import SynonymSet

Synonyms = Mapping[str, Sequence[str]]

_trial: ContextVar[tuple[SynonymSet | None, int | None, int] | None] = ContextVar("synonym_trial", default=None)


def synonyms_of(collection_id: int) -> dict[str, tuple[str, ...]]:
    """Return each word or phrase of a collection's synonyms with what it also finds, as they are now."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for entry in _enabled(collection_id):
        words, finds = entry.word_list, entry.found_list
        for word in words:
            found[word].update(dict.fromkeys(other for other in finds or words if other != word))
    return {word: tuple(others) for word, others in found.items() if others}


def analysed(synonyms: Synonyms, analyze: Callable[[str], Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return the synonyms with every form as the index has it: terms with one space between them.

    Forms that become the same are one; a form that loses all its terms (stop words) is left out.
    """
    result: dict[str, dict[str, None]] = defaultdict(dict)
    for word, others in synonyms.items():
        key = " ".join(analyze(word))
        if key:
            forms = (" ".join(analyze(other)) for other in others)
            result[key].update(dict.fromkeys(form for form in forms if form and form != key))
    return {word: tuple(forms) for word, forms in result.items() if forms}


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
