"""The reports on logged queries in the admin, and what can be done from there."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from search import query_service
from search.admin import addresses
from search.models import Collection, CurationRule, Document, EvaluationQuery, Judgment, SearchLog
from tests.admin.conftest import CountQueries, SignIn
from tests.conftest import MakeDocument

REPORTS = "/admin/search/searchlog/reports/"


@pytest.fixture
def asked(
    collection: Collection, make_document: MakeDocument, indexed: Callable[[], int], settings: Any
) -> list[Document]:
    """Two documents, and a log in which "fax" was asked twice and "zebra crossing" once without a good match."""
    settings.SEMSEARCH = {**settings.SEMSEARCH, "LOG_SEARCHES": True}
    documents = [make_document(external_id="fax", title="Fax"), make_document(external_id="leave", title="Leave")]
    indexed()
    for text in ("fax", "fax", "zebra crossing"):
        query_service.search(text, collection="docs")
    SearchLog.objects.filter(text="zebra crossing").update(good_match=False)
    return documents


def rows(page: Any) -> list[str]:
    return [row.group.text for row in page.context["rows"]]


def test_the_reports_list_their_queries(admin_client: Client, asked: list[Document]) -> None:
    assert rows(admin_client.get(REPORTS)) == ["zebra crossing"]
    assert rows(admin_client.get(REPORTS, {"report": "all"})) == ["fax", "zebra crossing"]
    assert rows(admin_client.get(REPORTS, {"report": "abandoned", "days": "7", "collection": "docs"})) == ["fax"]
    assert rows(admin_client.get(REPORTS, {"report": "disliked"})) == []


def test_addresses_that_nobody_made_show_the_first_report(admin_client: Client, asked: list[Document]) -> None:
    page = admin_client.get(REPORTS, {"report": "x", "days": "-5", "collection": "none"})

    assert rows(page) == ["zebra crossing"]
    assert page.context["days"] == 30


def test_without_a_log_the_page_says_how_it_is_switched_on(admin_client: Client, collection: Collection) -> None:
    page = admin_client.get(REPORTS).content.decode()

    assert "SEMSEARCH_LOG_SEARCHES=1" in page
    assert "nothing of the kind" in page


def test_without_a_collection_there_is_nothing_to_report(admin_client: Client) -> None:
    assert "No collection yet" in admin_client.get(REPORTS).content.decode()


def test_each_query_has_what_can_be_done_about_it(admin_client: Client, asked: list[Document]) -> None:
    [row] = admin_client.get(REPORTS).context["rows"]

    for url in (row.pin_url, row.synonym_url, row.draft_url, row.again_url, row.search_url):
        assert admin_client.get(url).status_code == 200
    rule = admin_client.get(row.pin_url).context["adminform"].form.initial
    draft = admin_client.get(row.draft_url).context["adminform"].form.initial
    assert (rule["queries"], rule["action"]) == ("zebra crossing", "pin")
    assert (draft["title"], draft["state"]) == ("zebra crossing", "draft")


def test_queries_are_sent_to_be_judged(admin_client: Client, asked: list[Document], settings: Any) -> None:
    logged = SearchLog.objects.filter(text="zebra crossing").get()
    logged.reactions.create(kind="down", document_id=asked[0].pk, rank=1)

    answer = admin_client.post(
        "/admin/search/searchlog/judge/", {"collection": "docs", "query": ["zebra crossing", "never asked"]}
    )

    [query] = EvaluationQuery.objects.all()
    assert (query.text, answer.headers["Location"]) == ("zebra crossing", addresses.judging(query))
    assert Judgment.objects.get().external_id == "fax"


def test_the_answer_of_then_stands_beside_that_of_now(admin_client: Client, asked: list[Document]) -> None:
    logged = SearchLog.objects.filter(text="fax").first()
    assert logged is not None
    url = f"/admin/search/searchlog/{logged.pk}/again/"
    assert "the same as then" in admin_client.get(url).content.decode()

    CurationRule.objects.create(collection=logged.collection, document=asked[1], queries="fax", position=1)

    page = admin_client.get(url).content.decode()
    assert page.index("Leave</a>") < page.index("Fax</a>")
    assert "was 2" in page


def test_what_people_opened_stands_beside_it(admin_client: Client, asked: list[Document]) -> None:
    for logged in SearchLog.objects.filter(text="fax"):
        logged.reactions.create(kind="click", document_id=asked[1].pk, rank=2)

    page = admin_client.get(f"/admin/search/searchlog/{logged.pk}/again/").content.decode()

    assert "opened 2 times" in page


def test_each_result_of_now_can_be_pinned(admin_client: Client, asked: list[Document]) -> None:
    logged = SearchLog.objects.filter(text="fax").first()
    assert logged is not None

    page = admin_client.get(f"/admin/search/searchlog/{logged.pk}/again/")

    pin = f"{page.context['pin_url']}&document={asked[1].pk}"
    assert pin.replace("&", "&amp;") in page.content.decode()
    initial = admin_client.get(pin).context["adminform"].form.initial
    assert (initial["queries"], initial["action"], initial["document"]) == ("fax", "pin", str(asked[1].pk))


def test_the_log_shows_each_search_with_what_was_opened(admin_client: Client, asked: list[Document]) -> None:
    logged = SearchLog.objects.filter(text="fax").first()
    assert logged is not None
    logged.reactions.create(kind="click", document_id=asked[0].pk, rank=1)

    assert "zebra crossing" in admin_client.get("/admin/search/searchlog/").content.decode()
    page = admin_client.get(f"/admin/search/searchlog/{logged.pk}/change/").content.decode()
    assert "Opened" in page and "Fax" in page


def test_searches_can_be_deleted_and_not_edited(admin_client: Client, asked: list[Document]) -> None:
    logged = SearchLog.objects.filter(text="zebra crossing").get()
    url = f"/admin/search/searchlog/{logged.pk}/"

    admin_client.post(f"{url}change/", {"text": "other"})
    logged.refresh_from_db()
    assert logged.text == "zebra crossing"
    admin_client.post(f"{url}delete/", {"post": "yes"})
    assert not SearchLog.objects.filter(pk=logged.pk).exists()


def test_hidden_titles_are_not_shown_to_staff_who_may_not_see_them(sign_in: SignIn, asked: list[Document]) -> None:
    Document.objects.filter(pk=asked[0].pk).update(visibility="groups", title="Secret plan")
    logged = SearchLog.objects.filter(text="fax").first()
    assert logged is not None
    client = sign_in("view_searchlog")

    for part in ("again", "change"):
        page = client.get(f"/admin/search/searchlog/{logged.pk}/{part}/")
        assert page.status_code == 200 and "Secret plan" not in page.content.decode()


def test_queries_are_escaped(admin_client: Client, asked: list[Document]) -> None:
    SearchLog.objects.update(text="<script>alert(1)</script>", good_match=False)

    for url in (REPORTS, "/admin/search/searchlog/"):
        assert "<script>alert" not in admin_client.get(url).content.decode()


def test_everybody_needs_the_right_permission(sign_in: SignIn, asked: list[Document]) -> None:
    reader = sign_in("view_searchlog")
    page = reader.get(REPORTS)

    assert [row.pin_url + row.synonym_url + row.draft_url for row in page.context["rows"]] == [""]
    assert not page.context["may_judge"]
    assert reader.post("/admin/search/searchlog/judge/", {"collection": "docs", "query": "fax"}).status_code == 403
    assert sign_in("view_document").get(REPORTS).status_code == 403
    assert not EvaluationQuery.objects.exists()


def test_the_page_costs_the_same_however_many_queries_there_are(
    count_queries: CountQueries, asked: list[Document]
) -> None:
    before = count_queries(f"{REPORTS}?report=all")
    for number in range(5):
        query_service.search(f"another {number}", collection="docs")

    assert count_queries(f"{REPORTS}?report=all") == before
