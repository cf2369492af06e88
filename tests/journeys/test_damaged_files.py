"""Five hundred damaged files, of every kind and several index types: refused before they are opened, and written
again from the database without encoding anything."""

import contextlib
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from search import registry
from search.engines.base import IndexDamaged
from search.index_state import read_state
from search.indexing import reconcile, requests
from search.indexing.checking import check
from search.indexing.sweep import sweep
from search.lexical.tantivy_index import LexicalDamaged, Publication, open_publication
from search.models import Collection, Document, IndexVersion
from search.query_service import NotReady, search
from search.retrieval import open_index

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

TYPES: dict[str, dict[str, Any]] = {
    "Flat": {"index_type": "Flat"},
    "HNSW": {"index_type": "HNSW"},
    "IVFFlat": {"index_type": "IVFFlat"},
    "HNSW,SQ8": {"index_type": "HNSW,SQ8"},
    "auto": {"index_type": "auto"},
}
PER_TYPE = 100
PER_ROUND = 5
DOCUMENTS = 200


@dataclass(frozen=True)
class Damage:
    """One kind of damage: does it to a file, given another file of the same kind."""

    name: str
    do: Callable[[Path, Path, random.Random], None]


def put(path: Path, data: bytes | bytearray) -> None:
    """Give a file another content as a restored backup would: who has the old one mapped keeps it."""
    scratch = path.with_name("scratch")
    scratch.write_bytes(data)
    scratch.replace(path)


def flip(low: float, high: float) -> Callable[[Path, Path, random.Random], None]:
    """Turn one bit over between two shares of the file."""

    def do(path: Path, other: Path, choose: random.Random) -> None:
        data = bytearray(path.read_bytes())
        at = min(len(data) - 1, int(len(data) * choose.uniform(low, high)))
        data[at] ^= 1 << choose.randrange(8)
        put(path, data)

    return do


def shorten(share: float) -> Callable[[Path, Path, random.Random], None]:
    """Cut the file off at a share of its length; at its last byte for 1."""

    def do(path: Path, other: Path, choose: random.Random) -> None:
        data = path.read_bytes()
        put(path, data[: min(len(data) - 1, int(len(data) * share))])

    return do


def replace_by_another(path: Path, other: Path, choose: random.Random) -> None:
    """Put a whole file of the same kind there, from another version."""
    put(path, other.read_bytes())


def swap(path: Path, other: Path, choose: random.Random) -> None:
    """Put another file of this version there."""
    mine = choose.choice([p for p in path.parent.iterdir() if p != path and p.read_bytes() != path.read_bytes()])
    put(path, mine.read_bytes())


def remove(path: Path, other: Path, choose: random.Random) -> None:
    """Delete it."""
    path.unlink()


def lengthen(path: Path, other: Path, choose: random.Random) -> None:
    """Add a byte at its end."""
    put(path, path.read_bytes() + b"\0")


DAMAGES = (
    Damage("bit flip in the header", flip(0.0, 0.02)),
    Damage("bit flip in the first half", flip(0.02, 0.5)),
    Damage("bit flip in the second half", flip(0.5, 0.98)),
    Damage("bit flip at the end", flip(0.98, 1.0)),
    Damage("truncated to a half", shorten(0.5)),
    Damage("truncated by a byte", shorten(1.0)),
    Damage("empty", shorten(0.0)),
    Damage("a byte longer", lengthen),
    Damage("swapped with another file", swap),
    Damage("from another version", replace_by_another),
    Damage("deleted", remove),
)


def files_of(version: IndexVersion) -> dict[str, list[Path]]:
    """The files of a version that its rows name, by their kind."""
    folder = version.folder / "segments"
    publication = Publication.from_json(version.lexical_files)
    assert publication is not None
    lexical = version.folder / "lexical" / "published" / publication.folder
    return {
        "vectors": [folder / name for name in version.segments.values_list("path", flat=True)],
        "ids": [folder / name for name in version.segments.values_list("ids_path", flat=True)],
        "lexical": [lexical / name for name in sorted(publication.files) if (lexical / name).stat().st_size],
    }


def refused(version: IndexVersion, kind: str) -> bool:
    """Whether opening what the damaged file belongs to is refused."""
    try:
        if kind == "lexical":
            publication = Publication.from_json(version.lexical_files)
            assert publication is not None
            open_publication(version.folder / "lexical", publication)
        else:
            registry.engine_for(version.engine, version.engine_options).open(read_state(version))
    except (IndexDamaged, LexicalDamaged):
        return True
    return False


