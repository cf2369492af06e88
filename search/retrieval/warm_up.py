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
    """Do so for the default encoder and every active version. Never raises: a query will
    meet the same trouble and name it.
    """
    try:
        registry.encoder("").encode_query("warm up")
        for version in IndexVersion.objects.active().select_related("collection"):
            open_version(version)
            query_vector(version, "warm up")
            rule_matching.warm_up(version)
    except Exception:
        logger.exception("Warming up stopped; the first queries will do the rest")
    finally:
        connection.close()
