"""Curation rules and synonym groups over HTTP: what they look like, what they do, who may, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from search import query_service
from search.models import Collection, CurationRule, SearchLog, SynonymSet
from tests.conftest import MakeDocument

from .conftest import Client, MakeUser, assert_problem, client_of, pointers

RULES = "/api/v1/curation-rules/"
GROUPS = "/api/v1/synonym-groups/"


@pytest.fixture
def handbook(make_document: MakeDocument, indexed: Callable[[], int]) -> None:
    """Two documents, one about leave and one about the fax."""
    make_document(external_id="leave", title="Annual leave", body="How annual leave is asked for.")
    make_document(external_id="fax", title="Fax machine", body="The fax machine is in the cellar.")
    indexed()


def rule(**fields: Any) -> dict[str, Any]:
    return {"collection": "docs", "queries": "annual leave", "action": "pin", "external_id": "fax", **fields}


def found(query: str = "annual leave") -> list[str]:
    return [result.external_id for result in query_service.search(query, collection="docs").results]


def test_a_rule_is_made_read_changed_listed_and_deleted(curator: Client, handbook: None) -> None:
    made = curator.post(RULES, rule(), format="json")
    assert made.status_code == 201, made.content
    shown = made.json()
    assert found()[0] == "fax"
    assert {name: shown[name] for name in ("match", "position", "enabled", "created_by", "external_id")} == {
        "match": "exact", "position": 1, "enabled": True, "created_by": "curator", "external_id": "fax",
    }  # fmt: skip
    assert shown["document_id"] is not None
    at = f"{RULES}{shown['id']}/"

    assert curator.patch(at, {"enabled": False, "note": "Not now"}, format="json").json()["note"] == "Not now"
    assert found()[0] == "leave"
    assert curator.get(at).json() == curator.get(RULES, {"collection": "docs"}).json()["results"][0]
    assert curator.delete(at).status_code == 204
    assert_problem(curator.get(at), 404, "not-found")


def test_a_rule_may_be_for_a_document_that_is_still_to_come(
    curator: Client, handbook: None, make_document: MakeDocument, indexed: Callable[[], int]
) -> None:
    made = curator.post(RULES, rule(external_id="later"), format="json").json()
    assert (made["document_id"], found()[0]) == (None, "leave")

    make_document(external_id="later", body="Something else.")
    indexed()

    assert found()[0] == "later"
    assert curator.get(f"{RULES}{made['id']}/").json()["document_id"] is not None


def test_a_group_is_made_changed_and_deleted(curator: Client, handbook: None) -> None:
    made = curator.post(GROUPS, {"collection": "docs", "words": "PTO, annual leave"}, format="json")
    assert made.status_code == 201, made.content
    at = f"{GROUPS}{made.json()['id']}/"

    changed = curator.patch(at, {"finds": "holiday"}, format="json").json()
    assert (changed["words"], changed["finds"], changed["collection"]) == ("PTO, annual leave", "holiday", "docs")
    assert curator.delete(at).status_code == 204
    assert not SynonymSet.objects.exists()


def test_they_are_tried_without_being_saved_or_logged(curator: Client, handbook: None) -> None:
    tried = curator.post(f"{RULES}try/", {"entry": rule()}, format="json").json()
    assert (tried["q"], tried["applies"]) == ("annual leave", True)
    assert tried["before"][0]["external_id"] == "leave"
    assert tried["after"][0]["external_id"] == "fax"
    group = {"collection": "docs", "words": "telefax, fax machine"}
    tried = curator.post(f"{GROUPS}try/", {"q": "telefax", "entry": group}, format="json").json()
    assert (tried["applies"], sorted(place["external_id"] for place in tried["after"])) == (None, ["fax", "leave"])
    assert not (CurationRule.objects.exists() or SynonymSet.objects.exists() or SearchLog.objects.exists())


def test_a_saved_rule_is_tried_as_it_would_be(curator: Client, handbook: None) -> None:
    pk = curator.post(RULES, rule(), format="json").json()["id"]

    tried = curator.post(f"{RULES}{pk}/try/", {"entry": {"action": "hide"}}, format="json").json()

    assert "fax" not in [place["external_id"] for place in tried["after"]]
    assert CurationRule.objects.get().action == "pin"


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"queries": " "}, "#/queries"),
        ({"match": "all"}, "#/match"),
        ({"similarity": 0.1}, "#/similarity"),
        ({"strength": 7}, "#/strength"),
        ({"valid_from": "2031-01-01T00:00:00Z", "valid_to": "2030-01-01T00:00:00Z"}, "#/valid_to"),
        ({"collection": "none"}, "#/collection"),
        ({"external_id": ""}, "#/external_id"),
        ({"documnet": 1}, "#/documnet"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    curator: Client, collection: Collection, fields: dict[str, Any], at_fault: str
) -> None:
    answer = curator.post(RULES, rule(**fields), format="json")
    assert pointers(assert_problem(answer, 400, "invalid")) == [at_fault]
    assert not CurationRule.objects.exists()


def test_an_entry_stays_in_its_collection(curator: Client, collection: Collection) -> None:
    Collection.objects.create(slug="other", name="Other")
    pk = curator.post(GROUPS, {"collection": "docs", "words": "a, b"}, format="json").json()["id"]

    answer = curator.patch(f"{GROUPS}{pk}/", {"collection": "other"}, format="json")

    assert pointers(assert_problem(answer, 400, "invalid")) == ["#/collection"]


@pytest.mark.parametrize(("below", "kind"), [(RULES, "curationrule"), (GROUPS, "synonymset")])
def test_each_action_needs_the_permission_that_it_needs_in_the_admin(
    make_user: MakeUser, curator: Client, visitor: Client, collection: Collection, below: str, kind: str
) -> None:
    entry = rule() if kind == "curationrule" else {"collection": "docs", "words": "a, b"}
    at = f"{below}{curator.post(below, entry, format='json').json()['id']}/"
    asked: dict[str, list[Callable[[Client], Any]]] = {
        "view": [lambda client: client.get(below), lambda client: client.get(at)],
        "add": [lambda client: client.post(below, entry, format="json")],
        "change": [lambda client: client.patch(at, {"note": "x"}, format="json")],
        "delete": [lambda client: client.delete(at)],
    }
    body = {"entry": entry, "q": "a"}
    asked["add"].append(lambda client: client.post(f"{below}try/", body, format="json"))
    asked["change"].append(lambda client: client.post(f"{at}try/", body, format="json"))
    actions = list(asked)
    for action in actions:
        others = client_of(make_user(f"not-{action}", *(f"{other}_{kind}" for other in actions if other != action)))
        for ask in asked[action]:
            if action != "view":  # who may change may look
                assert_problem(ask(others), 403, "permission-denied")
            assert ask(visitor).status_code == 401
    for action in actions:
        allowed = client_of(make_user(action, f"{action}_{kind}"))
        for ask in asked[action]:
            assert ask(allowed).status_code in (200, 201, 204, 503), action  # nothing is indexed for a trial
    assert_problem(client_of(make_user("nobody")).get(below), 403, "permission-denied")
