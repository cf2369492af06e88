"""Creates and replaces documents of a collection, one or many, in one short transaction with few queries.

What a write does not name stays as it is. Nothing here parses, asks who somebody is, or indexes: the rows'
triggers queue the work.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from django.utils import timezone

from search.ingestion.state_tags import state_tag
from search.models import Collection, Document, PendingChange
from search.models.corpus import lacks_audience

_ATTEMPTS = 3
_FEW = 10


@dataclass(frozen=True, slots=True)
class DocumentWrite:
    """New values of the document with this external id, checked already; `groups` by name, None to keep them."""

    external_id: str
    values: Mapping[str, Any]
    groups: tuple[str, ...] | None = None
    expected: tuple[str, ...] = ()
    """Where any are named: the states (`state_tag`) of the document that this write was made for."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What a write may do with a document that is not there yet, and with one that is."""

    create: bool
    replace: bool


class Outcome(StrEnum):
    """What became of one write."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    MAY_NOT_CREATE = "may_not_create"
    MAY_NOT_REPLACE = "may_not_replace"
    UNKNOWN_GROUPS = "unknown_groups"
    NO_AUDIENCE = "no_audience"
    CHANGED_SINCE = "changed_since"


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The outcome of one write; no id where a refused write left no document."""

    outcome: Outcome
    external_id: str
    document_id: int | None = None
    unknown_groups: tuple[str, ...] = ()


def write_documents(collection: Collection, writes: Sequence[DocumentWrite], rights: Rights) -> list[WriteResult]:
    """Apply `writes` in their order, in one transaction; of two with the same external id the later one wins.

    A refused write stops no other. When somebody else creates one of the documents meanwhile, all is done
    again on what is there then; raises IntegrityError when that happens three times.
    """
    for attempts_left in reversed(range(_ATTEMPTS)):
        try:
            with transaction.atomic():
                return _Batch(collection, writes).apply(rights)
        except IntegrityError:
            if not attempts_left:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def delete_document(pk: int, expected: tuple[str, ...] = ()) -> Outcome | None:
    """Delete a document, if it is in one of the `expected` states where any are named; None when it is gone."""
    with transaction.atomic():
        document = Document.objects.select_for_update().filter(pk=pk).first()
        if document is not None and expected and state_tag(document) not in expected:
            return Outcome.CHANGED_SINCE
        if document is not None:
            document.delete()
    return None


@dataclass(slots=True)
class _Target:
    """A document as the batch will leave it."""

    document: Document
    is_new: bool
    group_ids: set[int] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    groups_changed: bool = False


