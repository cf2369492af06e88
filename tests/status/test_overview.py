"""The whole answer to "how is it?", by command and over HTTP."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from search.models import FigureSample, IndexVersion
from search.status.overview import overview
from tests.api.conftest import Client, MakeUser, client_of, make_user
from tests.conftest import MakeDocument

__all__ = ["make_user"]
pytestmark = pytest.mark.django_db


def said(*arguments: str) -> tuple[int, str]:
    """What the command prints, and its exit code."""
    out = StringIO()
    try:
        call_command("status", *arguments, stdout=out, no_color=True)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def test_it_counts_documents_by_state(live: IndexVersion, make_document: MakeDocument) -> None:
    make_document(state="draft")

    [one] = overview(timezone.now()).collections

    assert one.states == {"draft": 1, "published": 1, "archived": 0}
    assert one.version == live


def test_the_command_says_that_all_is_well(live: IndexVersion) -> None:
    FigureSample.objects.create(taken_at=timezone.now(), searches=4, zero_results=1, buckets=[[0.1, 4], [None, 4]])

    code, text = said()

    assert code == 0
    assert "Nothing needs you." in text
    assert "docs: 0 draft, 1 published, 0 archived; 1 indexed, 0 waiting, 0 failed; v1" in text
    assert "4 searches, 1 without results, p50 50 ms, p95 95 ms" in text


def test_the_command_ends_with_1_when_it_is_critical(live: IndexVersion) -> None:
    IndexVersion.objects.update(last_error="No space left on device")

    code, text = said()

    assert code == 1
    assert "critical: docs v1 cannot be brought up to date" in text
    assert "  No space left on device" in text


def test_a_warning_is_no_failure(live: IndexVersion) -> None:
    IndexVersion.objects.update(drift=1)

    assert said()[0] == 0


def test_command_and_api_say_the_same(live: IndexVersion, make_user: MakeUser) -> None:
    IndexVersion.objects.update(drift=1)
    operator = client_of(make_user("operator", "view_collection", "view_indexversion"))
    passing = {"at", "disk_free"}

    by_api = operator.get("/api/v1/status/").json()
    by_command = json.loads(said("--format", "json")[1])

    assert by_api["alarms"][0]["code"] == "drift"
    assert by_api["alarms"][0]["index_version"] == live.pk
    assert {k: v for k, v in by_api.items() if k not in passing} == {
        k: v for k, v in by_command.items() if k not in passing
    }


def test_it_is_for_those_who_may_see_versions(make_user: MakeUser) -> None:
    assert client_of(make_user("viewer", "view_collection")).get("/api/v1/status/").status_code == 403
    assert Client().get("/api/v1/status/").status_code == 401
