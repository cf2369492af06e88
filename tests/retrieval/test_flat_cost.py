"""What a search asks of the database does not grow with the collection."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection

from search import query_service
from search.models import Collection, Document

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite alone counts the steps of a query"),
]
FEW, MANY = 600, 2_400
_STEPS_AT_ONCE = 20


def anybody() -> None:
    """Nobody who is signed in."""


def member() -> User:
    """Somebody who sees what is for his group."""
    user = User.objects.create_user("member")
    user.groups.add(Group.objects.create(name="staff"))
    return user


@contextmanager
def counted_steps() -> Iterator[list[int]]:
    """Count the steps that SQLite's machine takes meanwhile."""
    steps = [0]

    def count() -> int:
        steps[0] += _STEPS_AT_ONCE
        return 0

    connection.ensure_connection()
    connection.connection.set_progress_handler(count, _STEPS_AT_ONCE)
    try:
        yield steps
    finally:
        connection.connection.set_progress_handler(None, 0)


@pytest.mark.parametrize("make_user", [anybody, member])
@pytest.mark.parametrize("query", ["word7 of the body", "D-17", 'word7 "of the body" -word3'])
def test_a_search_of_a_larger_collection_takes_no_more_steps(
    collection: Collection, indexed: Callable[[], int], make_user: Callable[[], User | None], query: str
) -> None:
    user = make_user()

    def steps_with(first: int, end: int) -> int:
        Document.objects.bulk_create(
            Document(collection=collection, external_id=f"d-{at}", title=f"Title {at}",
                     body=f"word{at % 50} of the body {at}", state="published")
            for at in range(first, end)
        )  # fmt: skip
        indexed()
        query_service.search(query, user=user)  # opens the new files
        with counted_steps() as steps:
            query_service.search(query, user=user)
        return steps[0]

    few = steps_with(0, FEW)
    assert steps_with(FEW, MANY) <= 1.3 * few
