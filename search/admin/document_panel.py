"""What a document's form shows about its way into the index: stage, reason, chunks. Reads only."""

from dataclasses import dataclass

from django.utils.text import Truncator

from search.admin import addresses
from search.admin.labels import STAGE_COLOURS, STAGE_NAMES
from search.indexing.status import DocumentStatus, Stage, document_statuses
from search.models import Chunk, Document

SHOWN_CHUNKS = 100
_BEGINNING_CHARS = 160


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """One chunk as the panel lists it; `beginning` is plain text."""

    ordinal: int
    start: int
    end: int
    tokens: int
    beginning: str


@dataclass(frozen=True, slots=True)
class DocumentPanel:
    """Everything in the panel. `stale` means that the index still holds an older revision of the text."""

    status: DocumentStatus
    stage_name: str
    stage_colour: str
    revision: int
    stale: bool
    chunks: list[ChunkRow]
    more_chunks: int
    search_url: str


def document_panel(document: Document) -> DocumentPanel:
    """Return the panel of one document."""
    status = document_statuses([document])[document.pk]
    live = Chunk.objects.live().filter(
        document=document.pk, version__collection=document.collection_id, version__number=status.version or 0
    )
    shown = [_row(chunk, document.body) for chunk in live.order_by("ordinal")[:SHOWN_CHUNKS]]
    findable = document.state == Document.State.PUBLISHED and status.stage != Stage.FAILED
    return DocumentPanel(
        status=status,
        stage_name=str(STAGE_NAMES[status.stage]),
        stage_colour=STAGE_COLOURS.get(status.stage, ""),
        revision=document.revision,
        stale=status.revision is not None and status.revision != document.revision,
        chunks=shown,
        more_chunks=max(0, status.chunks - len(shown)),
        search_url=addresses.search_page(document.collection, str(document)) if findable else "",
    )


def _row(chunk: Chunk, body: str) -> ChunkRow:
    text = " ".join(body[chunk.start : chunk.end][: 2 * _BEGINNING_CHARS].split())
    return ChunkRow(chunk.ordinal, chunk.start, chunk.end, chunk.tokens, Truncator(text).chars(_BEGINNING_CHARS))
