"""What people really searched for, as vectors, so that an index is measured and tuned on that too."""

import numpy as np

from search import registry
from search.datatypes import Vectors
from search.embedding.base import EncoderUnavailable, EncodingFailed
from search.models import IndexVersion, SearchLog

_QUERIES = 200


def logged_query_vectors(version: IndexVersion) -> Vectors | None:
    """Return the vectors of the newest logged queries, or None when there are none or no encoder."""
    texts = SearchLog.objects.filter(collection=version.collection_id).order_by("-id").values_list("text", flat=True)
    distinct = list(dict.fromkeys(texts[: 5 * _QUERIES]))[:_QUERIES]
    if not distinct:
        return None
    encoder = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
    if encoder.fingerprint != version.encoder_fingerprint:
        return None
    try:
        return np.stack([encoder.encode_query(text) for text in distinct])
    except (EncoderUnavailable, EncodingFailed):
        return None
