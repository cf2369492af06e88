"""The commands on the terminal: what they print, and how they end."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from tqdm import tqdm

from search.management.commands import build_index
from search.models import Collection, Document, IndexVersion, PendingChange
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db(transaction=True)

Indexed = Callable[[], int]


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_search_documents_prints_title_and_snippet(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document(title="Birds", body="Penguins swim in cold water.")
    indexed()
    printed = run("search_documents", "penguins")
    assert "1. Birds" in printed
    assert "Penguins swim in cold water." in printed
    assert "docs v1" in printed


def test_search_documents_gives_json(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document(external_id="a", body="Penguins swim.")
    indexed()
    answer = json.loads(run("search_documents", "penguins", "--format", "json", "--k", "1", "--mode", "lexical"))
    assert answer["results"][0]["external_id"] == "a"
    assert answer["mode"] == "lexical"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["   "], "empty"),
        (["x", "--k", "0"], "k is 0"),
        (["x", "--collection", "nope"], "no collection 'nope'"),
        (["x", "--user", "nobody"], "no user 'nobody'"),
    ],
)
def test_search_documents_says_what_is_wrong(
    collection: Collection, indexed: Indexed, arguments: list[str], message: str
) -> None:
    indexed()
    with pytest.raises(CommandError, match=message):
        run("search_documents", *arguments)


def test_search_documents_without_a_version_says_so(collection: Collection) -> None:
    with pytest.raises(CommandError, match="about to be made"):
        run("search_documents", "x")


def test_check_index_ends_with_zero_when_all_agrees(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document()
    indexed()
    assert "docs v1: in step. 1 documents, 1 chunks, 0 pending, 0 failed" in run("check_index")


def test_check_index_ends_with_one_on_drift_and_repair_mends_it(make_document: MakeDocument, indexed: Indexed) -> None:
    document = make_document()
    indexed()
    Document.objects.filter(pk=document.pk).update(body="changed")
    PendingChange.objects.all().delete()
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("check_index", "--format", "json", stdout=out)
    assert ended.value.code == 1
    report = json.loads(out.getvalue())[0]
    assert report["stale"] == {"count": 1, "first": [document.pk]}
    assert "in step" in run("check_index", "--repair")
    assert "in step" in run("check_index")


def test_check_index_refuses_an_unknown_collection(collection: Collection) -> None:
    with pytest.raises(CommandError, match="no collection 'nope'"):
        run("check_index", "--collection", "nope")


def test_build_index_makes_the_next_version_and_encodes_nothing(
    make_document: MakeDocument, indexed: Indexed, capsys: pytest.CaptureFixture[str]
) -> None:
    make_document()
    indexed()
    assert "docs v2: active, 1 documents, 1 chunks, 0 encoded" in run("build_index", "--collection", "docs")
    assert list(IndexVersion.objects.order_by("number").values_list("state", flat=True)) == ["retired", "active"]


def test_build_index_can_leave_the_version_ready(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document()
    indexed()
    assert "docs v2: ready, 1 documents" in run("build_index", "--no-activate")
    assert list(IndexVersion.objects.order_by("number").values_list("state", flat=True)) == ["active", "ready"]


def test_build_index_fails_with_the_reasons_of_the_gate(
    make_document: MakeDocument, indexed: Indexed, settings: Any
) -> None:
    make_document(body="A text that is longer than what is indexed from now on.")
    indexed()
    settings.SEMSEARCH = {**settings.SEMSEARCH, "MAX_DOCUMENT_CHARS": 10, "MAX_ATTEMPTS": 1}
    with pytest.raises(CommandError, match=r"docs v2 may not go live: .*0 of 1 documents are in it"):
        run("build_index")
    assert list(IndexVersion.objects.order_by("number").values_list("state", flat=True)) == ["active", "ready"]


def test_build_index_prints_no_bar_where_nobody_watches(
    make_document: MakeDocument, indexed: Indexed, capsys: pytest.CaptureFixture[str]
) -> None:
    make_document()
    indexed()
    run("build_index")
    assert capsys.readouterr().err == ""


def test_build_index_shows_no_progress_where_nobody_watches(make_document: MakeDocument, indexed: Indexed) -> None:
    make_document()
    indexed()
    with tqdm(total=1, disable=True) as bar:
        build_index._show(bar, IndexVersion.objects.get())
    assert bar.n == 0


def test_build_index_says_what_stops_it(collection: Collection, indexed: Indexed) -> None:
    indexed()
    Collection.objects.update(encoder_runtime="quantum")
    with pytest.raises(CommandError, match="No encoder runtime is called 'quantum'"):
        run("build_index")


def test_build_index_without_a_collection_says_so(db: None) -> None:
    with pytest.raises(CommandError, match="no collection"):
        run("build_index")
