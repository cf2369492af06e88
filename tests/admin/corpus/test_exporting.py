"""The collection's page offers its downloads to those who may see all of it."""

import pytest
from django.test import Client

from search.models import Collection
from tests.admin.conftest import SignIn
from tests.conftest import MakeDocument

FORMATS = ("bundle", "jsonl", "csv")


def address(collection: Collection, name: str) -> str:
    return f"/admin/search/collection/{collection.pk}/export-{name}"


def test_the_page_has_a_button_for_each_format_and_each_downloads_a_file(
    admin_client: Client, collection: Collection, make_document: MakeDocument
) -> None:
    make_document(external_id="one")
    page = admin_client.get(f"/admin/search/collection/{collection.pk}/change/").content.decode()
    for name, ending in zip(FORMATS, ("zip", "jsonl", "csv"), strict=True):
        assert address(collection, name) in page
        answer = admin_client.get(address(collection, name), follow=True)
        assert answer["Content-Disposition"] == f'attachment; filename="docs.{ending}"'
        assert len(b"".join(answer.streaming_content)) > 50  # type: ignore[attr-defined]


@pytest.mark.parametrize("permissions", [("view_collection",), ("view_document",)])
def test_without_both_permissions_there_is_no_button_and_no_file(
    sign_in: SignIn, collection: Collection, permissions: tuple[str, ...]
) -> None:
    person = sign_in(*permissions)
    assert b"export-jsonl" not in person.get(f"/admin/search/collection/{collection.pk}/change/").content
    for name in FORMATS:
        answer = person.get(address(collection, name), follow=True)
        assert answer.status_code == 403 or "Content-Disposition" not in answer


def test_whoever_may_see_both_may_export(sign_in: SignIn, collection: Collection) -> None:
    person = sign_in("view_collection", "view_document")
    assert person.get(address(collection, "jsonl"), follow=True)["Content-Type"] == "application/x-ndjson"
