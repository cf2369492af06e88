"""Measures how near a version's chunks are to questions that they do not answer, and what all of them have in common.

The first tells what a cosine means there; the median over many questions bears that a collection answers some of them.
The second, the mean of the vectors, is what tells none of them from another when candidates are ranked. Small
collections have neither. Never changes an index.
"""

import base64
import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search import registry
from search.datatypes import Vectors
from search.embedding.base import EncoderUnavailable, EncodingFailed
from search.engines.base import IndexReader
from search.index_state import StoredVectors, read_state
from search.indexing.background_queries import BACKGROUND_QUERIES
from search.indexing.leases import Lease
from search.models import IndexVersion

logger = logging.getLogger(__name__)

_LEAST_CHUNKS = 50
_SAMPLE = 1_000  # of chunks, whose mean is within .03 of that of all
_GROWTH = 1.5
_LEAD_OVER = 50  # a chunk that says something of a question's subject, but hardly answers it
_HIGH = 0.93  # of the background questions have a smaller lead


def wanted(version: IndexVersion) -> bool:
    """Tell whether the version has no calibration yet, or has by now half as many chunks again, or far fewer."""
    if version.chunks < _LEAST_CHUNKS:
        return False
    if "leads" not in version.calibration:
        return True
    then = version.calibration.get("chunks", 0)
    return not then or not then / _GROWTH < version.chunks < then * _GROWTH


def step(version: IndexVersion, lease: Lease) -> bool:
    """Calibrate a version that wants it, in one step of about a second; False when it does not, or cannot be now."""
    if not wanted(version):
        return False
    lease.renew()
    try:
        version.calibration = measured(version)
    except (EncoderUnavailable, EncodingFailed) as error:
        logger.warning("%s is not calibrated: %s", version, error)
        return False
    lease.renew()
    version.save(update_fields=["calibration"])
    return True


def measured(version: IndexVersion) -> dict[str, Any]:
    """Return what a version's row keeps of it. Raises EncoderUnavailable, EncodingFailed and IndexDamaged."""
    reader = registry.engine_for(version.engine, version.engine_options).open(read_state(version))
    nearest = background(version, reader)
    return {
        "background": round(float(np.median(nearest[:, 0])), 4),
        "leads": _leads(nearest),
        "queries": len(BACKGROUND_QUERIES),
        "centre": base64.b64encode(centre(version, reader).astype(np.float16).tobytes()).decode(),
        "chunks": version.chunks,
    }


def background(version: IndexVersion, reader: IndexReader) -> NDArray[np.float64]:
    """Return the cosines of the nearest chunks to each question, best first; of an empty index, one column of 0.

    Their shape is (questions, up to 50). Raises EncoderUnavailable and EncodingFailed.
    """
    encoder = registry.encoder(version.encoder_name, version.encoder_revision, version.encoder_runtime)
    vectors = np.stack([encoder.encode_query(text) for text in BACKGROUND_QUERIES])
    answers = [1 - answer.distances.astype(np.float64) / 2 for answer in reader.search(vectors, _LEAD_OVER)]
    fewest = min(len(cosines) for cosines in answers)
    return np.stack([cosines[:fewest] for cosines in answers]) if fewest else np.zeros((len(answers), 1))


def _leads(nearest: NDArray[np.float64]) -> dict[str, float]:
    """Return the usual lead of the nearest chunk over a later one, and the one that few questions reach."""
    leads = nearest[:, 0] - nearest[:, -1]
    high = round(float(np.quantile(leads, _HIGH)), 4)
    return {"over": nearest.shape[1], "usual": round(float(np.median(leads)), 4), "high": high}


def centre(version: IndexVersion, reader: IndexReader) -> Vectors:
    """Return the mean of the vectors of up to 1,000 chunks, evenly spread; of an empty index nothing."""
    ids = reader.ids()
    if not len(ids):
        return np.empty(0, np.float32)
    vectors = StoredVectors(version, ids).read(ids[:: max(1, -(-len(ids) // _SAMPLE))])
    mean: Vectors = vectors.mean(axis=0)
    return mean
