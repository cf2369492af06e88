"""Curation rules on a ranking: which documents are pinned, lifted, lowered or hidden, and what that changed. Pure.

Reads no row and never decides who may see a document: a pinned document that is not among the candidates is asked
for by `bring_in`, which gives back only what the asker may find.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

PIN, BOOST, BURY, HIDE = "pin", "boost", "bury", "hide"


@dataclass(frozen=True, slots=True)
class RankedDocument:
    """A document with its best chunk and its score."""

    document_id: int
    chunk_id: int
    score: float


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that applies to the query at hand: what happens to which document, and why it applies.

    `position` counts from 1 and is for pinning; `strength` is the share of the best score that is added or taken.
    `matched` is the query, pattern or example that the query met; `similarity` its cosine to that, where meaning
    decided.
    """

    rule_id: int
    action: str
    document_id: int
    position: int = 1
    strength: float = 0.0
    match: str = "exact"
    matched: str = ""
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Effect:
    """What a rule did to a document. A rank counts from 1; None before: not among the candidates; after: hidden."""

    rule: Rule
    rank_before: int | None
    rank_after: int | None
    score_before: float | None
    score_after: float | None


@dataclass(frozen=True, slots=True)
class Curated:
    """A ranking after its rules, and what each of them did."""

    documents: tuple[RankedDocument, ...]
    effects: tuple[Effect, ...] = ()


BringIn = Callable[[Sequence[int]], Iterable[RankedDocument]]


def apply(ranked: Sequence[RankedDocument], rules: Sequence[Rule], bring_in: BringIn) -> Curated:
    """Return the ranking with the rules applied; `ranked` is best first and has each document once.

    Shifts of one document add up. Of documents with equal scores those that were lifted come first and those that
    were lowered last; the others keep their order. Hiding wins over everything. Of two pins to one place the
    one given first gets it and the other the next; a place beyond the end is the end. `bring_in` is called at most
    once, with the pinned documents that are not in `ranked`; what it leaves out stays out.
    """
    if not rules:
        return Curated(tuple(ranked))
    hidden = {rule.document_id for rule in rules if rule.action == HIDE}
    pins = _first_pins(rules, hidden)
    known = {document.document_id: document for document in ranked}
    missing = [document_id for document_id in pins if document_id not in known]
    brought = {document.document_id: document for document in bring_in(missing)} if missing else {}
    shifts = _shifts(rules, best_score=ranked[0].score if ranked else 0.0)
    moved = [
        replace(document, score=document.score + shifts.get(document.document_id, 0.0))
        for document in ranked
        if document.document_id not in hidden
    ]
    moved.sort(key=lambda document: (-document.score, -shifts.get(document.document_id, 0.0)))
    after = _pinned(moved, [known.get(pk) or brought.get(pk) for pk in pins], pins)
    return Curated(tuple(after), _effects(rules, ranked, brought, after))


def _first_pins(rules: Sequence[Rule], hidden: set[int]) -> dict[int, int]:
    """Return document → position, by position; a document pinned twice gets the better place."""
    pins: dict[int, int] = {}
    for rule in sorted((rule for rule in rules if rule.action == PIN), key=lambda rule: rule.position):
        if rule.document_id not in hidden:
            pins.setdefault(rule.document_id, rule.position)
    return pins


def _shifts(rules: Sequence[Rule], *, best_score: float) -> Mapping[int, float]:
    """Return document → what its score changes by, so that a strength means the same whatever the scores' scale is."""
    scale = best_score if best_score > 0 else 1.0
    shifts: dict[int, float] = defaultdict(float)
    for rule in rules:
        if rule.action in (BOOST, BURY):
            shifts[rule.document_id] += scale * (rule.strength if rule.action == BOOST else -rule.strength)
    return shifts


def _pinned(
    moved: list[RankedDocument], pinned: list[RankedDocument | None], positions: Mapping[int, int]
) -> list[RankedDocument]:
    """Return the others in their order with the pinned ones at their places, lowest place first."""
    result = [document for document in moved if document.document_id not in positions]
    free = 0
    for document in pinned:
        if document is not None:
            free = max(free, positions[document.document_id] - 1)
            result.insert(free, document)
            free += 1
    return result


def _effects(
    rules: Sequence[Rule],
    ranked: Sequence[RankedDocument],
    brought: Mapping[int, RankedDocument],
    after: Sequence[RankedDocument],
) -> tuple[Effect, ...]:
    """Return what became of each rule's document; rules whose document was not there at all did nothing."""
    before = {document.document_id: (rank, document.score) for rank, document in enumerate(ranked, 1)}
    now = {document.document_id: (rank, document.score) for rank, document in enumerate(after, 1)}
    nowhere = (None, None)
    return tuple(
        Effect(rule, was[0], is_now[0], was[1], is_now[1])
        for rule in rules
        if rule.document_id in before or rule.document_id in brought
        for was, is_now in [(before.get(rule.document_id, nowhere), now.get(rule.document_id, nowhere))]
    )
