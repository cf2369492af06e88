"""`change_documents`: says what it would do, asks, does it, and refuses what is not clear."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command

from search.ingestion import bulk_changes
from search.models import Document
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def documents(make_document: MakeDocument) -> list[Document]:
    return [make_document(external_id=f"d{n}", title=f"Title {n}", language="de" if n else "en") for n in range(5)]


def change(*arguments: str, collection: str = "docs", **options: Any) -> str:
    out = io.StringIO()
    call_command("change_documents", *arguments, "--collection", collection, stdout=out, **options)
    return out.getvalue()


def _archived() -> list[str]:
    return list(Document.objects.filter(state="archived").order_by("pk").values_list("external_id", flat=True))


def test_a_dry_run_only_says_how_many(documents: list[Document]) -> None:
    assert "Archive: 4 of 4 documents." in change("archive", "--language", "de", "--dry-run")
    assert _archived() == []


@pytest.mark.parametrize(("answer", "archived"), [("yes", 4), ("", 0), ("no", 0), (None, 0)])
def test_it_asks(monkeypatch: pytest.MonkeyPatch, answer: str | None, archived: int) -> None:
    def asked(prompt: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    monkeypatch.setattr("builtins.input", asked)
    if archived:
        assert "Finished: 4 changed." in change("archive", "--language", "de")
    else:
        with pytest.raises(CommandError, match="Nothing was changed"):
            change("archive", "--language", "de")

    assert len(_archived()) == archived


def test_a_long_one_says_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_changes, "_SLICE", 1)
    monkeypatch.setattr("search.tasks._AT_ONCE_SECONDS", 0.0)
    monkeypatch.setattr("search.management.commands.change_documents._STEP_SECONDS", 0.0)

    said = change("archive", "--all", "--yes")

    assert "3 of 5 looked at, 3 changed" in said
    assert len(_archived()) == 5


def test_external_ids_from_arguments_and_a_file(tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("d3\nd4\n")

    change("archive", "--external-id", "d1", "--ids-from", str(tmp_path / "ids"), "--yes")

    assert _archived() == ["d1", "d3", "d4"]


def test_an_empty_file_means_no_document(tmp_path: Path) -> None:
    (tmp_path / "ids").write_text("")

    assert "0 of 0" in change("delete", "--ids-from", str(tmp_path / "ids"), "--yes")
    assert Document.objects.count() == 5


def test_an_audience(documents: list[Document]) -> None:
    Group.objects.create(name="Board")

    change("audience", "--all", "--to-visibility", "groups", "--to-group", "Board", "--yes")

    assert set(Document.objects.values_list("visibility", "groups__name")) == {("groups", "Board")}


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["archive", "--yes"], "Say which documents"),
        (["audience", "--all", "--yes"], "Say who is to find them"),
        (["audience", "--all", "--to-visibility", "groups", "--to-group", "None", "--yes"], "no group 'None'"),
        (["archive", "--updated-since", "soon", "--yes"], "'soon' is no date"),
        (["archive", "--ids-from", "/nowhere/ids", "--yes"], "cannot be read"),
    ],
)
def test_what_is_not_clear_is_refused(arguments: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        change(*arguments)


def test_a_collection_that_is_not_there() -> None:
    with pytest.raises(CommandError, match="There is no collection 'dogs'; there are: docs"):
        change("archive", "--all", collection="dogs")
