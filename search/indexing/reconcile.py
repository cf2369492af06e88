"""Compares the database with the index, by ids, revisions and hashes, and mends what differs.

Documents with pending work are on their way and count as such, not as drift. `check` changes nothing;
`repair` rewrites files from the database's vectors and queues documents, and encodes no text that has a
vector already.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from search import registry
from search.engines.base import BadVectors, IndexDamaged
from search.files import sha256_file
from search.index_state import read_state, segment_file
from search.indexing import lexical_feed, segments
from search.indexing.applier import drain
from search.indexing.fingerprints import content_hash
from search.indexing.leases import Lease, hold
from search.indexing.requests import enqueue
from search.lexical.tantivy_index import LexicalDamaged, Publication, open_publication
from search.models import (
    Chunk,
    Collection,
    Document,
    Embedding,
    IndexedDocument,
    IndexVersion,
    MissingEmbedding,
    Segment,
)

_SHOWN = 20


@dataclass
class DriftReport:
    """What was compared and what differs; ids of documents unless the name says chunks or files."""

    collection: str
    version: int | None = None
    documents: int = 0
    chunks: int = 0
    pending: int = 0
    failed: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)
    ghosts: list[int] = field(default_factory=list)
    chunks_without_vector: list[int] = field(default_factory=list)
    chunks_not_dense: list[int] = field(default_factory=list)
    chunks_only_dense: list[int] = field(default_factory=list)
    chunks_not_lexical: list[int] = field(default_factory=list)
    chunks_only_lexical: list[int] = field(default_factory=list)
    damaged_files: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """True when database and index agree, pending work aside."""
        return not any(self.differences().values())

    def differences(self) -> dict[str, list[int] | list[str]]:
        """Return every list of differences by its name; documents in quarantine are reported, not drift."""
        names = (
            "missing",
            "stale",
            "ghosts",
            "chunks_without_vector",
            "chunks_not_dense",
            "chunks_only_dense",
            "chunks_not_lexical",
            "chunks_only_lexical",
            "damaged_files",
            "problems",
        )
        return {name: getattr(self, name) for name in names}

    def as_json(self) -> dict[str, object]:
        """Return the report for machines; long lists are cut to their first entries, with their length."""
        values: dict[str, object] = {
            "collection": self.collection,
            "version": self.version,
            "documents": self.documents,
            "chunks": self.chunks,
            "pending": self.pending,
            "clean": self.clean,
        }
        for name, found in {**self.differences(), "failed": self.failed}.items():
            values[name] = {"count": len(found), "first": found[:_SHOWN]}
        return values


def check(collection: Collection) -> DriftReport:
    """Compare the collection's active version with its documents."""
    report = DriftReport(collection.slug)
    version = collection.active_version()
    if version is None:
        if collection.documents.published().exists():
            report.problems.append("There is no active index version.")
        return report
    report.version = version.number
    _check_documents(version, report)
    live = set(Chunk.objects.filter(version=version).live().values_list("pk", flat=True))
    report.chunks = len(live)
    _check_vectors(version, report)
    _check_dense(version, live, report)
    _check_lexical(version, live, report)
    return report


def repair(collection: Collection) -> DriftReport:
    """Mend what `check` finds and return the report of a second check. Raises LeaseBusy."""
    drain(collection.pk, budget_seconds=3600)
    report = check(collection)
    version = collection.active_version()
    if version is not None and not report.clean:
        with hold(collection.pk) as lease:
            _requeue(version, {*report.missing, *report.stale, *report.ghosts}, report)
            restore_files(version, lease)
        drain(collection.pk, budget_seconds=3600)
        report = check(collection)
    return report


def files_are_missing(version: IndexVersion) -> bool:
    """Tell whether a file of the version is not there; a quick look that reads none of them."""
    files = [segment_file(version, segment) for segment in version.segments.all()]
    paths = [path for file in files for path in (file.path, file.ids_path)]
    if publication := Publication.from_json(version.lexical_files):
        paths.append(version.folder / "lexical" / "published" / publication.folder / "meta.json")
    return not all(path.is_file() for path in paths)


def note_damage(version: IndexVersion, lease: Lease) -> bool:
    """Mark whatever of the version's files is missing or damaged; tell whether anything is.

    The version's next steps write marked segments again, and its next publication a marked lexical index.
    """
    lease.renew()
    for segment in version.segments.exclude(state=Segment.State.DAMAGED):
        if _damage(version, segment):
            version.segments.filter(pk=segment.pk).update(state=Segment.State.DAMAGED)
    if _lexical_damage(version):
        IndexVersion.objects.filter(pk=version.pk).update(lexical_files={})
    version.refresh_from_db()
    return not version.lexical_files or version.segments.filter(state=Segment.State.DAMAGED).exists()


