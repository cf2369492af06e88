"""Which of a collection's curation rules a query meets: by its words, by a pattern, or by its meaning.

Reads the rules as they are now, at each query, so that a saved rule holds at once. Changes no ranking (rules.py).
"""

import fnmatch
import re
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.utils import timezone

from search import registry
from search.datatypes import Vectors
from search.embedding.base import EncoderUnavailable, EncodingFailed
from search.models import CurationRule, IndexVersion
from search.retrieval.query_vectors import query_vector
from search.retrieval.rules import Rule

_MAX_EXAMPLES = 10_000
_EDGES = " \t\n.,;:!?¿¡…\"'“”„‘’«»"
_SPACES = re.compile(r"\s+")

_examples: OrderedDict[tuple[str, str], Vectors] = OrderedDict()
_guard = threading.Lock()


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

    `vector` is the query's, by the version's encoder; without one, rules of meaning are met by their own words only.
    """
    rules = _in_force(version.collection_id, at or timezone.now())
    if not rules:
        return ()
    asked = normalised(text)
    vectors = _example_vectors(version, rules) if vector is not None else {}
    met = (_met(rule, asked, vector, vectors) for rule in rules)
    return tuple(rule for rule in met if rule is not None)


def meets(version: IndexVersion, rule: CurationRule, text: str) -> Rule | None:
    """Return how a query meets a rule, saved or not, whatever its time; None when it does not."""
    try:
        vector = query_vector(version, text)
    except (EncoderUnavailable, EncodingFailed):
        vector = None
    return _met(rule, normalised(text), vector, _example_vectors(version, [rule]))


@contextmanager
def trying(rule: CurationRule | None, *, collection_id: int, instead_of: int | None = None) -> Iterator[None]:
    """Let the searches within answer as if `rule` were saved in the place of rule `instead_of`; saves nothing."""
    token = _trial.set(_Trial(collection_id, rule, instead_of))
    try:
        yield
    finally:
        _trial.reset(token)


def normalised(text: str) -> str:
    """Return a query without what makes no difference: case, width, spaces, and the marks at its ends."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _SPACES.sub(" ", folded).strip(_EDGES)


def warm_up(version: IndexVersion) -> None:
    """Encode the examples of a collection's rules before somebody waits for it."""
    rules = _in_force(version.collection_id, timezone.now())
    _example_vectors(version, rules)


def forget_examples() -> None:
    """Empty the memory of encoded examples, for tests that change encoders."""
    with _guard:
        _examples.clear()


def _in_force(collection_id: int, at: datetime) -> list[CurationRule]:
    found = list(CurationRule.objects.in_force(at).filter(collection=collection_id).order_by("pk"))
    trial = _trial.get()
    if trial is None or trial.collection_id != collection_id:
        return found
    others = [rule for rule in found if rule.pk != trial.instead_of]
    return others if trial.rule is None else [*others, trial.rule]


def _met(rule: CurationRule, asked: str, vector: Vectors | None, examples: dict[str, Vectors]) -> Rule | None:
    lines = rule.query_lines
    if rule.match == CurationRule.Match.PATTERN:
        hit = next((line for line in lines if fnmatch.fnmatchcase(asked, _pattern(line))), "")
    else:
        hit = next((line for line in lines if normalised(line) == asked), "")
    if hit or rule.match != CurationRule.Match.MEANING:
        return _rule(rule, hit, None) if hit else None
    return None if vector is None else _near(rule, [line for line in lines if line in examples], vector, examples)


def _near(rule: CurationRule, lines: Sequence[str], vector: Vectors, examples: dict[str, Vectors]) -> Rule | None:
    if not lines:
        return None
    cosines = np.stack([examples[line] for line in lines]) @ vector
    best = int(np.argmax(cosines))
    similarity = float(cosines[best])
    return _rule(rule, lines[best], similarity) if similarity >= rule.similarity else None


def _rule(rule: CurationRule, matched: str, similarity: float | None) -> Rule:
    return Rule(
        rule_id=rule.pk or 0,
        action=rule.action,
        document_id=rule.document_id,
        position=rule.position,
        strength=rule.strength,
        match=rule.match,
        matched=matched,
        similarity=similarity,
    )


def _pattern(line: str) -> str:
    """Return a curator's pattern with * and ? as wildcards and nothing else: brackets stand for themselves."""
    return normalised(line).replace("[", "[[]")


def _example_vectors(version: IndexVersion, rules: Sequence[CurationRule]) -> dict[str, Vectors]:
    """Return the vector of each example; those that are not remembered are encoded now, what cannot be is left out."""
    lines = {line for rule in rules if rule.match == CurationRule.Match.MEANING for line in rule.query_lines}
    found: dict[str, Vectors] = {}
    for line in sorted(lines):
        vector = _remembered(version, line)
        if vector is not None:
            found[line] = vector
    return found


def _remembered(version: IndexVersion, line: str) -> Vectors | None:
    key = (version.encoder_fingerprint, line)
    with _guard:
        if key in _examples:
            _examples.move_to_end(key)
            return _examples[key]
    try:
        encoder = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
        if encoder.fingerprint != version.encoder_fingerprint:
            return None
        vector = encoder.encode_query(line)
    except (EncoderUnavailable, EncodingFailed):
        return None
    with _guard:
        _examples[key] = vector
        while len(_examples) > _MAX_EXAMPLES:
            _examples.popitem(last=False)
    return vector
