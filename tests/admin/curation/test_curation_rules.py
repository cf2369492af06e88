"""Curation rules in the admin: written, tried before saving, switched off; and what they do to a search."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from search import query_service
from search.admin import addresses
from search.models import Collection, CurationRule, Document, SearchLog
from tests.admin.conftest import CountQueries, SignIn
from tests.conftest import MakeDocument

LIST = "/admin/search/curationrule/"
QUERY = "annual leave"


@pytest.fixture
def handbook(collection: Collection, make_document: MakeDocument, indexed: Callable[[], int]) -> list[Document]:
    """Three documents in the order in which they are found for QUERY, the last one without its words."""
    documents = [
        make_document(external_id="leave", title="Annual leave", body="How annual leave is asked for."),
        make_document(external_id="sick", title="Sick leave", body="Sick leave needs a note."),
        make_document(external_id="fax", title="Fax machine", body="The fax machine is in the cellar."),
    ]
    indexed()
    return documents


def form(document: Document, **fields: Any) -> dict[str, Any]:
    values = {
        "collection": document.collection_id, "match": "exact", "queries": QUERY, "similarity": "0.75",
        "action": "pin", "document": document.pk, "position": "1", "strength": "0.2", "enabled": "on", "note": "",
    }  # fmt: skip
    return values | fields


def found() -> list[str]:
    return [result.external_id for result in query_service.search(QUERY, collection="docs").results]


def test_a_saved_rule_holds_at_the_next_query(admin_client: Client, handbook: list[Document]) -> None:
    assert found()[0] == "leave"

    answer = admin_client.post(f"{LIST}add/", form(handbook[2]))

    assert answer.status_code == 302
    rule = CurationRule.objects.get()
    assert (rule.created_by is not None, found()[:2]) == (True, ["fax", "leave"])


def test_what_is_pinned_is_a_good_match(handbook: list[Document]) -> None:
    def asked(document: Document, action: str) -> bool:
        CurationRule.objects.all().delete()
        values = {"collection": document.collection, "queries": "zebra", "document": document}
        CurationRule.objects.create(**values, action=action)
        return query_service.search("zebra", collection="docs").good_match

    assert not asked(handbook[2], "boost")
    assert asked(handbook[2], "pin")
    Document.objects.filter(pk=handbook[1].pk).update(visibility="staff")
    assert not asked(handbook[1], "pin")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [({"action": "hide"}, ["sick", "fax"]), ({"action": "bury", "strength": "1"}, ["sick", "fax", "leave"])],
)
def test_rules_hide_and_bury(
    admin_client: Client, handbook: list[Document], fields: dict[str, str], expected: list[str]
) -> None:
    admin_client.post(f"{LIST}add/", form(handbook[0], **fields))

    assert found() == expected


def test_a_rule_is_tried_without_being_saved_or_logged(
    admin_client: Client, handbook: list[Document], settings: Any
) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "LOG_SEARCHES": True}

    page = admin_client.post(f"{LIST}try/", form(handbook[2])).content.decode()

    assert "The rule applies: this is “annual leave”." in page
    assert page.index("Fax machine") < page.index("Annual leave")
    assert "was 1" in page
    assert not CurationRule.objects.exists() and not SearchLog.objects.exists()


def test_a_saved_rule_is_tried_as_its_form_stands(admin_client: Client, handbook: list[Document]) -> None:
    admin_client.post(f"{LIST}add/", form(handbook[2]))
    url = f"{LIST}{CurationRule.objects.get().pk}/try/"

    as_saved = admin_client.post(url, form(handbook[2])).content.decode()
    at_three = admin_client.post(url, form(handbook[2], position="3")).content.decode()
    elsewhere = admin_client.post(url, form(handbook[2]) | {"try_query": "something else"}).content.decode()

    assert as_saved.index("Fax machine") < as_saved.index("Annual leave")
    assert at_three.index("Annual leave") < at_three.index("Fax machine")
    assert "does not apply to this query" in elsewhere
    assert CurationRule.objects.get().position == 1


def test_a_rule_of_meaning_says_how_near_the_query_is(admin_client: Client, handbook: list[Document]) -> None:
    fields = form(handbook[2], match="meaning", similarity="0.9") | {"try_query": "leave annual"}

    assert "near to “annual leave” (cosine 1.00)" in admin_client.post(f"{LIST}try/", fields).content.decode()


def test_what_is_wrong_in_the_form_is_said_instead(admin_client: Client, handbook: list[Document]) -> None:
    fields = form(handbook[2], queries="", position="0")

    page = admin_client.post(f"{LIST}try/", fields).content.decode()

    assert "Queries: This field is required." in page
    assert "Position:" in page


def test_a_collection_without_an_index_says_so(
    admin_client: Client, collection: Collection, make_document: MakeDocument
) -> None:
    assert "index version" in admin_client.post(f"{LIST}try/", form(make_document())).content.decode()


def test_the_form_begins_with_what_a_link_says(admin_client: Client, handbook: list[Document]) -> None:
    link = addresses.added("curationrule", queries="one\ntwo", action="hide", document=handbook[1].pk)

    page = admin_client.get(link)

    initial = page.context["adminform"].form.initial
    assert (initial["queries"], initial["action"]) == ("one\ntwo", "hide")
    assert "Sick leave" in page.content.decode()
    assert "Try it before you save" in page.content.decode()


def test_rules_are_switched_off_and_on(admin_client: Client, handbook: list[Document]) -> None:
    admin_client.post(f"{LIST}add/", form(handbook[2]))
    chosen = {"_selected_action": [CurationRule.objects.get().pk]}

    admin_client.post(LIST, {"action": "switch_off", **chosen})
    assert found()[0] == "leave"
    admin_client.post(LIST, {"action": "switch_on", **chosen})
    assert found()[0] == "fax"


def test_titles_and_queries_are_escaped(admin_client: Client, handbook: list[Document]) -> None:
    Document.objects.filter(pk=handbook[2].pk).update(title="<script>alert(1)</script>")
    fields = form(handbook[2], queries="<script>alert(2)</script>")
    admin_client.post(f"{LIST}add/", fields)

    for page in (admin_client.get(LIST), admin_client.post(f"{LIST}try/", fields)):
        assert "<script>alert" not in page.content.decode()


def test_only_who_may_write_rules_tries_new_ones(sign_in: SignIn, handbook: list[Document]) -> None:
    assert sign_in("view_curationrule").post(f"{LIST}try/", form(handbook[2])).status_code == 403
    assert sign_in("view_curationrule").get(LIST).status_code == 200
    assert sign_in("view_document").get(LIST).status_code == 403


def test_who_may_only_look_sees_what_a_saved_rule_does(
    admin_client: Client, sign_in: SignIn, handbook: list[Document]
) -> None:
    admin_client.post(f"{LIST}add/", form(handbook[2]))
    url = f"{LIST}{CurationRule.objects.get().pk}/try/"

    page = sign_in("view_curationrule").post(url, form(handbook[2], action="hide")).content.decode()

    assert page.index("Fax machine") < page.index("Annual leave")


def test_the_list_costs_the_same_however_many_rules_there_are(
    count_queries: CountQueries, handbook: list[Document]
) -> None:
    def add() -> None:
        CurationRule.objects.create(collection=handbook[0].collection, document=handbook[0], queries="x")

    add()
    before = count_queries(LIST)
    for _time in range(4):
        add()

    assert count_queries(LIST) == before


def test_a_rule_whose_document_is_away_says_so_and_can_be_changed(
    admin_client: Client, handbook: list[Document]
) -> None:
    admin_client.post(f"{LIST}add/", form(handbook[2]))
    rule = CurationRule.objects.get()
    handbook[2].delete()

    page = admin_client.get(f"{LIST}{rule.pk}/change/").content.decode()
    assert "“fax” is not there now" in page
    assert "fax (not there)" in admin_client.get(LIST).content.decode()
    changed = admin_client.post(f"{LIST}{rule.pk}/change/", {**form(handbook[0]), "document": "", "note": "Kept"})
    assert changed.status_code == 302
    rule.refresh_from_db()
    assert (rule.external_id, rule.note) == ("fax", "Kept")


def test_a_rule_needs_a_document_of_its_collection(
    admin_client: Client, handbook: list[Document], make_document: MakeDocument
) -> None:
    elsewhere = make_document(collection=Collection.objects.create(slug="other", name="Other"))
    for document, said in (("", "Choose the document"), (elsewhere.pk, "in another collection")):
        assert said in admin_client.post(f"{LIST}add/", {**form(handbook[0]), "document": document}).content.decode()
    assert not CurationRule.objects.exists()


def test_the_form_looks_documents_up(admin_client: Client, handbook: list[Document]) -> None:
    page = admin_client.get(f"{LIST}add/").content.decode()
    assert 'data-field-name="document"' in page
    asked = {"app_label": "search", "model_name": "chunk", "field_name": "document", "term": "fax"}
    assert [found["text"] for found in admin_client.get("/admin/autocomplete/", asked).json()["results"]] == [
        str(handbook[2])
    ]
