"""What a collection's options would make of a text, before anybody saves them. Writes nothing, encodes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from search import registry
from search.chunking.coverage import coverage
from search.datatypes import TextChunk
from search.storable import storable

MOST_CHARS = 100_000  # people wait for it, in a web process that others search with
_SHOWN_CHUNKS = 50


@dataclass(frozen=True, slots=True)
class PreviewedChunk:
    """One chunk: what is encoded before it, what it repeats of the chunk before, and the rest of its text."""

    ordinal: int
    start: int
    end: int
    tokens: int
    carried: tuple[str, ...]
    repeated: str
    text: str
    of_title: bool

    @property
    def overlap(self) -> int:
        """How many characters it shares with the chunk before."""
        return len(self.repeated)


@dataclass(frozen=True, slots=True)
class ChunkPreview:
    """The first chunks of a text, and what holds for all of them; `chars` of the text were cut."""

    chunks: tuple[PreviewedChunk, ...]
    count: int
    tokens: int
    coverage: float
    window: int
    chars: int

    @property
    def more(self) -> int:
        """How many chunks are not shown."""
        return self.count - len(self.chunks)


def preview_chunks(
    *,
    encoder_name: str,
    encoder_revision: str,
    encoder_runtime: str,
    chunking: Mapping[str, Any],
    title: str,
    body: str,
) -> ChunkPreview:
    """Return the chunks of the first characters of a text. Raises EncoderUnavailable or BadChunkingOptions."""
    encoder = registry.encoder(encoder_name, encoder_revision, encoder_runtime)
    chunker = registry.previewing_chunker(encoder, dict(chunking))
    body = storable(body[:MOST_CHARS])
    chunks = chunker.split(title, body)
    shown: list[PreviewedChunk] = []
    before = 0
    for chunk in chunks[:_SHOWN_CHUNKS]:
        shown.append(_shown(chunk, body, before))
        before = chunk.end
    return ChunkPreview(
        chunks=tuple(shown),
        count=len(chunks),
        tokens=sum(chunk.tokens for chunk in chunks),
        coverage=coverage(body, ((chunk.start, chunk.end) for chunk in chunks)),
        window=chunker.window.size,
        chars=len(body),
    )


def _shown(chunk: TextChunk, body: str, before: int) -> PreviewedChunk:
    own = chunk.end - chunk.start
    carried = chunk.encoded_text[: len(chunk.encoded_text) - own] if own else ""
    middle = min(max(chunk.start, before), chunk.end)
    return PreviewedChunk(
        ordinal=chunk.ordinal,
        start=chunk.start,
        end=chunk.end,
        tokens=chunk.tokens,
        carried=tuple(line for line in carried.split("\n") if line),
        repeated=body[chunk.start : middle],
        text=body[middle : chunk.end] if own else chunk.encoded_text,
        of_title=not own,
    )
