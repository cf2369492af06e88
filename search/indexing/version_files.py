"""What is wrong with a version's files on disk, and marking it so that the version's next steps write them again.

Damage is never an argument: every file can be made from the database. Nothing here opens an index or writes a file.
"""

from collections.abc import Generator
from pathlib import Path

from search.files import sha256_steps
from search.index_state import segment_file
from search.indexing.leases import Lease
from search.lexical.tantivy_index import LexicalDamaged, Publication, open_verified
from search.models import IndexVersion, Segment


def files_are_missing(version: IndexVersion) -> bool:
    """Tell whether a file of the version is not there; a quick look that reads none of them."""
    missing = any(_missing_paths(version, segment) for segment in version.segments.all())
    return missing or (bool(version.lexical_files) and lexical_is_missing(version))


def lexical_is_missing(version: IndexVersion) -> bool:
    """Tell whether a file of the published lexical index is not there."""
    publication = Publication.from_json(version.lexical_files)
    if publication is None:
        return True
    place = version.folder / "lexical" / "published" / publication.folder
    return not all((place / name).is_file() for name in publication.files)


def mark_missing(version: IndexVersion, lease: Lease) -> None:
    """Mark segments and the lexical index whose files are not there, without reading those that are."""
    lease.renew()
    gone = [segment.pk for segment in version.segments.all() if _missing_paths(version, segment)]
    _mark(version, gone, lexical=bool(version.lexical_files) and lexical_is_missing(version))


def mark_damaged(version: IndexVersion, lease: Lease) -> bool:
    """Read every file through and mark what is missing or damaged; tell whether anything is."""
    damaged = []
    for segment in version.segments.exclude(state=Segment.State.DAMAGED):
        lease.renew()
        if _last(segment_damage_steps(version, segment)):
            damaged.append(segment.pk)
    lease.renew()
    _mark(version, damaged, lexical=bool(_last(lexical_damage_steps(version))))
    return not version.lexical_files or version.segments.filter(state=Segment.State.DAMAGED).exists()


def segment_damage_steps(version: IndexVersion, segment: Segment) -> Generator[None, None, str]:
    """Read a segment's files through in short steps; return what is wrong with them, or an empty text."""
    file = segment_file(version, segment)
    for path, expected in ((file.path, file.sha256), (file.ids_path, file.ids_sha256)):
        try:
            actual = yield from sha256_steps(path)
        except OSError as error:
            return f"{path.name}: {error.strerror}"
        if actual != expected:
            return f"{path.name}: damaged"
    return ""


def lexical_damage_steps(version: IndexVersion) -> Generator[None, None, str]:
    """Read the published lexical index through in short steps; return what is wrong with it, or an empty text."""
    publication = Publication.from_json(version.lexical_files)
    if publication is None:
        return "lexical: never published" if version.generation else ""
    folder = version.folder / "lexical"
    for name, expected in publication.files.items():
        try:
            actual = yield from sha256_steps(folder / "published" / publication.folder / name)
        except OSError as error:
            return f"lexical {publication.folder}/{name}: {error.strerror}"
        if actual != expected:
            return f"lexical {publication.folder}/{name}: damaged"
    try:
        open_verified(folder, publication)
    except LexicalDamaged as error:
        return str(error)
    return "" if (folder / "work" / "meta.json").is_file() else "lexical/work: missing"


def _missing_paths(version: IndexVersion, segment: Segment) -> list[Path]:
    file = segment_file(version, segment)
    return [path for path in (file.path, file.ids_path) if not path.is_file()]


def _mark(version: IndexVersion, segments: list[int], *, lexical: bool) -> None:
    version.segments.filter(pk__in=segments).update(state=Segment.State.DAMAGED)
    if lexical:
        IndexVersion.objects.filter(pk=version.pk).update(lexical_files={})
    if segments or lexical:  # what its gate has said of its files holds no more
        IndexVersion.objects.filter(pk=version.pk).exclude(state=IndexVersion.State.ACTIVE).update(gate={})
    version.refresh_from_db()


def _last(steps: Generator[None, None, str]) -> str:
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return str(finished.value)
