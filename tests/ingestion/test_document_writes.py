"""Writing documents when somebody else does the same at the same time, and who could find them afterwards."""

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError

from search.ingestion import document_writes
from search.ingestion.document_writes import DocumentWrite, Outcome, Rights, write_documents
from search.models import Collection, Document

BOTH = Rights(create=True, replace=True)


def look_too_early(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let each of the first `times` looks at what exists see nothing, as if somebody else had written after it."""
    look = document_writes._Batch._existing
    looks: list[int] = []

    def look_too_early(batch: document_writes._Batch) -> dict[str, document_writes._Target]:
        looks.append(1)
        return {} if len(looks) <= times else look(batch)

    monkeypatch.setattr(document_writes._Batch, "_existing", look_too_early)


def test_a_document_that_somebody_creates_meanwhile_is_replaced(
    collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    Document.objects.create(collection=collection, external_id="a", title="Theirs")
    look_too_early(monkeypatch, times=1)

    [result] = write_documents(collection, [DocumentWrite("a", {"title": "Ours"})], BOTH)

    assert result.outcome is Outcome.UPDATED
    assert Document.objects.get().title == "Ours"


def test_who_is_overtaken_every_time_learns_of_it(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> None:
    Document.objects.create(collection=collection, external_id="a", title="Theirs")
    look_too_early(monkeypatch, times=3)

    with pytest.raises(IntegrityError):
        write_documents(collection, [DocumentWrite("a", {"title": "Ours"})], BOTH)

    assert Document.objects.get().title == "Theirs"


def test_no_writes_are_no_work(collection: Collection) -> None:
    assert write_documents(collection, [], BOTH) == []


def test_selected_groups_must_be_named_unless_there_are_some_or_none_are_meant(collection: Collection) -> None:
    Group.objects.create(name="hr")
    for_groups = {"visibility": "groups"}

    def written(external_id: str, groups: tuple[str, ...] | None) -> Outcome:
        [result] = write_documents(collection, [DocumentWrite(external_id, for_groups, groups)], BOTH)
        return result.outcome

    assert written("a", None) is Outcome.NO_AUDIENCE
    assert not Document.objects.exists()
    assert written("a", ("hr",)) is Outcome.CREATED
    assert written("a", None) is Outcome.UNCHANGED
    assert written("b", ()) is Outcome.CREATED  # an export's way of saying so
