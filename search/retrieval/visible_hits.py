"""Holds every hit against the database before anybody sees it: deleted, unpublished and forbidden ones end here."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Exists, OuterRef

from search.datatypes import Hit
from search.models import Chunk, Document, IndexVersion, PendingChange
from search.models.among import Among

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from search.models.corpus import DocumentQuerySet

_MOST_CHUNKS = 2_000  # of documents that were named


class VisibleHit(NamedTuple):
    """The best chunk of one document that the user may see; `changed` when the text has been edited since."""

    hit: Hit
    document_id: int
    start: int
    end: int
    changed: bool
    ordinal: int = 0  # which of the document's chunks it is

    def scored(self, score: float) -> "VisibleHit":
        """Return it with another score."""
        return self._replace(hit=Hit(self.hit.chunk_id, score))


def visible_documents(version: IndexVersion, user: "AbstractBaseUser | AnonymousUser | None") -> "DocumentQuerySet":
    """Return the documents of the version's collection that `user` may find, as of now."""
    return Document.objects.visible_to(user).filter(collection=version.collection_id)


def best_visible(version: IndexVersion, allowed: "DocumentQuerySet", hits: Iterable[Hit]) -> list[VisibleHit]:
    """Return one hit, the best, for each document among `hits` that is `allowed`, in the order of `hits`."""
    ordered = list(hits)
    return _grouped(ordered, _rows_of(version, allowed, ordered))


def visible_chunks(version: IndexVersion, allowed: "DocumentQuerySet", hits: Iterable[Hit]) -> set[int]:
    """Return the chunks among `hits` whose documents are `allowed`."""
    return set(_rows_of(version, allowed, list(hits)))


def nearest_of(
    version: IndexVersion,
    allowed: "DocumentQuerySet",
    document_ids: Sequence[int],
    near: Callable[[Sequence[int]], Mapping[int, float]],
) -> list[VisibleHit]:
    """Return those of the documents that are `allowed` and indexed, each by its nearest chunk, or its first.

    `near` gives the cosines of chunks; the hits have no score, as no ranking found them.
    """
    chunks = Chunk.objects.filter(version=version, document__in=list(document_ids)).live().order_by("ordinal")
    ids = list(chunks.values_list("pk", flat=True)[:_MOST_CHUNKS])
    cosines = near(ids)
    nearest = sorted(ids, key=lambda pk: -cosines.get(pk, 0.0))
    return best_visible(version, allowed, [Hit(pk, 0.0) for pk in nearest])


def _rows_of(
    version: IndexVersion, allowed: "DocumentQuerySet", hits: Sequence[Hit]
) -> dict[int, tuple[int, int, int, bool, int]]:
    pending = PendingChange.objects.filter(version=version, document=OuterRef("document_id"))
    found = (
        Chunk.objects.filter(Among("pk", [hit.chunk_id for hit in hits]), version=version)
        .live()
        .filter(Exists(allowed.order_by().filter(pk=OuterRef("document_id"))))
        .annotate(changed=Exists(pending))
        .order_by()
        .values_list("pk", "document_id", "start", "end", "changed", "ordinal")
    )
    return {row[0]: row[1:] for row in found}


def _grouped(ordered: list[Hit], rows: Mapping[int, tuple[int, int, int, bool, int]]) -> list[VisibleHit]:
    best: dict[int, VisibleHit] = {}
    for hit in ordered:
        row = rows.get(hit.chunk_id)
        if row is not None and row[0] not in best:
            best[row[0]] = VisibleHit(hit, *row)
    return list(best.values())