class _Batch:
    """Reads what exists, applies writes in memory, then stores what came out of it."""

    def __init__(self, collection: Collection, writes: Sequence[DocumentWrite]) -> None:
        self.collection = collection
        self.writes = writes
        self.groups = _ids_by_name(name for write in writes for name in write.groups or ())
        self.targets = self._existing()

    def apply(self, rights: Rights) -> list[WriteResult]:
        outcomes = [self._write(write, rights) for write in self.writes]
        self._store()
        return [self._result(write, outcome) for write, outcome in zip(self.writes, outcomes, strict=True)]

    def _existing(self) -> dict[str, _Target]:
        ids = {write.external_id for write in self.writes}
        found = Document.objects.filter(collection=self.collection, external_id__in=ids)
        # Two batches lock in the same order; by `id` SQLite would read every document of the collection.
        rows = found.select_for_update().order_by("external_id")
        targets = {document.external_id: _Target(document, is_new=False) for document in rows}
        if any(write.groups is not None or write.expected or _for_groups(write) for write in self.writes):
            by_id = {target.document.pk: target for target in targets.values()}
            members = Document.groups.through.objects.filter(document_id__in=by_id)
            for document_id, group_id in members.values_list("document_id", "group_id"):
                by_id[document_id].group_ids.add(group_id)
        return targets

    def _write(self, write: DocumentWrite, rights: Rights) -> Outcome:
        if self._unknown_groups(write):
            return Outcome.UNKNOWN_GROUPS
        target = self.targets.get(write.external_id)
        if write.expected and not _is_as_expected(write, target):
            return Outcome.CHANGED_SINCE
        if self._has_no_audience(write, target):
            return Outcome.NO_AUDIENCE
        if target is None:
            if not rights.create:
                return Outcome.MAY_NOT_CREATE
            document = Document(collection=self.collection, external_id=write.external_id)
            target = self.targets[write.external_id] = _Target(document, is_new=True)
            self._change(target, write)
            return Outcome.CREATED
        if not rights.replace:
            return Outcome.MAY_NOT_REPLACE
        return Outcome.UPDATED if self._change(target, write) else Outcome.UNCHANGED

    def _change(self, target: _Target, write: DocumentWrite) -> bool:
        values = dict(write.values)
        changed = {name for name, value in values.items() if not _same(getattr(target.document, name), value)}
        if "body" in changed and "anchors" not in values:  # they are places in the text that was
            values["anchors"] = []
            changed.add("anchors")
        for name in changed:
            setattr(target.document, name, values[name])
        target.changed |= changed
        if write.groups is None:
            return bool(changed)
        wanted = {self.groups[name] for name in write.groups}
        other_groups = wanted != target.group_ids
        target.group_ids = wanted
        target.groups_changed |= other_groups
        return bool(changed) or other_groups

    def _store(self) -> None:
        new = [target.document for target in self.targets.values() if target.is_new]
        changed = [target for target in self.targets.values() if target.changed and not target.is_new]
        if new:
            Document.objects.bulk_create(new)
        if changed:
            now = timezone.now()
            for target in changed:
                target.document.updated_at = now
            names = set().union(*(target.changed for target in changed))
            Document.objects.bulk_update([target.document for target in changed], [*sorted(names), "updated_at"])
        if len(self.writes) <= _FEW:  # it is no import that others would wait for
            PendingChange.objects.hurry(target.document.pk for target in self.targets.values())
        self._store_groups([target for target in self.targets.values() if target.groups_changed])

    def _store_groups(self, targets: Sequence[_Target]) -> None:
        if not targets:
            return
        through = Document.groups.through
        through.objects.filter(document_id__in=[target.document.pk for target in targets]).delete()
        through.objects.bulk_create(
            through(document_id=target.document.pk, group_id=group_id)
            for target in targets
            for group_id in sorted(target.group_ids)
        )

    def _result(self, write: DocumentWrite, outcome: Outcome) -> WriteResult:
        target = self.targets.get(write.external_id)
        document_id = target.document.pk if target else None
        return WriteResult(outcome, write.external_id, document_id, self._unknown_groups(write))

    def _has_no_audience(self, write: DocumentWrite, target: _Target | None) -> bool:
        """Whether a document is put before selected groups while nobody says which, and none were selected before.

        Groups that are named as an empty list are meant so: that is how an export says it.
        """
        if write.groups is not None or not _for_groups(write):
            return False
        if target is None:
            return lacks_audience(Document.Visibility.GROUPS, has_groups=False)
        changed = target.document.visibility != Document.Visibility.GROUPS
        return changed and lacks_audience(Document.Visibility.GROUPS, has_groups=bool(target.group_ids))

    def _unknown_groups(self, write: DocumentWrite) -> tuple[str, ...]:
        return tuple(name for name in write.groups or () if name not in self.groups)


def _is_as_expected(write: DocumentWrite, target: _Target | None) -> bool:
    return target is not None and state_tag(target.document, target.group_ids) in write.expected


def _for_groups(write: DocumentWrite) -> bool:
    return bool(write.values.get("visibility") == Document.Visibility.GROUPS)


def _ids_by_name(names: Iterable[str]) -> dict[str, int]:
    wanted = set(names)
    return dict(Group.objects.filter(name__in=wanted).values_list("name", "pk")) if wanted else {}


def _same(stored: Any, given: Any) -> bool:
    if isinstance(given, dict):  # compared as JSON: in Python, True equals 1
        return json.dumps(stored, sort_keys=True) == json.dumps(given, sort_keys=True)
    return bool(stored == given)
