"""How far a collection's index is, in numbers that a visitor may know.

Counts only documents that are visible to the visitor, so that the figures betray nothing about the others.
Reads only; `search.indexing.status` has the whole figures for curators.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from search.models import Collection, Document, PendingChange

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


@dataclass(frozen=True, slots=True)
class VisibleProgress:
    """Of `documents` that the visitor may see, how many wait to be indexed and how many could not be."""

    documents: int
    waiting: int
    failed: int
    has_version: bool

    @property
    def indexed(self) -> int:
        """Documents whose newest text can be found."""
        return max(0, self.documents - self.waiting - self.failed) if self.has_version else 0

    @property
    def up_to_date(self) -> bool:
        """True when waiting longer changes nothing."""
        return self.has_version and self.waiting == 0


def visible_progress(collection: Collection, user: "AbstractBaseUser | AnonymousUser | None") -> VisibleProgress:
    """Return how far the active version of `collection` is with the documents that `user` may see."""
    visible = Document.objects.visible_to(user).filter(collection=collection)
    version = collection.active_version()
    documents = visible.count()
    if version is None:
        return VisibleProgress(documents, waiting=documents, failed=0, has_version=False)
    changes = PendingChange.objects.filter(version=version, document__in=visible)
    return VisibleProgress(documents, changes.waiting().count(), changes.failed().count(), has_version=True)
