"""The examples of rules of meaning as vectors, by the encoder of the version that is searched; remembered.

Knows no rule: lines of text come in, cosines go out.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from search import registry
from search.datatypes import Vectors
from search.embedding.base import EncoderUnavailable, EncodingFailed
from search.models import IndexVersion

_MOST = 10_000

_vectors: OrderedDict[tuple[str, str], Vectors] = OrderedDict()
_guard = threading.Lock()


def missing(version: IndexVersion, lines: Sequence[str]) -> list[str]:
    """Return the lines that are not remembered."""
    with _guard:
        return [line for line in lines if (version.encoder_fingerprint, line) not in _vectors]


def encode(version: IndexVersion, lines: Sequence[str]) -> None:
    """Encode and remember lines; what cannot be encoded is left out."""
    wanted = missing(version, lines)
    if not wanted:
        return
    try:
        encoder = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
        if encoder.fingerprint != version.encoder_fingerprint:
            return
        for line in wanted:
            vector = encoder.encode_query(line)
            with _guard:
                _vectors[version.encoder_fingerprint, line] = vector
                while len(_vectors) > _MOST:
                    _vectors.popitem(last=False)
    except (EncoderUnavailable, EncodingFailed):
        return


def cosines(version: IndexVersion, lines: Sequence[str], vector: Vectors) -> dict[str, float]:
    """Return the cosine of each remembered line to `vector`."""
    with _guard:
        keys = [(version.encoder_fingerprint, line) for line in lines]
        known = {line: _vectors[key] for line, key in zip(lines, keys, strict=True) if key in _vectors}
    if not known:
        return {}
    return dict(zip(known, map(float, np.stack(list(known.values())) @ vector), strict=True))


def forget() -> None:
    """Empty the memory, for tests that change encoders."""
    with _guard:
        _vectors.clear()
