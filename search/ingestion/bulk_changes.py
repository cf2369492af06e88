"""Changes many documents at once: what would happen, the taking down of which ones, and the work in slices.

A slice is a transaction of its own that moves the cursor with the documents, so that whatever ends it, the next one
goes on behind the last document that was changed. The index follows as it does after any save.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.db import DatabaseError, transaction
from django.db.models import Count, F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from search.authorship import Author, written_by
from search.conf import conf
from search.models import BulkChange, Document, DocumentRevision, row_leases
from search.models.bulk_changes import pack_ids, unpack_ids
from search.models.corpus import NO_AUDIENCE, DocumentQuerySet, lacks_audience

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser

logger = logging.getLogger(__name__)

MOST_DOCUMENTS = 5_000_000
_SLICE = 500
Action = BulkChange.Action
_STATES = {
    Action.PUBLISH: Document.State.PUBLISHED,
    Action.DRAFT: Document.State.DRAFT,
    Action.ARCHIVE: Document.State.ARCHIVED,
}
Reindex = Callable[[DocumentQuerySet], int]


class BadChange(ValueError):
    """A change that cannot be asked for, and why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to become of documents; `visibility` and `groups` belong to Action.AUDIENCE."""

    action: Action
    visibility: str = ""
    groups: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a change would do: of `total` documents, `affected` are not yet as it makes them."""

    total: int
    affected: int
    by_collection: Sequence[tuple[str, int]] = field(default_factory=tuple)
    by_state: Sequence[tuple[str, int]] = field(default_factory=tuple)


def may_change(user: "AbstractBaseUser | AnonymousUser", action: str) -> bool:
    """Tell whether `user` may do this to documents."""
    needed = "search.delete_document" if action == Action.DELETE else "search.change_document"
    return bool(user.has_perm(needed))  # type: ignore[union-attr]


def outlook(documents: DocumentQuerySet, wanted: Wanted) -> Outlook:
    """Return what a change would do now. Raises BadChange."""
    check(wanted)
    unordered = documents.order_by()
    counted = unordered.values_list("collection__name", "state").annotate(count=Count("pk"))
    rows = list(counted)
    total = sum(count for _name, _state, count in rows)
    return Outlook(total, _affected(unordered, wanted, rows), _summed(rows, 0), _summed(rows, 1))


def request(
    documents: DocumentQuerySet, wanted: Wanted, *, by: "AbstractBaseUser | None", expected: int | None = None
) -> BulkChange:
    """Take down which documents a change is for, for the worker to make it.

    Raises BadChange where there are none, too many, or another number than was `expected`.
    """
    check(wanted)
    found = list(documents.order_by("pk").values_list("pk", "collection_id"))
    if not found:
        raise BadChange(_("There is no document that this is for."))
    if len(found) > MOST_DOCUMENTS:
        raise BadChange(_("At most %d documents can be changed at once; narrow them down.") % MOST_DOCUMENTS)
    if expected is not None and len(found) != expected:
        text = _("Meanwhile it is %(now)d documents instead of %(then)d. Look again, and confirm again.")
        raise BadChange(text % {"now": len(found), "then": expected})
    collections = {collection for _pk, collection in found}
    return BulkChange.objects.create(
        action=wanted.action,
        visibility=wanted.visibility,
        groups=list(wanted.groups),
        collection_id=collections.pop() if len(collections) == 1 else None,
        documents=pack_ids(pk for pk, _collection in found),
        total=len(found),
        created_by_id=by.pk if by is not None else None,
    )


def check(wanted: Wanted) -> None:
    """Raise BadChange where nobody could find the documents any more, or a group is not there."""
    if wanted.action != Action.AUDIENCE:
        return
    if wanted.visibility not in Document.Visibility.values:
        raise BadChange(_("Say who is to find them: %s.") % ", ".join(Document.Visibility.values))
    if lacks_audience(wanted.visibility, has_groups=bool(wanted.groups)):
        raise BadChange(str(NO_AUDIENCE))
    if Group.objects.filter(pk__in=wanted.groups).count() < len(set(wanted.groups)):
        raise BadChange(_("A group that was named does not exist any more."))


def unfinished() -> list[int]:
    """Return the changes that have work left, the oldest first."""
    return list(BulkChange.objects.unfinished().order_by("pk").values_list("pk", flat=True))


def cancel(change: BulkChange) -> bool:
    """Stop a change after the documents that it is at; what is changed stays. Return False if it is over."""
    return _end(BulkChange.objects.unfinished().filter(pk=change.pk), BulkChange.Status.CANCELLED)


