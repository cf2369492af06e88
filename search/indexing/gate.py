"""Judges whether a version may go live. It reports and never repairs, and it changes nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from search import registry
from search.embedding.base import EncoderUnavailable, EncodingFailed
from search.engines.base import BadEngineOptions, BadVectors, IndexDamaged
from search.files import sha256_file
from search.index_state import read_state, segment_file, vectors_of
from search.indexing import gate_checks
from search.indexing.version_files import lexical_is_missing
from search.lexical.tantivy_index import LexicalDamaged, Publication, open_publication
from search.models import Chunk, Document, IndexedDocument, IndexVersion, MissingEmbedding

_SMOKE_CHUNKS = 5
_SMOKE_K = 10
_AT_ONCE_BYTES = 64 << 20  # hashed within about a tenth of a second


@dataclass(frozen=True, slots=True)
class GateCheck:
    """One condition: whether it holds, and in words what was found."""

    name: str
    passed: bool
    found: str


@dataclass(frozen=True, slots=True)
class GateReport:
    """Every condition, judged at one generation of the version."""

    generation: int
    at: datetime
    checks: tuple[GateCheck, ...]

    @property
    def passed(self) -> bool:
        """True when every condition holds."""
        return all(check.passed for check in self.checks)

    @property
    def failed(self) -> set[str]:
        """The names of the conditions that do not hold."""
        return {check.name for check in self.checks if not check.passed}

    @property
    def refusals(self) -> list[str]:
        """What stands in the way, in words."""
        return [check.found for check in self.checks if not check.passed]

    def as_json(self) -> dict[str, Any]:
        """Return the form that the version's row keeps."""
        checks = [{"name": c.name, "passed": c.passed, "found": c.found} for c in self.checks]
        return {
            "generation": self.generation,
            "at": self.at.isoformat(),
            "passed": self.passed,
            "checks": checks,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "GateReport | None":
        """Return the report that a version's row keeps, or None when the gate has not judged yet."""
        if not value:
            return None
        checks = tuple(GateCheck(c["name"], c["passed"], c["found"]) for c in value["checks"])
        return cls(value["generation"], datetime.fromisoformat(value["at"]), checks)


def assess(version: IndexVersion) -> GateReport:
    """Judge a version as it is now. Reads every file of it once; for the worker and for commands."""
    checks = [GateCheck(name, *check(version)) for name, check in CHECKS.items()]
    checks += [GateCheck(name, *found) for name, found in gate_checks.judged(version)]
    return GateReport(version.generation, timezone.now(), tuple(checks))


def report_of(version: IndexVersion) -> GateReport | None:
    """Return the version's last report, as long as nothing has changed in it since."""
    report = GateReport.from_json(version.gate)
    return report if report is not None and report.generation == version.generation else None


def files_in_place(version: IndexVersion) -> bool:
    """Tell whether every file is there with the size it should have; a quick look that reads none of them."""
    if lexical_is_missing(version):
        return False
    for segment in version.segments.all():
        file = segment_file(version, segment)
        try:
            size = file.path.stat().st_size + file.ids_path.stat().st_size
        except OSError:
            return False
        if segment.state == segment.State.DAMAGED or size != file.size_bytes:
            return False
    return True


def files_sound(version: IndexVersion) -> bool:
    """Tell whether every file is in place and has its SHA-256; False also where that would take long to find out."""
    sizes = version.segments.aggregate(total=Sum("size_bytes"))["total"] or 0
    return sizes <= _AT_ONCE_BYTES and files_in_place(version) and _files(version)[0]


def coverage(version: IndexVersion) -> tuple[int, int]:
    """Return how many published documents there are, and how many of them the version holds as they are now."""
    published = Document.objects.published().filter(collection=version.collection_id)
    held = IndexedDocument.objects.filter(
        version=version,
        document__collection=version.collection_id,
        document__state=Document.State.PUBLISHED,
        document__revision=F("revision"),
    )
    return published.count(), held.count()


def _coverage(version: IndexVersion) -> tuple[bool, str]:
    published, held = coverage(version)
    failed = version.pending_changes.failed().count()
    found = _("%(held)d of %(published)d documents are in it.") % {"held": held, "published": published}
    if failed:
        found += " " + _("%d could not be indexed; retry or correct them.") % failed
    return held == published and not failed, found


def _recall(version: IndexVersion) -> tuple[bool, str]:
    if not version.chunks:
        return True, _("There is nothing to measure: no text is in it.")
    if version.recall is None:
        return False, _("Its recall has not been measured.")
    if version.recall_target is None:
        return True, _("Recall@10 is %.4f; none was asked for, since the search parameters are fixed.") % version.recall
    found = _("Recall@10 is %(recall).4f; %(target)g was asked for.")
    return version.recall >= version.recall_target, found % {"recall": version.recall, "target": version.recall_target}


def _files(version: IndexVersion) -> tuple[bool, str]:
    count = 0
    for segment in version.segments.all():
        file = segment_file(version, segment)
        for path, expected in ((file.path, file.sha256), (file.ids_path, file.ids_sha256)):
            try:
                actual = sha256_file(path)
            except OSError as error:
                return False, _("File %(name)s cannot be read: %(why)s.") % {"name": path.name, "why": error.strerror}
            if actual != expected:
                return False, _("File %s is damaged: its SHA-256 is another one.") % path.name
            count += 1
    publication = Publication.from_json(version.lexical_files)
    if publication is None:
        return False, _("The lexical index has never been published.")
    try:
        open_publication(version.folder / "lexical", publication)
    except LexicalDamaged as error:
        return False, str(error)
    return True, _("The SHA-256 of all %d files is as recorded.") % (count + len(publication.files))


def _smoke(version: IndexVersion) -> tuple[bool, str]:
    """Search for some of the version's own chunks, with both legs and with the real encoder."""
    live = Chunk.objects.filter(version=version).live().order_by("pk")
    rows = list(live.values_list("pk", "text_hash", "document_id", "start", "end")[:_SMOKE_CHUNKS])
    if not rows:
        return True, _("There is nothing to search for: no text is in it.")
    try:
        missed = _missed_by_vector(version, [row[:2] for row in rows])
        if missed:
            return False, _("A search for the vector of chunk %d does not find it.") % missed[0]
        if not _found_by_words(version, rows[0][2]):
            return False, _("A search for the words of document %d finds nothing.") % rows[0][2]
    except (IndexDamaged, LexicalDamaged, MissingEmbedding, BadVectors, BadEngineOptions) as error:
        return False, str(error)
    except (EncoderUnavailable, EncodingFailed) as error:
        return False, _("The encoder does not answer: %s") % error
    return True, _("%d searches by vector and one by words were answered.") % len(rows)


def _missed_by_vector(version: IndexVersion, rows: list[tuple[int, str]]) -> list[int]:
    reader = registry.engine_for(version.engine, version.engine_options).open(read_state(version))
    encoder = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
    reader.search(encoder.encode_query("smoke test")[None], 1)
    ids, vectors = vectors_of(version, rows)
    # Texts that are equal have equal vectors, and any of them may be the one that comes back.
    answers = reader.search(vectors, _SMOKE_K)
    return [
        int(chunk_id)
        for chunk_id, answer in zip(ids, answers, strict=True)
        if chunk_id not in answer.ids and (not len(answer.ids) or answer.distances[0] > 1e-3)
    ]


def _found_by_words(version: IndexVersion, document_id: int) -> bool:
    document = Document.objects.filter(pk=document_id).first()
    publication = Publication.from_json(version.lexical_files)
    if document is None or publication is None:
        return True
    reader = open_publication(version.folder / "lexical", publication)
    query = reader.query_of(f"{document.title} {document.body[:200]}")
    return not query.words or bool(reader.search(query, _SMOKE_K))


CHECKS: dict[str, Callable[[IndexVersion], tuple[bool, str]]] = {
    "coverage": _coverage,
    "recall": _recall,
    "files": _files,
    "smoke": _smoke,
}
