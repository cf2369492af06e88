"""Errors outside of any view have the face of the place where they happen."""

import pytest
from django.test import Client, RequestFactory

from semsearch_project.error_views import server_error


def test_a_refused_host_is_a_problem_below_the_api_and_a_page_elsewhere(settings: object, client: Client) -> None:
    settings.ALLOWED_HOSTS = ["search.example.org"]  # type: ignore[attr-defined]
    client.raise_request_exception = False
    answer = client.get("/api/v1/search/", headers={"host": "evil.example.org"})
    assert (answer.status_code, answer["content-type"]) == (400, "application/problem+json")
    assert client.get("/", headers={"host": "evil.example.org"})["content-type"].startswith("text/html")


@pytest.mark.parametrize(("path", "kind"), [("/api/v1/x/", "application/problem+json"), ("/x/", "text/html")])
def test_a_failure_tells_nothing_of_itself(path: str, kind: str) -> None:
    answer = server_error(RequestFactory().get(path))
    assert answer.status_code == 500
    assert answer["content-type"].startswith(kind)
