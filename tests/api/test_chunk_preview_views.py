"""The preview of chunks over HTTP: as the collection cuts, or as options would; nothing is saved."""

import pytest

from search.models import Chunk, Collection, Document

from .conftest import Client, MakeUser, assert_problem, client_of, pointers

ADDRESS = "/api/v1/collections/docs/chunks/preview/"
TEXT = "One sentence stands here. Another one stands there. " * 20

pytestmark = pytest.mark.usefixtures("collection")


def test_the_chunks_cover_the_text_and_nothing_is_saved(curator: Client) -> None:
    found = curator.post(ADDRESS, {"title": "Sentences", "body": TEXT}).json()

    assert found["coverage"] == 1
    assert found["count"] == len(found["chunks"])
    assert found["chunks"][0]["start"] == 0
    assert found["chunks"][-1]["end"] == len(TEXT.rstrip())
    assert not Document.objects.exists()
    assert not Chunk.objects.exists()


def test_other_options_can_be_tried(curator: Client) -> None:
    usual = curator.post(ADDRESS, {"body": TEXT}).json()["count"]

    assert curator.post(ADDRESS, {"body": TEXT, "chunking": {"max_tokens": 16}}).json()["count"] > usual
    assert Collection.objects.get().chunking == {}


def test_options_that_make_no_sense_are_named(curator: Client) -> None:
    problem = assert_problem(curator.post(ADDRESS, {"body": "x", "chunking": {"max_tokens": "many"}}), 400, "invalid")

    assert pointers(problem) == ["#/chunking"]
    assert "max_tokens" in problem["detail"]


def test_it_is_for_those_who_may_look_at_collections(outsider: Client, make_user: MakeUser) -> None:
    assert outsider.post(ADDRESS, {"body": "x"}).status_code == 403
    assert client_of(make_user("viewer", "view_collection")).post(ADDRESS, {"body": "x"}).status_code == 200


def test_an_unknown_collection_is_not_found(curator: Client) -> None:
    assert curator.post(ADDRESS.replace("docs", "nowhere"), {"body": "x"}).status_code == 404
