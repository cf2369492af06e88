"""Loading the sample into the database, once and again."""

import pytest

from search.ingestion import sample_loader as loader
from search.models import Collection, Document
from search.sample.docstrings import Entry

pytestmark = pytest.mark.django_db


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> list[Entry]:
    """Five entries in place of the standard library; a test may change the list."""
    made = [
        Entry(f"shop.f{n}", "shop", "function", f"shop.f{n}()", f"What f{n} does.", f"https://docs.example/#{n}")
        for n in range(5)
    ]
    monkeypatch.setattr(loader, "read_entries", lambda limit=None: made[:limit])
    return made


def test_the_first_load_creates_the_collection_and_its_documents(entries: list[Entry]) -> None:
    report = loader.load()

    assert (report.loaded, report.created, report.changed, report.unchanged) == (True, 5, 0, 0)
    assert Collection.objects.get().slug == "python-docs"
    document = Document.objects.get(external_id="shop.f3")
    assert (document.title, document.body, document.language) == ("shop.f3()", "What f3 does.", "en")
    assert document.metadata == {"module": "shop", "kind": "function", "name": "shop.f3"}
    assert document.state == Document.State.PUBLISHED


def test_a_second_load_does_not_bring_back_what_a_curator_deleted(entries: list[Entry]) -> None:
    loader.load()
    Document.objects.get(external_id="shop.f3").delete()

    assert loader.load().loaded is False
    assert not Document.objects.filter(external_id="shop.f3").exists()


def test_force_brings_back_what_is_missing_and_writes_nothing_else(entries: list[Entry]) -> None:
    loader.load()
    Document.objects.get(external_id="shop.f3").delete()
    before = dict(Document.objects.values_list("external_id", "updated_at"))

    report = loader.load(force=True)

    assert (report.created, report.changed, report.unchanged) == (1, 0, 4)
    after = dict(Document.objects.values_list("external_id", "updated_at"))
    assert {name: after[name] for name in before} == before


def test_force_updates_what_is_different_and_keeps_the_choice_of_a_curator(entries: list[Entry]) -> None:
    loader.load()
    Document.objects.filter(external_id="shop.f3").update(body="Old.", state=Document.State.ARCHIVED)

    report = loader.load(force=True)

    document = Document.objects.get(external_id="shop.f3")
    assert (report.created, report.changed, report.unchanged) == (0, 1, 4)
    assert (document.body, document.state) == ("What f3 does.", Document.State.ARCHIVED)


def test_a_changed_document_gets_a_new_revision(entries: list[Entry]) -> None:
    loader.load()
    entries[3] = Entry("shop.f3", "shop", "function", "shop.f3()", "What it does now.", "https://docs.example/#3")
    loader.load(force=True)

    revisions = dict(Document.objects.values_list("external_id", "revision"))
    assert revisions["shop.f3"] > 1
    assert revisions["shop.f2"] == 1


def test_a_load_that_was_interrupted_is_finished_by_the_next(
    entries: list[Entry], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loader, "BATCH_DOCUMENTS", 2)

    def interrupted(entries: object) -> object:
        yield from list(entries)[:3]  # type: ignore[call-overload]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loader.load(progress=interrupted)  # type: ignore[arg-type]
    assert Document.objects.count() == 2

    report = loader.load()

    assert (report.loaded, report.created, report.unchanged) == (True, 3, 2)
    assert Collection.objects.get().description == loader.DESCRIPTION


def test_a_collection_of_somebody_else_is_left_alone(entries: list[Entry]) -> None:
    Collection.objects.create(slug="mine", name="Mine")

    assert loader.load(slug="mine").loaded is False
    assert Document.objects.count() == 0


def test_a_collection_keeps_its_name_and_description_when_forced(entries: list[Entry]) -> None:
    Collection.objects.create(slug="mine", name="Mine", description="About my things.")
    loader.load(slug="mine", force=True)

    collection = Collection.objects.get()
    assert (collection.name, collection.description) == ("Mine", "About my things.")
    assert Document.objects.count() == 5
