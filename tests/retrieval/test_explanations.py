"""Why this, why not that: each stage at which a document can be lost is told as that stage."""

from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from search import query_service
from search.models import Collection, CurationRule, Document, IndexVersion
from search.retrieval.explanations import Explanation, Stage, explain
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lamps(collection: Collection, indexed: Callable[[], int]) -> IndexVersion:
    """Three hundred documents about lamps and one on ships."""
    Document.objects.bulk_create(
        Document(
            collection=collection, external_id=f"d{number}", title="A lamp",
            body=f"The lamp of house {number} is lit." if number else "A ship sails over the sea.",
            visibility="staff" if number == 7 else "public",
            state="draft" if number == 8 else "published",
        )
        for number in range(300)
    )  # fmt: skip
    indexed()
    return IndexVersion.objects.get()


def why(version: IndexVersion, text: str, name: str, k: int = 10, filters: tuple[str, ...] = ()) -> Explanation:
    document = Document.objects.select_related("collection").get(external_id=name)
    return explain(version, text, document, user=None, k=k, filters=filters)


def test_what_is_shown_is_explained_as_the_search_shows_it(lamps: IndexVersion) -> None:
    response = query_service.search("lamp of house 42")
    found = why(lamps, "lamp of house 42", "d42")
    assert (found.stage, found.rank) == (Stage.SHOWN, 1)
    assert response.results[0].external_id == "d42"
    assert found.score == pytest.approx(response.results[0].score)
    assert found.dense is not None and found.lexical is not None
    assert found.dense.score == pytest.approx(response.results[0].dense_score, abs=1e-5)
    assert found.lexical.score == pytest.approx(response.results[0].lexical_score, rel=1e-4)
    assert (found.dense.rank, found.lexical.rank) == (1, 1)
    assert "42" in {term.term for term in found.lexical.terms}
    assert sum(term.score for term in found.lexical.terms) == pytest.approx(found.lexical.score, rel=1e-3)


@pytest.mark.parametrize(
    ("name", "text", "filters", "stage", "said"),
    [
        ("d7", "lamp", (), Stage.NOT_VISIBLE, "Staff"),
        ("d8", "lamp", (), Stage.NOT_VISIBLE, "Draft"),
        ("d0", "lamp", ("title:Ship",), Stage.NOT_IN_FILTER, "Ship"),
        ("d0", '"house 42"', (), Stage.NOT_PERMITTED, "phrase"),
        ("d0", "lamp of a house is lit", (), Stage.BELOW_CUT_OFF, "neither"),
    ],
)  # fmt: skip
def test_a_missing_document_is_told_where_it_was_lost(
    lamps: IndexVersion, name: str, text: str, filters: tuple[str, ...], stage: Stage, said: str
) -> None:
    found = why(lamps, text, name, filters=filters)
    assert (found.stage, found.rank) == (stage, None)
    assert said in found.reason


def test_one_beyond_the_page_is_told_its_place(lamps: IndexVersion) -> None:
    found = why(lamps, "lamp of house 42 and 43", "d43", k=1)
    assert (found.stage, found.rank) == (Stage.BEYOND_THE_PAGE, 2)


def test_one_that_is_not_indexed_yet_is_told_so_and_one_from_elsewhere_too(
    lamps: IndexVersion, make_document: MakeDocument
) -> None:
    make_document(external_id="new", body="A lamp.")
    assert why(lamps, "lamp", "new").stage is Stage.NOT_INDEXED
    make_document(external_id="far", collection=Collection.objects.create(slug="far", name="Far away"))
    assert "Far away" in why(lamps, "lamp", "far").reason


def test_a_rule_that_hides_or_pins_is_named(lamps: IndexVersion) -> None:
    for name, action in (("d42", "hide"), ("d0", "pin")):
        document = Document.objects.get(external_id=name)
        CurationRule.objects.create(
            collection=lamps.collection, queries="lamp of house 42", action=action, document=document
        )
    hidden, pinned = why(lamps, "lamp of house 42", "d42"), why(lamps, "lamp of house 42", "d0")
    assert (hidden.stage, hidden.rank, hidden.fused_rank) == (Stage.HIDDEN_BY_RULE, None, 1)
    assert (pinned.stage, pinned.rank) == (Stage.SHOWN, 1)
    assert [effect.rule.action for effect in pinned.effects] == ["pin"]


def test_the_command_says_the_same(lamps: IndexVersion) -> None:
    out = StringIO()
    call_command("explain_search", "lamp of house 42", "d42", stdout=out)
    assert "shown" in out.getvalue() and "  42 (" in out.getvalue()
    out = StringIO()
    call_command("explain_search", "lamp", "d7", format="json", stdout=out)
    assert '"stage": "not_visible"' in out.getvalue()
    with pytest.raises(CommandError, match="no document 'd999'"):
        call_command("explain_search", "lamp", "d999")
