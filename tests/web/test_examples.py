"""Which titles and texts make a query that a person might ask."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import AnonymousUser

from search.models import Collection, Document
from search.web.examples import as_query, example_queries

Make = Callable[..., Document]


@pytest.mark.parametrize(
    ("title", "body", "query"),
    [
        ("How to bake bread", "", "How to bake bread"),
        ("  How to\nbake   bread? ", "", "How to bake bread"),
        ("os.path.join(a, *p)", "Join two or more pathname components. More.", "Join two or more pathname components"),
        ("Bread", "Too short", ""),
        ("ERROR_CODE = 17 in module", "x = y(z)", ""),
        ("a b c d e f g h i j k", "", ""),
        ("", "", ""),
    ],
)
def test_a_readable_title_or_else_a_short_first_sentence_makes_a_query(title: str, body: str, query: str) -> None:
    assert as_query(title, body) == query


def test_examples_come_from_visible_documents_and_at_most_four(collection: Collection, make_document: Make) -> None:
    make_document(title="Secret plans for tomorrow", visibility="staff")
    for word in ("one", "two", "three", "four", "five", "six"):
        make_document(title=f"How to count to {word}")

    examples = example_queries(collection, AnonymousUser())

    assert len(examples) == 4
    assert "Secret plans for tomorrow" not in examples


def test_an_empty_collection_has_no_examples(collection: Collection) -> None:
    assert example_queries(collection, AnonymousUser()) == ()
