"""Query texts to vectors, by the encoder of the version that is searched; the newest ones are remembered.

A search begins with this and needs it late: it is done in a thread beside the search by words.
"""

import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context

from search import metrics, registry
from search.conf import conf
from search.datatypes import Vectors
from search.embedding.base import EncoderUnavailable
from search.models import IndexVersion

_cache: OrderedDict[tuple[str, str], Vectors] = OrderedDict()
_lock = threading.Lock()
_beside = ThreadPoolExecutor(max_workers=8, thread_name_prefix="query-vector")


def begin_query_vector(version: IndexVersion, text: str) -> "Future[Vectors]":
    """Begin to make the vector of `text`; the result, or what `query_vector` raises, is awaited with `result()`."""
    if (version.encoder_fingerprint, text) not in _cache:
        return _beside.submit(copy_context().run, query_vector, version, text)
    known: Future[Vectors] = Future()
    try:
        known.set_result(query_vector(version, text))
    except EncoderUnavailable as error:  # somebody else's newer query has pushed it out meanwhile
        known.set_exception(error)
    return known


def query_vector(version: IndexVersion, text: str) -> Vectors:
    """Return the vector of `text`, shape (dimension,), norm 1.

    Raises EncoderUnavailable when the encoder cannot be loaded or is not the one that made the version.
    """
    key = (version.encoder_fingerprint, text)
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            metrics.count("query_vectors", cache="hit")
            return _cache[key]
    encoder = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
    if encoder.fingerprint != version.encoder_fingerprint:
        raise EncoderUnavailable(
            f"{version} was made by encoder {version.encoder_fingerprint}; {encoder.name!r} here is "
            f"{encoder.fingerprint}. Rebuild the collection, or bring the old encoder's files back."
        )
    metrics.count("query_vectors", cache="miss")
    with metrics.timed_encode("query", [text]):
        vector = encoder.encode_query(text)
    with _lock:
        _cache[key] = vector
        while len(_cache) > conf().QUERY_CACHE_SIZE:
            _cache.popitem(last=False)
    return vector


def is_warm() -> bool:
    """Tell whether every active version's encoder is loaded in this process."""
    versions = IndexVersion.objects.active().values_list("encoder_name", "encoder_revision", "encoder_runtime")
    return all(registry.encoder(*recipe).is_loaded for recipe in versions.distinct())


def forget() -> None:
    """Empty the cache, for tests that change encoders."""
    with _lock:
        _cache.clear()