def restore_files(version: IndexVersion, lease: Lease) -> bool:
    """Write again whatever of the version's files is missing or damaged; tell whether anything was."""
    if not note_damage(version, lease):
        return False
    lexical_feed.catch_up(version, lease)
    while version.segments.filter(state=Segment.State.DAMAGED).exists() and segments.step(version, lease):
        version.refresh_from_db()
    return True


def _check_documents(version: IndexVersion, report: DriftReport) -> None:
    waiting = set(version.pending_changes.values_list("document_id", flat=True))
    report.failed = sorted(version.pending_changes.failed().values_list("document_id", flat=True))
    report.pending = len(waiting) - len(report.failed)
    held = {
        pk: (revision, digest)
        for pk, revision, digest in IndexedDocument.objects.filter(version=version).values_list(
            "document_id", "revision", "content_hash"
        )
    }
    published = Document.objects.published().filter(collection=version.collection_id)
    for pk, revision, title, body in published.values_list("pk", "revision", "title", "body").iterator():
        report.documents += 1
        found = held.pop(pk, None)
        if pk in waiting:
            continue
        if found is None:
            report.missing.append(pk)
        elif found != (revision, content_hash(title, body)):
            report.stale.append(pk)
    report.ghosts = sorted(set(held) - waiting)
    orphans = (
        Chunk.objects.filter(version=version)
        .live()
        .exclude(document__in=IndexedDocument.objects.filter(version=version).values("document_id"))
    )
    report.ghosts.extend(sorted(set(orphans.values_list("document_id", flat=True)) - waiting - set(report.ghosts)))


def _check_vectors(version: IndexVersion, report: DriftReport) -> None:
    after = 0
    rows = Chunk.objects.filter(version=version).live().order_by("pk")
    while block := list(rows.filter(pk__gt=after).values_list("pk", "text_hash")[:5_000]):
        hashes = (text_hash for _, text_hash in block)
        known = Embedding.objects.known(version.encoder_fingerprint, hashes, version.dimension)
        report.chunks_without_vector.extend(pk for pk, text_hash in block if text_hash not in known)
        after = block[-1][0]


def _check_dense(version: IndexVersion, live: set[int], report: DriftReport) -> None:
    for segment in version.segments.all():
        if message := _damage(version, segment):
            report.damaged_files.append(message)
    if report.damaged_files:
        return
    engine = registry.engine_for(version.engine, version.engine_options)
    try:
        found = {int(chunk_id) for chunk_id in engine.open(read_state(version)).ids()}
    except (IndexDamaged, MissingEmbedding, BadVectors) as error:
        report.problems.append(str(error))
        return
    report.chunks_not_dense = sorted(live - found)
    report.chunks_only_dense = sorted(found - live)


def _check_lexical(version: IndexVersion, live: set[int], report: DriftReport) -> None:
    if message := _lexical_damage(version):
        report.damaged_files.append(message)
        return
    publication = Publication.from_json(version.lexical_files)
    if publication is None or version.lexical_generation < version.generation:
        return
    found = set(open_publication(version.folder / "lexical", publication).ids())
    report.chunks_not_lexical = sorted(live - found)
    report.chunks_only_lexical = sorted(found - live)


def _damage(version: IndexVersion, segment: Segment) -> str:
    """Return what is wrong with a segment's files, or an empty text."""
    file = segment_file(version, segment)
    for path, expected in ((file.path, file.sha256), (file.ids_path, file.ids_sha256)):
        try:
            if sha256_file(path) != expected:
                return f"{path.name}: damaged"
        except OSError as error:
            return f"{path.name}: {error.strerror}"
    return ""


def _lexical_damage(version: IndexVersion) -> str:
    publication = Publication.from_json(version.lexical_files)
    if publication is None:
        return "lexical: never published" if version.generation else ""
    try:
        open_publication(version.folder / "lexical", publication)
    except LexicalDamaged as error:
        return str(error)
    if not (version.folder / "lexical" / "work" / "meta.json").is_file():
        return "lexical/work: missing"
    return ""


def _requeue(version: IndexVersion, documents: Iterable[int], report: DriftReport) -> None:
    """Queue documents that differ, and forget what the version claims to hold of them."""
    chunks = Chunk.objects.filter(pk__in=report.chunks_without_vector)
    wanted = {*documents, *chunks.values_list("document_id", flat=True)}
    ids = sorted(wanted)
    revisions = dict(Document.objects.filter(pk__in=ids).values_list("pk", "revision"))
    held = IndexedDocument.objects.filter(version=version)
    for at in range(0, len(ids), 500):
        held.filter(document__in=ids[at : at + 500]).update(content_hash="")
        for pk in ids[at : at + 500]:
            held.get_or_create(
                version=version, document_id=pk, defaults={"revision": 0, "content_hash": "", "chunk_count": 0}
            )
        enqueue(version, [(pk, revisions.get(pk, 0)) for pk in ids[at : at + 500]])
