"""The pages that Django shows when there is no other: they must not need a request, a user or the database."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.views.csrf import csrf_failure

from search import query_service
from search.web.content_policy import CONTENT_SECURITY_POLICY
from semsearch_project import error_views


@pytest.mark.parametrize(("template", "said"), [("500.html", "went wrong"), ("400.html", "did not understand")])
def test_error_pages_stand_without_a_request(template: str, said: str) -> None:
    assert said in render_to_string(template)


def test_without_collected_static_files_an_error_is_said_plainly(settings: Any, tmp_path: Path) -> None:
    manifest = {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": manifest}
    settings.STATIC_ROOT = tmp_path
    request = RequestFactory().get("/")
    setattr(request, "request_id", "a-request")  # noqa: B010

    page = error_views.server_error(request).getvalue().decode()

    assert "Something went wrong on the server." in page and "a-request" in page
    assert "/static/" not in page


@pytest.mark.django_db
def test_an_unknown_address_gets_the_site_s_own_404(client: Client) -> None:
    page = client.get("/nowhere/")

    assert page.status_code == 404
    assert "This page does not exist." in page.text


@pytest.mark.django_db
@pytest.mark.usefixtures("collection")
def test_a_fault_in_the_search_gets_the_site_s_own_500(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*args: object, **kwargs: object) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(query_service, "search", break_down)

    page = Client(raise_request_exception=False).get("/", {"q": "bread"})

    assert page.status_code == 500
    assert "Something went wrong on the server." in page.text
    assert "a fault" not in page.text
    assert page.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


@pytest.mark.django_db
@pytest.mark.usefixtures("collection")
def test_refusals_have_the_strict_policy_too(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]
    client = Client(raise_request_exception=False)

    def fails_with(error: Exception) -> Any:
        def search(*args: object, **kwargs: object) -> None:
            raise error

        monkeypatch.setattr(query_service, "search", search)
        return client.get("/", {"q": "bread"})

    answers = {
        400: client.get("/", headers={"host": "evil.example"}),
        403: fails_with(PermissionDenied()),
        404: client.get("/nowhere/"),
        500: fails_with(RuntimeError()),
    }
    assert {status: answer.status_code for status, answer in answers.items()} == {
        400: 400,
        403: 403,
        404: 404,
        500: 500,
    }
    for status, answer in answers.items():
        assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY, status
        assert f'<p class="code" aria-hidden="true">{status}</p>' in answer.text
        assert "<style" not in answer.text and " style=" not in answer.text


def test_a_form_that_is_no_longer_valid_gets_the_site_s_own_page(rf: RequestFactory) -> None:
    page = csrf_failure(rf.get("/"))

    assert page.status_code == 403
    assert "This form is no longer valid." in page.text
