"""Measures how near a version's chunks are to questions that they do not answer, which tells what a cosine means there.

The median over many questions bears that a collection answers some of them. Small collections have no background worth
measuring. Never changes what is found, only what is said of it.
"""

import logging

import numpy as np

from search import registry
from search.embedding.base import EncoderUnavailable, EncodingFailed
from search.index_state import read_state
from search.indexing.background_queries import BACKGROUND_QUERIES
from search.indexing.leases import Lease
from search.models import IndexVersion

logger = logging.getLogger(__name__)

_LEAST_CHUNKS = 50
_GROWTH = 1.5


def wanted(version: IndexVersion) -> bool:
    """Tell whether the version has no calibration yet, or has by now half as many chunks again, or far fewer."""
    if version.chunks < _LEAST_CHUNKS:
        return False
    then = version.calibration.get("chunks", 0)
    return not then or not then / _GROWTH < version.chunks < then * _GROWTH


def step(version: IndexVersion, lease: Lease) -> bool:
    """Calibrate a version that wants it, in one step of about a second; False when it does not, or cannot be now."""
    if not wanted(version):
        return False
    lease.renew()
    try:
        background = measure(version)
    except (EncoderUnavailable, EncodingFailed) as error:
        logger.warning("%s is not calibrated: %s", version, error)
        return False
    lease.renew()
    version.calibration = {"background": background, "queries": len(BACKGROUND_QUERIES), "chunks": version.chunks}
    version.save(update_fields=["calibration"])
    return True


def measure(version: IndexVersion) -> float:
    """Return the median cosine of the nearest chunk. Raises EncoderUnavailable, EncodingFailed and IndexDamaged."""
    reader = registry.engine_for(version.engine, version.engine_options).open(read_state(version))
    encoder = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
    vectors = np.stack([encoder.encode_query(text) for text in BACKGROUND_QUERIES])
    nearest = [answer.distances[0] for answer in reader.search(vectors, 1) if len(answer.distances)]
    return round(float(1 - np.median(nearest) / 2), 4) if nearest else 0.0
