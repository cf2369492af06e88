"""What stops indexing as a whole, through no document's fault, and how that is told to people.

Work stays queued and is tried again by the sweep; nothing here decides when.
"""

import errno

from search.chunking.base import BadChunkingOptions
from search.embedding.base import EncoderUnavailable
from search.engines.base import BadEngineOptions, BadVectors
from search.models import MissingEmbedding

STOPPAGES = (EncoderUnavailable, MissingEmbedding, BadVectors, BadEngineOptions, BadChunkingOptions, OSError)

_ADVICE = {
    errno.ENOSPC: "The disk of the index folder is full. Make room; indexing then goes on by itself.",
    errno.EDQUOT: "The disk quota of the index folder is used up. Raise it; indexing then goes on by itself.",
    errno.EROFS: "The index folder cannot be written to. Make it writable; indexing then goes on by itself.",
    errno.EACCES: "The index folder cannot be written to. Make it writable; indexing then goes on by itself.",
    errno.EIO: "The disk of the index folder reports errors. Indexing is tried again; look at the disk.",
}


_KINDS = {"full": (errno.ENOSPC, errno.EDQUOT), "disk": (errno.EROFS, errno.EACCES, errno.EIO)}


def kind(told: str) -> str:
    """Return what sort of stoppage `in_words` told of, without its details: full, disk, encoder or other; "" for none.

    It may be shown to everybody: it names no path, document or setting.
    """
    if not told:
        return ""
    for name, numbers in _KINDS.items():
        if any(told.startswith(_ADVICE[number]) for number in numbers):
            return name
    return "encoder" if told.startswith(EncoderUnavailable.__name__) else "other"


def in_words(error: Exception) -> str:
    """Return what a version's `last_error` says of it."""
    said = f"{type(error).__name__}: {error}"
    advice = _ADVICE.get(error.errno or 0) if isinstance(error, OSError) else None
    return f"{advice} ({said})" if advice else said
