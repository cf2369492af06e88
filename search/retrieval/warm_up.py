"""Loads the encoders and opens the active versions of a web process, so that nobody's first query waits."""

import logging

from django.db import connection

from search import registry
from search.models import IndexVersion
from search.retrieval.curation import rule_matching
from search.retrieval.open_index import open_version
from search.retrieval.query_vectors import query_vector

logger = logging.getLogger(__name__)


def warm_up() -> None:
    """Do so for every active version; where there is none yet, for the encoder that the first one will have.

    Never raises: a query will meet the same trouble and name it.
    """
    try:
        versions = list(IndexVersion.objects.active().select_related("collection"))
        if not versions:
            registry.encoder("", runtime=registry.runtime_for("")).encode_query("warm up")
        for version in versions:
            open_version(version)
            query_vector(version, "warm up")
            rule_matching.warm_up(version)
    except Exception:
        logger.exception("Warming up stopped; the first queries will do the rest")
    finally:
        connection.close()
