"""Curators' rules in whole searches: pinned, hidden, lifted; and no rule shows anybody a hidden document."""

from collections.abc import Callable

import pytest

from search import query_service
from search.models import Collection, CurationRule, Document

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def documents(collection: Collection, indexed: Callable[[], int]) -> dict[str, Document]:
    """Three about lamps and one about bread."""
    bodies = {"keeper": "The keeper lights the lamp.", "lamp": "A lamp needs oil.", "oil": "Lamp oil is made of fish.",
              "bread": "Bread is baked at night."}  # fmt: skip
    made = {
        key: Document.objects.create(collection=collection, external_id=key, body=body) for key, body in bodies.items()
    }
    indexed()
    return made


def rule(document: Document, action: str, **values: object) -> CurationRule:
    """Save a rule for the query "lamp"."""
    return CurationRule.objects.create(
        collection=document.collection, document=document, action=action, match="exact", queries="lamp", **values
    )


def found(query: str = "lamp") -> list[str]:
    """Return what is found, best first."""
    return [result.external_id for result in query_service.search(query).results]


def test_a_pinned_document_comes_first_even_if_nothing_else_would_find_it(documents: dict[str, Document]) -> None:
    rule(documents["bread"], "pin", position=1)
    assert found()[0] == "bread"
    assert found("lamp oil")[0] != "bread"


def test_a_hidden_document_does_not_come(documents: dict[str, Document]) -> None:
    before = found()
    rule(documents[before[0]], "hide")
    assert found() == before[1:]


def test_a_pinned_document_that_is_not_published_stays_hidden(documents: dict[str, Document]) -> None:
    rule(documents["bread"], "pin", position=1)
    Document.objects.filter(external_id="bread").update(state=Document.State.DRAFT)
    assert "bread" not in found()


def test_a_pinned_document_for_staff_is_not_shown_to_visitors(documents: dict[str, Document]) -> None:
    Document.objects.filter(external_id="bread").update(visibility=Document.Visibility.STAFF)
    rule(documents["bread"], "pin", position=1)
    assert "bread" not in found()
