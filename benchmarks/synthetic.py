"""Makes large collections in seconds, so that benchmarks measure the index and not the making of a corpus.

Rows are written straight into the tables, as a finished build would have left them: documents of made-up words,
one chunk each, random unit vectors. No text is encoded. Never touches an installation's own data folder.
"""

import hashlib
import itertools
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from search.embedding.fake import FakeEncoder  # noqa: E402

if TYPE_CHECKING:
    from search.models import Collection, IndexVersion

DIMENSION = 384
SLUG = "synthetic"
_BLOCK_ROWS = 10_000
_WORDS = 20
_VOCABULARY = 20_000
_STAMP = "2026-01-01 00:00:00+00:00"


class SyntheticEncoder(FakeEncoder):
    """The deterministic encoder at the width of a real one: encoding costs next to nothing."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "dimension": DIMENSION})


def set_up(data_dir: Path, *, encoder_runtime: str = "synthetic", **settings_of_semsearch: Any) -> None:
    """Start Django on a data folder of the benchmark's own, with its tables."""
    os.environ["SEMSEARCH_DATA_DIR"] = str(data_dir)
    os.environ.setdefault("DJANGO_LOG_LEVEL", "WARNING")
    os.environ["DJANGO_SETTINGS_MODULE"] = "semsearch_project.settings.dev"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from search.conf import Conf

    settings.SEMSEARCH = {
        **settings.SEMSEARCH,
        "ENCODERS": {**Conf().ENCODERS, "synthetic": "benchmarks.synthetic.SyntheticEncoder"},
        "ENCODER_RUNTIME": encoder_runtime,
        **settings_of_semsearch,
    }
    call_command("migrate", verbosity=0)


def unit_vectors(count: int, seed: int) -> NDArray[np.float32]:
    """Return random vectors of norm 1, shape (count, DIMENSION)."""
    vectors = np.random.default_rng(seed).standard_normal((count, DIMENSION), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors


def make_collection(count: int, *, engine_options: dict[str, Any] | None = None) -> "Collection":
    """Make the collection `synthetic` with `count` documents and no index version."""
    from search.models import Collection

    options = engine_options or {"index_type": "Flat"}
    collection = Collection.objects.create(slug=SLUG, name="Synthetic", engine_options=options)
    columns = "id, collection_id, external_id, title, body, url, language, metadata, state, visibility, revision"
    _insert("document", columns + ", created_at, updated_at", _documents(collection.pk, count))
    return collection


def make_version(collection: "Collection", *, engine_options: dict[str, Any] | None = None) -> "IndexVersion":
    """Give the collection a version that has applied every document, and write its files."""
    from search.indexing import lexical_feed, lifecycle, segments
    from search.indexing.leases import hold
    from search.models import Chunk, IndexVersion

    if engine_options is not None:
        collection.engine_options = engine_options
        collection.save()
    version = lifecycle.create_version(collection, activate_when_ready=False)
    count = collection.documents.count()
    first = (Chunk.objects.order_by("-pk").values_list("pk", flat=True).first() or 0) + 1
    _insert("chunk", "id, version_id, document_id, ordinal, start, \"end\", tokens, text_hash, added_generation",
            _chunks(version.pk, first, count))  # fmt: skip
    if not _has_vectors(version):
        _insert("embedding", "encoder_fingerprint, text_hash, vector", _embeddings(version.encoder_fingerprint, count))
    _insert("indexeddocument", "version_id, document_id, revision, content_hash, chunk_count, indexed_at",
            ((version.pk, pk, 1, "", 1, _STAMP) for pk in range(1, count + 1)))  # fmt: skip
    columns: dict[str, Any] = {"filled_to": None, "generation": 1, "documents": count, "chunks": count}
    IndexVersion.objects.filter(pk=version.pk).update(**columns)
    version.refresh_from_db()
    with hold(collection.pk) as lease:
        segments.run(version, lease, everything=True)
        lexical_feed.catch_up(version, lease)
    return version


def _has_vectors(version: "IndexVersion") -> bool:
    from search.models import Embedding

    return Embedding.objects.filter(encoder_fingerprint=version.encoder_fingerprint, text_hash=_hash(1)).exists()


def _hash(number: int) -> str:
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()


def body(number: int) -> str:
    """Return the text of document `number`: common and rare words, the same at each call."""
    random = np.random.default_rng(number)
    words = (_VOCABULARY * random.random(_WORDS) ** 3).astype(int)
    return " ".join(f"word{word}" for word in words)


def _documents(collection_id: int, count: int) -> Iterator[Sequence[Any]]:
    for pk in range(1, count + 1):
        yield (pk, collection_id, f"d{pk}", f"Title {pk}", body(pk), "", "", "{}", "published", "public", 1,
               _STAMP, _STAMP)  # fmt: skip


def _chunks(version_id: int, first: int, count: int) -> Iterator[Sequence[Any]]:
    for number in range(1, count + 1):
        yield first + number - 1, version_id, number, 0, 0, 60, _WORDS, _hash(number), 1


def _embeddings(fingerprint: str, count: int) -> Iterator[Sequence[Any]]:
    for at in range(0, count, _BLOCK_ROWS):
        for offset, vector in enumerate(unit_vectors(min(_BLOCK_ROWS, count - at), seed=at)):
            yield fingerprint, _hash(at + offset + 1), vector.astype("<f4").tobytes()


def _insert(table: str, columns: str, rows: Iterator[Sequence[Any]]) -> None:
    """Insert rows by plain SQL, a block a transaction."""
    from django.db import connection, transaction

    marks = ", ".join(["%s"] * len(columns.split(",")))
    statement = f"INSERT INTO search_{table} ({columns}) VALUES ({marks})"
    while block := list(itertools.islice(rows, _BLOCK_ROWS)):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.executemany(statement, block)
