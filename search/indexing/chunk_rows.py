"""Writes the chunks of documents in a version as the rows they should now be. Runs inside the caller's transaction."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from django.db.models import F

from search.datatypes import TextChunk
from search.indexing.plan import HeldChunk, diff_chunks
from search.models import Chunk, IndexVersion

_ASIDE = 1_000_000_000  # added to ordinals while several chunks of a document change places


def replace(version: IndexVersion, wanted: Mapping[int, Sequence[TextChunk]], *, again: Collection[int] = ()) -> None:
    """Make the live chunks of each document (id → chunks) the wanted ones, at the version's current generation.

    Chunks with the same encoded text keep their row, and with it their vector id; those of documents in `again`
    count as added all the same, so that the indexes take them anew.
    """
    held: defaultdict[int, list[HeldChunk]] = defaultdict(list)
    rows = Chunk.objects.filter(version=version, document__in=list(wanted)).live()
    columns = ("document_id", "pk", "ordinal", "start", "end", "text_hash")
    for document_id, pk, ordinal, start, end, text_hash in rows.values_list(*columns):
        held[document_id].append(HeldChunk(pk, ordinal, start, end, text_hash))
    removed: list[int] = []
    moved: list[tuple[int, TextChunk]] = []
    added: list[Chunk] = []
    for document_id, chunks in wanted.items():
        diff = diff_chunks(held[document_id], chunks)
        removed.extend(diff.removed)
        moved.extend(diff.moved)
        added.extend(_row(version, document_id, chunk) for chunk in diff.added)
    for at in range(0, len(removed), 500):
        Chunk.objects.filter(pk__in=removed[at : at + 500]).update(removed_generation=version.generation)
    _move(moved)
    live = Chunk.objects.filter(version=version).live()
    live.filter(document__in=[pk for pk in wanted if pk in again]).update(added_generation=version.generation)
    Chunk.objects.bulk_create(added, batch_size=500)
    IndexVersion.objects.filter(pk=version.pk).update(
        chunks=F("chunks") + len(added) - len(removed), removed_chunks=F("removed_chunks") + len(removed)
    )


def _row(version: IndexVersion, document_id: int, chunk: TextChunk) -> Chunk:
    return Chunk(
        version=version,
        document_id=document_id,
        ordinal=chunk.ordinal,
        start=chunk.start,
        end=chunk.end,
        tokens=chunk.tokens,
        text_hash=chunk.text_hash,
        added_generation=version.generation,
    )


def _move(moved: Sequence[tuple[int, TextChunk]]) -> None:
    """Give kept chunks their new places, in two steps so that no two share an ordinal on the way."""
    rows = [
        Chunk(pk=pk, ordinal=chunk.ordinal, start=chunk.start, end=chunk.end, tokens=chunk.tokens)
        for pk, chunk in moved
    ]
    for at in range(0, len(rows), 500):
        Chunk.objects.filter(pk__in=[row.pk for row in rows[at : at + 500]]).update(ordinal=F("ordinal") + _ASIDE)
    Chunk.objects.bulk_update(rows, ["ordinal", "start", "end", "tokens"], batch_size=200)
