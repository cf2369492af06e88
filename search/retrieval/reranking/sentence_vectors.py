"""Vectors of sentences that are needed while somebody waits: the newest are remembered, and time is kept.

They are made by the encoder of the version that is searched, as its documents' vectors are, and kept by the
fingerprint of that encoder and the text itself: nothing that is remembered can be out of date.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

from search import registry
from search.datatypes import Vectors
from search.models import IndexVersion

_MOST_KEPT = 20_000  # of 384 dimensions: 30 MB
_AT_ONCE = 8
_cache: OrderedDict[tuple[str, str], Vectors] = OrderedDict()
_lock = threading.Lock()
_seconds_per_character = 1e-4  # of a slow machine, until it is known


class Deadline:
    """Milliseconds that may still be spent."""

    def __init__(self, milliseconds: float) -> None:
        self._ends = time.perf_counter() + milliseconds / 1_000

    def allows(self, seconds: float) -> bool:
        """Tell whether there is so much time left."""
        return time.perf_counter() + seconds <= self._ends


def sentence_vectors(version: IndexVersion, texts: Sequence[str], deadline: Deadline) -> dict[str, Vectors] | None:
    """Return the vector of each text, or None when making those that are not remembered would take too long.

    Raises EncoderUnavailable and EncodingFailed.
    """
    fingerprint = version.encoder_fingerprint
    with _lock:
        found = {text: _cache[fingerprint, text] for text in texts if (fingerprint, text) in _cache}
    missing = [text for text in dict.fromkeys(texts) if text not in found]
    for at in range(0, len(missing), _AT_ONCE):
        batch = missing[at : at + _AT_ONCE]
        if not deadline.allows(_seconds_per_character * sum(map(len, batch))):
            return None
        found.update(_encoded(version, batch))
    return found


def _encoded(version: IndexVersion, texts: Sequence[str]) -> dict[str, Vectors]:
    global _seconds_per_character
    begun = time.perf_counter()
    encoder = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
    made = dict(zip(texts, encoder.encode_documents(texts), strict=True))
    rate = (time.perf_counter() - begun) / max(sum(map(len, texts)), 1)
    _seconds_per_character = (_seconds_per_character + rate) / 2
    with _lock:
        _cache.update({(version.encoder_fingerprint, text): vector for text, vector in made.items()})
        while len(_cache) > _MOST_KEPT:
            _cache.popitem(last=False)
    return made


def forget() -> None:
    """Empty the cache, for tests that change encoders."""
    with _lock:
        _cache.clear()
