"""The queries that brought a document, on its form."""

import pytest

from search.models import Collection, SearchLog
from tests.admin.conftest import SignIn
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db


def test_it_is_shown_with_the_document_to_those_who_may_see_the_log(
    collection: Collection, make_document: MakeDocument, sign_in: SignIn
) -> None:
    document = make_document()
    SearchLog.objects.create(
        collection=collection, text="holiday rules", mode="hybrid", total=1, good_match=True, took_ms=1.0,
        shown=[[document.pk, 1.0]],
    )  # fmt: skip
    address = f"/admin/search/document/{document.pk}/found-by/"
    curator = sign_in("view_document", "view_searchlog")

    assert address in curator.get(f"/admin/search/document/{document.pk}/change/").content.decode()
    whole, piece = curator.get(address), curator.get(address, headers={"hx-request": "true"})
    assert "holiday rules" in whole.content.decode() and "<html" in whole.content.decode()
    assert "holiday rules" in piece.content.decode() and "<html" not in piece.content.decode()
    assert sign_in("view_document").get(address).status_code == 403
