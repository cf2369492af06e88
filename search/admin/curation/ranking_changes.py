"""Two rankings of one query beside each other: what moved, what came, what went. Pure; pages of curators show it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse

from search.datatypes import SearchResult


@dataclass(frozen=True, slots=True)
class Place:
    """A document in the later ranking, or one that is no longer there; ranks count from 1."""

    document_id: int
    title: str
    url: str
    rank: int | None
    before: int | None

    @property
    def mark(self) -> str:
        """How it moved: new, gone, up, down, or nothing."""
        if self.rank is None:
            return "gone"
        if self.before is None:
            return "new"
        return "up" if self.rank < self.before else "down" if self.rank > self.before else ""


@dataclass(frozen=True, slots=True)
class RankingChange:
    """The later ranking, and what it lost."""

    places: tuple[Place, ...]
    gone: tuple[Place, ...]

    @property
    def is_nothing(self) -> bool:
        """True when both rankings are the same."""
        return not self.gone and not any(place.mark for place in self.places)


def between(before: Sequence[SearchResult], after: Sequence[SearchResult]) -> RankingChange:
    """Return what changed between two answers to one query."""
    titles = {result.document_id: result.title or result.external_id for result in (*before, *after)}
    return between_ids([result.document_id for result in before], [result.document_id for result in after], titles)


def between_ids(before: Iterable[int], after: Iterable[int], titles: Mapping[int, str]) -> RankingChange:
    """Return what changed between two rankings; documents without a title may not be shown and are left out."""
    was = {document_id: rank for rank, document_id in enumerate(before, 1)}
    now = {document_id: rank for rank, document_id in enumerate(after, 1)}
    places = tuple(_place(pk, titles[pk], rank, was.get(pk)) for pk, rank in now.items() if pk in titles)
    gone = tuple(_place(pk, titles[pk], None, rank) for pk, rank in was.items() if pk not in now and pk in titles)
    return RankingChange(places, gone)


def _place(document_id: int, title: str, rank: int | None, before: int | None) -> Place:
    return Place(document_id, title, reverse("admin:search_document_change", args=[document_id]), rank, before)
