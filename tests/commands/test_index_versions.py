"""`manage.py index_versions`: what it prints, what it does, and how refusals end."""

import json
from collections.abc import Callable
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from search.models import IndexVersion
from tests.conftest import MakeDocument
from tests.index_versions import rebuilt, refused

pytestmark = pytest.mark.django_db

Indexed = Callable[[], int]


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("index_versions", *arguments, stdout=out)
    return out.getvalue()


def state(number: int) -> str:
    return IndexVersion.objects.get(number=number).state


@pytest.fixture
def live(make_document: MakeDocument, indexed: Indexed) -> IndexVersion:
    """The active version of `docs` with one document."""
    make_document()
    indexed()
    return IndexVersion.objects.get()


@pytest.fixture
def ready(live: IndexVersion) -> IndexVersion:
    """Version 2, which passed its gate and waits to be made live."""
    return rebuilt(live.collection, live=False)


def test_list_prints_a_line_for_each_version(ready: IndexVersion) -> None:
    first, second = run("list").splitlines()
    assert first.startswith("docs v1: active, 1 chunks, recall@10 1.0000, median ")
    assert second.startswith("docs v2: ready, 1 chunks")


def test_list_can_be_narrowed(ready: IndexVersion) -> None:
    assert run("list", "--state", "ready").startswith("docs v2")
    assert run("list", "--collection", "other") == ""


def test_list_gives_json(live: IndexVersion, make_document: MakeDocument) -> None:
    make_document()
    [found] = json.loads(run("list", "--format", "json"))
    assert (found["collection"], found["number"], found["state"], found["recall"]) == ("docs", 1, "active", 1.0)
    assert found["progress"]["phase"] == "documents"
    assert found["progress"]["pending"] == 1


def test_show_tells_gate_and_history(ready: IndexVersion) -> None:
    printed = run("show", "docs", "2")
    assert "gate, coverage: 1 of 1 documents are in it." in printed
    assert "ready by -." in printed


def test_show_gives_json(ready: IndexVersion) -> None:
    found = json.loads(run("show", "docs", "2", "--format", "json"))
    assert (found["gate"]["passed"], found["gate"]["current"]) == (True, True)
    assert [event["kind"] for event in found["events"]] == ["ready", "created"]


def test_activate_makes_a_version_live_in_somebodys_name(ready: IndexVersion) -> None:
    User.objects.create_user("olga")
    assert "docs v2 is live." in run("activate", "docs", "2", "--by", "olga")
    event = ready.events.get(kind="activated")
    assert event.by is not None
    assert event.by.get_username() == "olga"


def test_activate_says_when_the_version_has_yet_to_be_judged(ready: IndexVersion, make_document: MakeDocument) -> None:
    make_document()
    assert "docs v2 goes live by itself once" in run("activate", "docs", "2")
    assert state(2) == "ready"


def test_activate_refuses_with_the_reasons_of_the_gate(ready: IndexVersion) -> None:
    refused(ready)
    with pytest.raises(CommandError, match="1 could not be indexed"):
        run("activate", "docs", "2")
    assert state(2) == "ready"


def test_activate_goes_against_the_gate_for_a_reason(ready: IndexVersion) -> None:
    refused(ready)
    run("activate", "docs", "2", "--override", "The demo is at noon.")
    assert ready.events.get(kind="overridden").reason == "The demo is at noon."
    assert state(2) == "active"


def test_roll_back_says_what_was_missed(live: IndexVersion, make_document: MakeDocument, indexed: Indexed) -> None:
    rebuilt(live.collection)
    make_document()
    printed = run("roll_back", "docs", "1")
    assert "It had missed 1 documents: 1 new or changed, 0 gone. docs v1 goes live by itself" in printed
    indexed()
    assert state(1) == "active"


def test_cancel_stops_a_build(ready: IndexVersion) -> None:
    assert "docs v2 is cancelled." in run("cancel", "docs", "2")
    assert state(2) == "failed"


def test_prune_gives_a_retired_version_up(live: IndexVersion) -> None:
    rebuilt(live.collection)
    assert "docs v1 is pruned" in run("prune", "docs", "1")
    assert "retired, pruned" in run("list")


@pytest.mark.parametrize("action", ["roll_back", "cancel", "prune"])
def test_the_live_version_is_left_alone(live: IndexVersion, action: str) -> None:
    with pytest.raises(CommandError, match="docs v1 is Active"):
        run(action, "docs", "1")
    assert state(1) == "active"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show", "docs", "7"], "'docs' has no index version 7; it has: 1"),
        (["show", "other", "1"], "'other' has no index version 1; it has: none"),
        (["cancel", "docs", "1", "--by", "nobody"], "no user 'nobody'"),
    ],
)
def test_what_does_not_exist_is_named(live: IndexVersion, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(*arguments)
