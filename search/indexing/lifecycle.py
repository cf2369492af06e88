"""The life of an index version: created, activated, cancelled, taken back. Every step is one transaction.

Creating a version reads the encoder's files and belongs into the worker; everything else only writes rows and is
safe in a web request.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef, QuerySet
from django.utils import timezone

from search import registry
from search.failpoints import failpoint
from search.fingerprints import recipe_fingerprint
from search.indexing import gate
from search.models import Collection, Document, IndexedDocument, IndexVersion, PendingChange, VersionEvent

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from search.models.corpus import DocumentQuerySet
    from search.models.index_versions import IndexVersionQuerySet

_BATCH = 500
_CANDIDATES = (IndexVersion.State.BUILDING, IndexVersion.State.READY)


class CannotActivate(Exception):
    """The version may not go live; the message says what is missing."""


class CannotRollBack(Exception):
    """The version cannot be taken back; the message says why."""


class CannotCancel(Exception):
    """The version is not being built."""


@dataclass(frozen=True, slots=True)
class Missed:
    """What happened to the corpus since a version was retired, in documents."""

    changed: int
    gone: int

    @property
    def total(self) -> int:
        """How many documents have to be applied before it can be live again."""
        return self.changed + self.gone


def create_version(
    collection: Collection, *, user: "AbstractBaseUser | None" = None, activate_when_ready: bool = True
) -> IndexVersion:
    """Create the collection's next version; a collection's first is active at once, since it hides nothing.

    Raises EncoderUnavailable, BadChunkingOptions or BadEngineOptions, and then changes nothing.
    """
    runtime = registry.runtime_for(collection.encoder_name, collection.encoder_revision, collection.encoder_runtime)
    encoder = registry.encoder(collection.encoder_name, collection.encoder_revision, runtime)
    chunker = registry.chunker_for(encoder, collection.chunking)
    registry.engine_for(collection.engine, collection.engine_options).check(encoder.dimension)
    recipe = recipe_fingerprint(encoder.fingerprint, chunker.fingerprint)
    with transaction.atomic():
        _wait_for_writers()
        last = collection.index_versions.aggregate(last=Max("number"))["last"] or 0
        first = not collection.index_versions.active().exists()
        now = timezone.now()
        _abandon_candidates(collection, reason=f"Superseded by version {last + 1}.")
        version = IndexVersion.objects.create(
            collection=collection,
            number=last + 1,
            state=IndexVersion.State.ACTIVE if first else IndexVersion.State.BUILDING,
            encoder_name=encoder.name,
            encoder_revision=collection.encoder_revision,
            encoder_runtime=runtime,
            encoder_fingerprint=encoder.fingerprint,
            dimension=encoder.dimension,
            chunking=collection.chunking,
            chunking_fingerprint=recipe,
            engine=collection.engine,
            engine_options=collection.engine_options,
            activate_when_ready=activate_when_ready,
            created_by_id=user.pk if user is not None else None,
            activated_at=now if first else None,
        )
        VersionEvent.objects.record(version, VersionEvent.Kind.CREATED, by=user)
        if first:
            VersionEvent.objects.record(version, VersionEvent.Kind.ACTIVATED, reason="The collection's first version.")
    return version


def activate(version: IndexVersion, *, by: "AbstractBaseUser | None" = None, override_reason: str = "") -> bool:
    """Put a ready version live and retire the one before it, in one transaction. Raises CannotActivate.

    Returns False for a version that has changes waiting, or has yet to be judged as it is now: the worker puts it live
    once its gate lets it. With `override_reason` a version goes live that its gate refuses, never one like that.
    """
    with transaction.atomic():
        current = IndexVersion.objects.select_for_update().get(pk=version.pk)
        if current.state == IndexVersion.State.ACTIVE:
            return True
        if current.state not in _CANDIDATES:
            raise CannotActivate(f"{current} is {current.get_state_display()}; only a ready version can go live.")
        behind = current.filled_to is not None or current.pending_changes.waiting().exists()
        report = gate.report_of(current) if not behind and gate.files_in_place(current) else None
        if report is None:
            _want(current, behind=behind, by=by, overrides=bool(override_reason.strip()))
        elif report.passed or override_reason.strip():
            _switch(current, by=by, override_reason="" if report.passed else override_reason.strip())
        else:
            raise CannotActivate(f"{current} may not go live: {' '.join(report.refusals)}")
    version.refresh_from_db()
    return report is not None


def _want(version: IndexVersion, *, behind: bool, by: "AbstractBaseUser | None", overrides: bool) -> None:
    """Have the worker put a version live that cannot be judged just now; never against a gate that has yet to judge."""
    if overrides:
        found = "has changes waiting" if behind else "has yet to be judged as it is now"
        raise CannotActivate(f"{version} {found}; what its gate would refuse is not known before the worker is done.")
    if not version.activate_when_ready:
        IndexVersion.objects.filter(pk=version.pk).update(activate_when_ready=True)
        VersionEvent.objects.record(version, VersionEvent.Kind.WANTED, by=by)


def _switch(version: IndexVersion, *, by: "AbstractBaseUser | None", override_reason: str) -> None:
    now = timezone.now()
    for live in version.collection.index_versions.active():
        VersionEvent.objects.record(live, VersionEvent.Kind.RETIRED, by=by, reason=f"Replaced by {version}.")
    version.collection.index_versions.active().update(state=IndexVersion.State.RETIRED, retired_at=now)
    IndexVersion.objects.filter(pk=version.pk).update(
        state=IndexVersion.State.ACTIVE, activated_at=now, retired_at=None, last_error="", activate_when_ready=True
    )
    kind = VersionEvent.Kind.OVERRIDDEN if override_reason else VersionEvent.Kind.ACTIVATED
    VersionEvent.objects.record(version, kind, by=by, reason=override_reason, gate=version.gate)
    PendingChange.objects.filter(
        version__collection=version.collection_id, version__state=IndexVersion.State.RETIRED
    ).delete()


def missed(version: IndexVersion) -> Missed:
    """Return how much a version does not know of the corpus as it is now."""
    return Missed(_changed_since(version).count(), _gone_since(version).count())


def roll_back(version: IndexVersion, *, by: "AbstractBaseUser | None" = None) -> Missed:
    """Take a retired version back: it is fed again, first with what it has missed, and goes live once it is even.

    When it has missed nothing and its gate has let it through as it is, it is live when this returns. Raises
    CannotRollBack.
    """
    with transaction.atomic():
        _wait_for_writers()
        current = IndexVersion.objects.select_for_update().get(pk=version.pk)
        if current.state != IndexVersion.State.RETIRED:
            raise CannotRollBack(f"{current} is {current.get_state_display()}; only a retired version is taken back.")
        if current.pruned_at is not None:
            raise CannotRollBack(f"{current} was pruned: its rows are gone. Rebuild with its settings instead.")
        _abandon_candidates(current.collection, reason=f"Superseded by the rollback to version {current.number}.")
        changed = list(_changed_since(current).values_list("pk", "revision"))
        gone = [(pk, revision) for pk, revision in _gone_since(current).values_list("document_id", "revision")]
        rows = [PendingChange(version=current, document_id=pk, revision=revision) for pk, revision in changed + gone]
        PendingChange.objects.bulk_create(rows, batch_size=_BATCH, ignore_conflicts=True)
        report = gate.report_of(current)
        even = not rows and report is not None and report.passed and gate.files_sound(current)
        state = IndexVersion.State.READY if even else IndexVersion.State.BUILDING
        IndexVersion.objects.filter(pk=current.pk).update(
            state=state, activate_when_ready=True, last_error="", gate=current.gate if even else {}
        )
        found = Missed(len(changed), len(gone))
        kind = VersionEvent.Kind.ROLLBACK
        VersionEvent.objects.record(current, kind, by=by, changed=found.changed, gone=found.gone)
        if even:
            _switch(current, by=by, override_reason="")
        failpoint("rollback.before_commit")
    failpoint("rollback.committed")
    version.refresh_from_db()
    return found


def cancel(version: IndexVersion, *, by: "AbstractBaseUser | None" = None) -> None:
    """Stop building a version. One that was live before is retired again. Raises CannotCancel."""
    with transaction.atomic():
        current = IndexVersion.objects.select_for_update().get(pk=version.pk)
        if current.state not in _CANDIDATES:
            raise CannotCancel(f"{current} is {current.get_state_display()}; only a candidate can be cancelled.")
        _abandon(IndexVersion.objects.filter(pk=current.pk), reason="Cancelled.")
        VersionEvent.objects.record(current, VersionEvent.Kind.CANCELLED, by=by)
    version.refresh_from_db()


def give_up(version: IndexVersion, *, reason: str) -> None:
    """End a candidate that cannot be finished, and say why; one that was live before is retired again."""
    with transaction.atomic():
        _abandon(IndexVersion.objects.filter(pk=version.pk, state__in=_CANDIDATES), reason=reason)
    version.refresh_from_db()


def _changed_since(version: IndexVersion) -> "DocumentQuerySet":
    """Return published documents that the version does not hold as they are now."""
    held = IndexedDocument.objects.filter(version=version, document=OuterRef("pk"), revision=OuterRef("revision"))
    published = Document.objects.published().filter(collection=version.collection_id)
    return published.exclude(Exists(held)).order_by("pk")


def _gone_since(version: IndexVersion) -> "QuerySet[IndexedDocument]":
    """Return what the version holds of documents that are not published any more."""
    published = Document.objects.published().filter(collection=version.collection_id, pk=OuterRef("document_id"))
    return IndexedDocument.objects.filter(version=version).exclude(Exists(published)).order_by("document_id")


def _abandon_candidates(collection: Collection, *, reason: str) -> None:
    """Give up older candidates: two builds at once would only slow each other down."""
    _abandon(collection.index_versions.filter(state__in=_CANDIDATES), reason=reason)


def _abandon(candidates: "IndexVersionQuerySet", *, reason: str) -> None:
    ids = list(candidates.values_list("pk", flat=True))
    PendingChange.objects.filter(version__in=ids).delete()
    now = timezone.now()
    given_up = IndexVersion.objects.filter(pk__in=ids)
    for version in given_up.filter(activated_at=None):
        VersionEvent.objects.record(version, VersionEvent.Kind.FAILED, reason=reason)
    idle = {"step": "", "step_done": 0, "step_total": 0, "steps_cut_short": 0}
    given_up.filter(activated_at__isnull=False).update(
        state=IndexVersion.State.RETIRED, retired_at=now, last_error="", **idle
    )
    given_up.filter(activated_at=None, state__in=_CANDIDATES).update(
        state=IndexVersion.State.FAILED, last_error=reason, retired_at=now, **idle
    )


def _wait_for_writers() -> None:
    """Let no write slip between a version's becoming fed and the filling of its queue.

    A transaction that changed a document before has written no pending row for it, and filling the queue would not
    see the change before it commits. SQLite has one writer at a time anyway.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE search_document IN SHARE MODE")
