"""Encodes chunk texts that have no vector yet, in slices that are kept one by one.

A killed worker loses at most one slice; what is in the Embedding table is never encoded again.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence

from django.db import transaction
from django.db.models import F

from search import metrics, registry
from search.conf import conf
from search.embedding.base import Encoder, EncoderUnavailable, EncodingFailed
from search.models import Embedding, IndexVersion

logger = logging.getLogger(__name__)

_SLICE_CHARS = 65_536


def encode_missing(version: IndexVersion, texts: Mapping[str, str], renew: Callable[[], None]) -> dict[str, str]:
    """Store a vector for each of `texts` (text hash → text) that has none; return text hash → error.

    `renew` extends the caller's right to do it, in the transaction that stores. Raises EncoderUnavailable when
    nothing can be encoded at all, and what `renew` raises.
    """
    known = Embedding.objects.known(version.encoder_fingerprint, texts, version.dimension)
    missing = [key for key in texts if key not in known]
    if not missing:
        return {}
    encoder = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
    if encoder.fingerprint != version.encoder_fingerprint:
        raise EncoderUnavailable(
            f"{version} was made by encoder {version.encoder_fingerprint}, and {encoder.name!r} is now "
            f"{encoder.fingerprint}. Rebuild the collection, or bring the old encoder's files back."
        )
    failed: dict[str, str] = {}
    missing.sort(key=lambda key: len(texts[key]))
    for keys in _slices(missing, texts):
        failed |= _encode_slice(version, encoder, keys, texts, renew)
    return failed


def _slices(keys: Sequence[str], texts: Mapping[str, str]) -> Iterator[list[str]]:
    """Yield the keys in slices of limited count and text: the lease is renewed and vectors are kept after each."""
    part: list[str] = []
    chars = 0
    for key in keys:
        if part and (len(part) >= conf().ENCODE_SLICE_CHUNKS or chars + len(texts[key]) > _SLICE_CHARS):
            yield part
            part, chars = [], 0
        part.append(key)
        chars += len(texts[key])
    if part:
        yield part


def _encode_slice(
    version: IndexVersion,
    encoder: Encoder,
    keys: Sequence[str],
    texts: Mapping[str, str],
    renew: Callable[[], None],
) -> dict[str, str]:
    try:
        given = [texts[key] for key in keys]
        with metrics.timed_encode("documents", given):
            vectors = encoder.encode_documents(given)
    except EncoderUnavailable:
        raise
    except Exception as error:
        if len(keys) == 1:
            logger.exception("Encoding of one chunk failed")
            return {keys[0]: f"Encoding failed: {type(error).__name__}: {error}"}
        position = error.position if isinstance(error, EncodingFailed) else len(keys) // 2
        parts = (keys[:position], keys[position : position + 1], keys[position + 1 :])
        failed = [_encode_slice(version, encoder, part, texts, renew) for part in parts if part]
        return {key: message for part in failed for key, message in part.items()}
    rows = [
        Embedding(encoder_fingerprint=version.encoder_fingerprint, text_hash=key, vector=vector.astype("<f4").tobytes())
        for key, vector in zip(keys, vectors, strict=True)
    ]
    with transaction.atomic():
        renew()
        Embedding.objects.bulk_create(  # a vector that was there and could not be used is replaced
            rows,
            update_conflicts=True,
            unique_fields=["encoder_fingerprint", "text_hash"],
            update_fields=["vector"],
            batch_size=500,
        )
        IndexVersion.objects.filter(pk=version.pk).update(encoded_chunks=F("encoded_chunks") + len(rows))
    return {}
