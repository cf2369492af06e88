"""`document_history`: lists, shows, goes back, and says what is not there."""

import io
import json

import pytest
from django.core.management import CommandError, call_command

from search.models import Document
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def document(make_document: MakeDocument) -> Document:
    made = make_document(external_id="leave", title="Old", body="x " * 100)
    made.title, made.body = "New", "Short."
    made.save()
    return made


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("document_history", "docs", "leave", *arguments, stdout=out)
    return out.getvalue()


def test_it_lists_the_changes() -> None:
    said = run()

    assert "is at revision 2" in said
    assert "by a command or a program  title: 'Old' → 'New'; body: 'x x" in said


def test_it_shows_what_was() -> None:
    assert json.loads(run("--show", "1"))["title"] == "Old"


def test_it_goes_back(document: Document) -> None:
    run("--restore", "1")

    document.refresh_from_db()
    assert (document.title, document.revision) == ("Old", 3)


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(CommandError, match="Revision 7 of document .* is not kept"):
        run("--restore", "7")
    with pytest.raises(CommandError, match="has no document 'nowhere'"):
        call_command("document_history", "docs", "nowhere")
