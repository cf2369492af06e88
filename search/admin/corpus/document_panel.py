"""What a document's form shows about its way into the index: stage, steps with seconds, chunks. Reads only."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.text import Truncator
from django.utils.translation import gettext as _

from search.admin import addresses, figures
from search.admin.labels import STAGE_COLOURS, STAGE_NAMES
from search.indexing.status import DocumentStatus, Stage, Way, document_statuses, seconds_between
from search.models import Chunk, Document

SHOWN_CHUNKS = 100
_BEGINNING_CHARS = 160
_MOVING = (Stage.QUEUED, Stage.ENCODING, Stage.RETRYING, Stage.WAITING)


@dataclass(frozen=True, slots=True)
class ChunkRow:
    """One chunk as the panel lists it; `beginning` is plain text."""

    ordinal: int
    start: int
    end: int
    tokens: int
    beginning: str


@dataclass(frozen=True, slots=True)
class WayStep:
    """One step of the way into the index. `state` is done, now, todo or stuck; `took` is since the step before."""

    name: str
    state: str
    at: datetime | None = None
    took: str = ""


@dataclass(frozen=True, slots=True)
class DocumentPanel:
    """Everything in the panel. `stale` means that the index still holds an older revision of the text."""

    status: DocumentStatus
    stage_name: str
    stage_colour: str
    revision: int
    stale: bool
    moving: bool
    steps: tuple[WayStep, ...]
    whole_way: str
    chunks: list[ChunkRow]
    more_chunks: int
    search_url: str
    why_url: str
    way_url: str


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
        moving=status.stage in _MOVING,
        steps=way_steps(status),
        whole_way=figures.seconds(status.way.seconds) if status.way.seconds is not None else "",
        chunks=shown,
        more_chunks=max(0, status.chunks - len(shown)),
        search_url=addresses.search_page(document.collection, str(document)) if findable else "",
        why_url=addresses.why(document),
        way_url=addresses.document_way(document),
    )


def way_steps(status: DocumentStatus) -> tuple[WayStep, ...]:
    """Return the four steps with the seconds that each took; nothing for a document that is not meant to be found."""
    if status.stage is Stage.UNPUBLISHED:
        return ()
    way = status.way
    version = _("Indexed in version %d") % status.version if status.version else _("Indexed")
    reached: tuple[tuple[str, datetime | None, datetime | None], ...] = (
        (_("Queued"), way.queued_at, None),
        (_("Encoded"), way.encoded_at, way.queued_at),
        (version, way.indexed_at, way.encoded_at or way.queued_at),
        (_("Visible"), way.visible_at, way.indexed_at),
    )
    last = max((place for place, (_name, at, _since) in enumerate(reached) if at is not None), default=-1)
    at_now = "stuck" if status.stage is Stage.FAILED else "now"
    return tuple(
        WayStep(
            name,
            "done" if place <= last else at_now if place == last + 1 else "todo",
            at,
            _took(at, since, place, way),
        )
        for place, (name, at, since) in enumerate(reached)
    )


def _took(at: datetime | None, since: datetime | None, place: int, way: Way) -> str:
    if place == 1 and at is None and way.indexed_at is not None:
        return _("nothing to encode")
    passed = seconds_between(since, at)
    return "" if passed is None else f"+{figures.seconds(passed)}"


def _row(chunk: Chunk, body: str) -> ChunkRow:
    text = " ".join(body[chunk.start : chunk.end][: 2 * _BEGINNING_CHARS].split())
    return ChunkRow(chunk.ordinal, chunk.start, chunk.end, chunk.tokens, Truncator(text).chars(_BEGINNING_CHARS))