@pytest.fixture
def other(collection: Collection, indexed: Callable[[], int]) -> IndexVersion:
    """An older version of the same collection, retired, with other files."""
    Document.objects.bulk_create(
        [
            Document(
                collection=collection, external_id=f"d{n}", title=f"Title {n}", body=f"penguin number{n}x w{n % 7}"
            )
            for n in range(DOCUMENTS)
        ]
    )
    Collection.objects.update(engine_options={"index_type": "Flat"}, chunking={"max_tokens": 16})
    requests.request_rebuild(collection)
    indexed()
    version = collection.active_version()
    assert version is not None
    return version


@pytest.mark.parametrize("index_type", TYPES)
def test_no_damaged_file_is_opened_and_each_is_written_again_without_encoding(
    index_type: str, other: IndexVersion, collection: Collection, indexed: Callable[[], int], settings: Any
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "TAIL_MAX_ROWS": 50, "MERGE_FANOUT": 100, "CHECK_SECONDS": 0.0}
    Collection.objects.update(engine_options=TYPES[index_type], chunking={})
    requests.request_rebuild(collection)
    indexed()
    more_segments(collection, indexed)
    foreign = {kind: path_list[0] for kind, path_list in kept_elsewhere(other).items()}
    encoded = registry.encoder("").calls  # type: ignore[attr-defined]
    choose = random.Random(index_type)
    wrong: list[str] = []
    for number in range(0, PER_TYPE, PER_ROUND):
        version = collection.active_version()
        assert version is not None
        wrong += problems_of(version, number, choose, foreign)
    print(f"\n{index_type}: {PER_TYPE - len(wrong)} of {PER_TYPE} damaged files refused and mended")  # noqa: T201
    assert not wrong, "\n".join(wrong)
    assert registry.encoder("").calls == encoded  # type: ignore[attr-defined]


def problems_of(version: IndexVersion, number: int, choose: random.Random, foreign: dict[str, Path]) -> list[str]:
    """Damage one file after another, then all of them at once; return what was opened, not found or not mended."""
    wrong: list[str] = []
    damaged: dict[Path, bytes | None] = {}
    for path, kind in chosen(version, choose):
        damage = DAMAGES[(number + len(damaged)) % len(DAMAGES)]
        whole = path.read_bytes()
        damage.do(path, foreign[kind], choose)
        if not refused(version, kind):
            wrong.append(f"{damage.name} of {path.name} was opened")
        damaged[path] = path.read_bytes() if path.exists() else None
        put(path, whole)
    assert not check(version).damaged_files
    for path, data in damaged.items():
        path.unlink() if data is None else put(path, data)
    mend(version, by_sweep=number % 3 == 0)
    report = reconcile.check(version.collection)
    if not report.clean:
        wrong.append(f"not mended: {report}")
    open_index.close_all()
    response = search("penguin number7x", k=1)
    if response.degraded or response.results[0].external_id != "d7":
        wrong.append(f"searches are not right afterwards: {response}")
    return wrong


def chosen(version: IndexVersion, choose: random.Random) -> list[tuple[Path, str]]:
    """PER_ROUND different files: one of each segment, vectors or ids, and the rest of the lexical index."""
    files = files_of(version)
    picked = []
    for vectors, ids in zip(files["vectors"], files["ids"], strict=True):
        picked.append(choose.choice([(vectors, "vectors"), (ids, "ids")]))
    lexical = choose.sample(files["lexical"], PER_ROUND - len(picked))
    return picked + [(path, "lexical") for path in lexical]


def mend(version: IndexVersion, *, by_sweep: bool) -> None:
    """Let a search notice and the sweep mend, or the command."""
    assert check(version).damaged_files
    if by_sweep:
        open_index.close_all()
        with contextlib.suppress(NotReady):  # both legs are damaged
            assert search("penguin").degraded
        for _ in range(2):  # a reader names one damaged segment; the worker finds the others
            sweep()
    else:
        reconcile.repair(version.collection)


def kept_elsewhere(version: IndexVersion) -> dict[str, list[Path]]:
    """Copies of a version's files, by their kind."""
    place = version.folder.parent / "kept"
    place.mkdir()
    return {
        kind: [Path(shutil.copy(path, place / f"{kind}-{path.name}")) for path in paths]
        for kind, paths in files_of(version).items()
    }


def more_segments(collection: Collection, indexed: Callable[[], int]) -> None:
    """A second and a third segment."""
    for part in range(2):
        Document.objects.bulk_create(
            [
                Document(collection=collection, external_id=f"e{part}-{n}", title="More", body=f"elephant e{part}x{n}")
                for n in range(60)
            ]
        )
        indexed()
    version = collection.active_version()
    assert version is not None
    assert version.segments.count() == 3