def run(pk: int, *, reindex: Reindex, budget_seconds: float | None = None) -> bool:
    """Work on a change until it is over or the budget is spent; return whether there is more to do.

    `reindex` queues documents to be indexed again. Returns False at once while another process is at it.
    """
    change = BulkChange.objects.unfinished().filter(pk=pk).first()
    token = row_leases.take(change) if change is not None else None
    if change is None or token is None:
        return False
    deadline = time.monotonic() + (conf().TASK_BUDGET_SECONDS if budget_seconds is None else budget_seconds)
    author = Author(DocumentRevision.How.BULK, change.created_by_id, str(change.pk))
    try:
        with written_by(lambda: author):
            return _work(change, token, reindex, deadline)
    except DatabaseError as error:
        logger.exception("Bulk change %s failed", pk)
        _end(_held(change, token), BulkChange.Status.FAILED, error=f"{type(error).__name__}: {error}")
        return False
    finally:
        row_leases.release(change, token)


def _work(change: BulkChange, token: int, reindex: Reindex, deadline: float) -> bool:
    ids = unpack_ids(change.documents)
    wanted = Wanted(Action(change.action), change.visibility, tuple(change.groups))
    at = change.next
    while at < len(ids):
        batch = ids[at : at + _SLICE]
        at += len(batch)
        with transaction.atomic():
            # Its own row first: it locks out a cancelling, and whoever took the change over.
            values: dict[str, Any] = {"next": at, "status": BulkChange.Status.RUNNING}
            if not _held(change, token).update(**values, expires_at=row_leases.expiry()):
                return False
            changed = _apply(wanted, batch, reindex)
            _held(change, token).update(changed=F("changed") + changed)
        if time.monotonic() > deadline and at < len(ids):
            return True
    _end(_held(change, token), BulkChange.Status.FINISHED)
    return False


def _end(row: Any, status: str, *, error: str = "") -> bool:
    """Write down how it ended, and forget which documents it was for; return whether that was for us to say."""
    values = {"status": status, "error": error, "finished_at": timezone.now(), "documents": pack_ids(())}
    return bool(row.update(**values))


def _held(change: BulkChange, token: int) -> Any:
    return BulkChange.objects.unfinished().filter(pk=change.pk, token=token)


def _apply(wanted: Wanted, ids: Sequence[int], reindex: Reindex) -> int:
    """Change those of the documents that are there and not yet as wanted; return how many."""
    documents = Document.objects.filter(pk__in=ids)
    if wanted.action == Action.DELETE:
        _total, by_model = documents.delete()
        return by_model.get(Document._meta.label, 0)
    if wanted.action == Action.REINDEX:
        return reindex(documents)
    if wanted.action == Action.AUDIENCE:
        return _address(documents, wanted)
    return _not_yet(documents, wanted).update(state=_STATES[wanted.action], updated_at=timezone.now())


def _not_yet(documents: DocumentQuerySet, wanted: Wanted) -> DocumentQuerySet:
    """Return those that are not in the state, or not as visible, as they are to be; groups aside."""
    if wanted.action in _STATES:
        return documents.exclude(state=_STATES[wanted.action])
    return documents.exclude(visibility=wanted.visibility) if wanted.action == Action.AUDIENCE else documents


def _address(documents: DocumentQuerySet, wanted: Wanted) -> int:
    """Give documents to their new audience: groups and visibility together, so that nobody sees a state between."""
    through = Document.groups.through
    ids = list(documents.values_list("pk", flat=True))
    has = set(through.objects.filter(document__in=ids).values_list("document_id", "group_id"))
    needs = {(pk, group) for pk in ids for group in wanted.groups}
    moved = set(_not_yet(documents, wanted).values_list("pk", flat=True))
    regrouped = {pk for pk, _group in has ^ needs}
    through.objects.filter(document__in=ids).exclude(group__in=wanted.groups).delete()
    through.objects.bulk_create([through(document_id=pk, group_id=group) for pk, group in needs - has])
    now = timezone.now()
    documents.filter(pk__in=moved | regrouped).update(visibility=wanted.visibility, updated_at=now)
    return len(moved | regrouped)


def _affected(documents: DocumentQuerySet, wanted: Wanted, rows: Sequence[tuple[str, str, int]]) -> int:
    if wanted.action in _STATES:
        return sum(count for _name, state, count in rows if state != _STATES[wanted.action])
    if wanted.action != Action.AUDIENCE:
        return sum(count for _name, _state, count in rows)
    as_wanted = documents.filter(visibility=wanted.visibility)
    if wanted.groups:
        of_these = Count("groups", filter=Q(groups__in=wanted.groups))
        as_wanted = as_wanted.annotate(all=Count("groups"), these=of_these).filter(
            all=F("these"), these=len(set(wanted.groups))
        )
    else:
        as_wanted = as_wanted.filter(groups=None)
    return sum(count for _name, _state, count in rows) - as_wanted.count()


def _summed(rows: Sequence[tuple[str, str, int]], column: int) -> tuple[tuple[str, int], ...]:
    sums: dict[str, int] = {}
    for row in rows:
        sums[str(row[column])] = sums.get(str(row[column]), 0) + row[2]
    return tuple(sorted(sums.items(), key=lambda item: (-item[1], item[0])))
