"""A migration that moves data does so on either database, forwards and back."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(name: str | None) -> Any:
    """Go to a migration of search, or to the newest; return the models as they are there."""
    executor = MigrationExecutor(connection)
    targets = (
        [("search", name)] if name else [node for node in executor.loader.graph.leaf_nodes() if node[0] == "search"]
    )
    executor.migrate(targets)
    return executor.loader.project_state(targets).apps


@pytest.fixture
def newest() -> Iterator[None]:
    """Leave the database as the other tests expect it."""
    yield
    migrate(None)


def test_rules_take_the_name_of_their_document_along_and_find_it_again_on_the_way_back(newest: None) -> None:
    apps = migrate("0015_document_rules")
    collection = apps.get_model("search", "Collection").objects.create(slug="old", name="Old")
    documents = apps.get_model("search", "Document").objects
    kept, gone = (documents.create(collection=collection, external_id=name, body="b") for name in ("kept", "gone"))
    rules = apps.get_model("search", "CurationRule").objects
    for document in (kept, gone):
        rules.create(collection=collection, document=document, action="pin", match="exact", queries="q")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM search_document WHERE external_id = %s", ["gone"])

    apps = migrate("0016_rules_by_external_id")
    assert list(apps.get_model("search", "CurationRule").objects.values_list("external_id", flat=True)) == ["kept"]

    apps = migrate("0015_document_rules")
    assert list(apps.get_model("search", "CurationRule").objects.values_list("document_id", flat=True)) == [kept.pk]
