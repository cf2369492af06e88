"""Names behind the ? of an address that nobody knows are errors, and the nearest known one is proposed."""

import pytest

from search.models import IndexVersion

from .conftest import Client, assert_problem

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("address", "name", "said"),
    [
        ("/api/v1/search/?q=x&collecton=docs", "collecton", "Did you mean collection?"),
        ("/api/v1/search/?q=x&cursors=a&page_size=3", "page_size", "Parameters: "),
        ("/api/v1/search/suggest/?q=x&Q=y", "Q", "Parameters: "),
        ("/api/v1/search/explain/?q=x&document=1&filters=a", "filters", "Did you mean filter?"),
        ("/api/v1/documents/?stat=draft", "stat", "Did you mean state?"),
        ("/api/v1/documents/1/similar/?size=3", "size", "Parameters: filter, k."),
        ("/api/v1/index-versions/?colection=docs", "colection", "Did you mean collection?"),
        ("/api/v1/import-jobs/?status_=x", "status_", "Did you mean status?"),
        ("/api/v1/evaluation/runs/?set=1", "set", "Parameters: "),
        ("/api/v1/evaluation/query-sets/?c=1", "c", "Parameters: collection."),
        ("/api/v1/curation-rules/?c=1", "c", "Parameters: collection."),
    ],
)
def test_an_unknown_parameter_is_refused_by_name(
    curator: Client, live: IndexVersion, address: str, name: str, said: str
) -> None:
    problem = assert_problem(curator.get(address), 400, "invalid")

    found = {error["pointer"]: error["detail"] for error in problem["errors"]}
    assert said in found[f"#/{name}"]


def test_paging_and_the_format_are_known_everywhere(curator: Client, live: IndexVersion) -> None:
    assert curator.get("/api/v1/documents/?page_size=1&format=json&collection=docs").status_code == 200
    assert curator.get("/api/v1/search/?q=words&format=json").status_code == 200
