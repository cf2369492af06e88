"""The search log over HTTP: for whoever may read it, and nobody else."""

import pytest

from search.models import Collection, SearchLog

from .conftest import Client, MakeUser, assert_problem, client_of

pytestmark = pytest.mark.django_db
LIST, REPORT = "/api/v1/search-log/", "/api/v1/collections/docs/search-report/"


@pytest.fixture
def reader(make_user: MakeUser) -> Client:
    return client_of(make_user("reader", "view_searchlog"))


@pytest.fixture(autouse=True)
def asked(collection: Collection) -> None:
    for text, total in (("fax", 0), ("fax", 0), ("leave", 3)):
        SearchLog.objects.create(collection=collection, text=text, total=total, good_match=total > 0, took_ms=4)


def test_the_log_is_listed(reader: Client) -> None:
    assert [row["text"] for row in reader.get(LIST, {"collection": "docs"}).json()["results"]] == [
        "fax",
        "fax",
        "leave",
    ]


def test_a_report_says_what_people_did_not_find(reader: Client) -> None:
    answer = reader.get(REPORT).json()

    assert (answer["totals"]["searches"], answer["totals"]["nothing"]) == (3, 2)
    (group,) = answer["groups"]
    assert [(query["text"], query["searches"]) for query in group["queries"]] == [("fax", 2)]


def test_the_log_needs_its_permission(outsider: Client, visitor: Client) -> None:
    for address in (LIST, REPORT):
        assert_problem(outsider.get(address), 403, "permission-denied")
        assert visitor.get(address).status_code == 401
