"""More like this: ranked by the whole text, without the document itself, and nothing that its asker may not see."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from search.embedding.base import EncoderUnavailable
from search.embedding.fake import FakeEncoder
from search.models import Document, IndexVersion
from search.retrieval.similar import CannotCompare, similar_to_document, similar_to_text
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db(transaction=True)

Indexed = Callable[[], int]
LONG = "Bees make honey in the hive. " * 6 + "Ships carry grain over the sea. " * 6


@pytest.fixture
def hive(make_document: MakeDocument, indexed: Indexed) -> Document:
    """An article on bees among others, of which one is only for the staff."""
    first = make_document(external_id="bees", title="Bees", body="Bees make honey in their hive all summer.")
    make_document(external_id="honey", title="Honey", body="Honey is made by bees in the hive.")
    make_document(external_id="staff", title="Bees", body="Bees make honey in their hive.", visibility="staff")
    make_document(external_id="ships", title="Ships", body="Ships carry grain over the sea.")
    make_document(external_id="draft", title="Bees", body="Bees make honey.", state="draft")
    indexed()
    return first


def ids(found: object) -> list[str]:
    return [result.external_id for result in found]  # type: ignore[attr-defined]


def test_the_most_alike_come_first_and_the_document_itself_does_not(hive: Document) -> None:
    found = similar_to_document(hive, user=None)
    assert ids(found) == ["honey", "ships"]
    assert found[0].rank == 1 and found[0].score > found[1].score


def test_only_who_may_see_a_document_gets_it(hive: Document) -> None:
    member = User.objects.create_user("member", is_staff=True)
    assert "staff" in ids(similar_to_document(hive, user=member))
    assert "staff" not in ids(similar_to_document(hive, user=None, k=100))
    Document.objects.filter(external_id="honey").update(state="archived")  # the index does not know it yet
    assert ids(similar_to_document(hive, user=None)) == ["ships"]


def test_a_hundred_hidden_ones_before_it_do_not_keep_a_visible_one_away(
    hive: Document, make_document: MakeDocument, indexed: Indexed
) -> None:
    for number in range(100):
        make_document(title="Bees", body=f"Bees make honey in their hive all summer {number}.", visibility="staff")
    indexed()
    assert ids(similar_to_document(hive, user=None, k=2)) == ["honey", "ships"]


def test_a_pasted_text_finds_what_is_like_it_whatever_its_length(hive: Document) -> None:
    version = IndexVersion.objects.get()
    assert ids(similar_to_text(version, "Ships on the sea with grain.", user=None, k=1)) == ["ships"]
    assert set(ids(similar_to_text(version, LONG, user=None, k=3))) == {"bees", "honey", "ships"}
    assert similar_to_text(version, "Ships", user=None, filters=["title:Honey"])[0].title == "Honey"


def test_an_edited_document_is_compared_as_it_is_now(hive: Document) -> None:
    Document.objects.filter(pk=hive.pk).update(title="Ships", body="Ships carry grain over the sea.")
    hive.refresh_from_db()
    assert ids(similar_to_document(hive, user=None))[0] == "ships"


def test_an_encoder_that_is_away_is_said_and_not_needed_for_what_is_indexed(
    hive: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(encoder: FakeEncoder, texts: object) -> None:
        raise EncoderUnavailable("gone")

    monkeypatch.setattr(FakeEncoder, "encode_documents", away)
    assert ids(similar_to_document(hive, user=None))
    with pytest.raises(CannotCompare, match="encoder"):
        similar_to_text(IndexVersion.objects.get(), "Ships", user=None)
