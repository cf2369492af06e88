"""Many documents changed at once: exactly those that were confirmed, once each, whatever comes between."""

import random
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from search import tasks
from search.ingestion import bulk_changes
from search.ingestion.bulk_changes import Action, BadChange, Wanted
from search.models import BulkChange, Collection, Document, PendingChange
from search.models.bulk_changes import pack_ids, unpack_ids
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db

Status = BulkChange.Status


def _states() -> list[str]:
    return list(Document.objects.order_by("pk").values_list("state", flat=True))


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_changes, "_SLICE", 2)


@pytest.mark.parametrize("count", [0, 1, 1_000])
def test_ids_come_back_as_they_were_given(count: int) -> None:
    ids = random.Random(count).sample(range(2**62), count)

    assert unpack_ids(pack_ids(ids)) == ids


def test_a_million_neighbours_take_little_room() -> None:
    assert len(pack_ids(range(1, 1_000_001))) < 20_000


@pytest.mark.parametrize(("action", "state"), [("publish", "published"), ("draft", "draft"), ("archive", "archived")])
def test_documents_get_the_state(make_document: MakeDocument, live: Any, action: str, state: str) -> None:
    make_document(state="draft")
    make_document()
    make_document(state="archived")
    before = dict(Document.objects.values_list("pk", "revision"))
    wanted = Wanted(Action(action))
    expected = Document.objects.exclude(state=state).count()
    assert bulk_changes.outlook(Document.objects.all(), wanted).affected == expected

    change = tasks.start_bulk_change(Document.objects.all(), wanted, by=None)

    assert (change.status, change.total, change.changed) == (Status.FINISHED, len(before), expected)
    assert set(_states()) == {state}
    touched = [d.pk for d in Document.objects.all() if d.revision != before[d.pk]]
    assert len(touched) == expected
    assert set(touched) <= set(PendingChange.objects.values_list("document", flat=True))


def test_deleting_and_indexing_again(make_document: MakeDocument, live: Any) -> None:
    kept, gone = make_document(), make_document()

    again = tasks.start_bulk_change(Document.objects.filter(pk=kept.pk), Wanted(Action.REINDEX), by=None)
    deleted = tasks.start_bulk_change(Document.objects.filter(pk=gone.pk), Wanted(Action.DELETE), by=None)

    assert (again.changed, deleted.changed) == (1, 1)
    assert PendingChange.objects.filter(document=kept.pk).exists()
    assert not Document.objects.filter(pk=gone.pk).exists()


def test_an_audience_is_visibility_and_groups_together(make_document: MakeDocument) -> None:
    red, blue = (Group.objects.create(name=name) for name in ("red", "blue"))
    member = User.objects.create_user("member")
    member.groups.add(red)
    as_wanted, other, public = make_document(visibility="groups"), make_document(visibility="groups"), make_document()
    as_wanted.groups.set([red])
    other.groups.set([red, blue])
    wanted = Wanted(Action.AUDIENCE, "groups", (red.pk,))
    assert bulk_changes.outlook(Document.objects.all(), wanted).affected == 2

    change = tasks.start_bulk_change(Document.objects.all(), wanted, by=None)

    assert change.changed == 2
    assert [list(each.groups.all()) for each in (as_wanted, other, public)] == [[red], [red], [red]]
    assert Document.objects.visible_to(None).count() == 0
    assert Document.objects.visible_to(member).count() == 3

    to_all = tasks.start_bulk_change(Document.objects.all(), Wanted(Action.AUDIENCE, "public"), by=None)

    assert (to_all.changed, Document.objects.visible_to(None).count()) == (3, 3)
    assert not Document.groups.through.objects.exists()


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Wanted(Action.AUDIENCE, "groups"), "no group is named"),
        (Wanted(Action.AUDIENCE, "nobody"), "public, staff, groups"),
        (Wanted(Action.AUDIENCE, "groups", (404,)), "does not exist"),
    ],
)
def test_an_audience_that_cannot_be_is_refused(make_document: MakeDocument, wanted: Wanted, reason: str) -> None:
    make_document()

    with pytest.raises(BadChange, match=reason):
        tasks.start_bulk_change(Document.objects.all(), wanted, by=None)

    assert not BulkChange.objects.exists()


def test_nothing_is_changed_that_was_not_confirmed(make_document: MakeDocument) -> None:
    make_document()
    make_document()

    with pytest.raises(BadChange, match="2 documents instead of 1"):
        tasks.start_bulk_change(Document.objects.all(), Wanted(Action.DELETE), by=None, expected=1)
    with pytest.raises(BadChange, match="no document"):
        tasks.start_bulk_change(Document.objects.filter(state="draft"), Wanted(Action.DELETE), by=None)

    assert Document.objects.count() == 2


@pytest.mark.usefixtures("small_slices")
def test_what_matches_later_is_left_alone_and_what_is_gone_is_not_missed(make_document: MakeDocument) -> None:
    documents = [make_document() for _ in range(5)]
    change = bulk_changes.request(Document.objects.all(), Wanted(Action.ARCHIVE), by=None)
    make_document(title="later")
    documents[4].delete()

    assert tasks.work_on_bulk_change(change.pk, budget_seconds=60) is False

    change.refresh_from_db()
    assert (change.status, change.next, change.changed) == (Status.FINISHED, 5, 4)
    assert _states() == ["archived"] * 4 + ["published"]
    assert unpack_ids(change.documents) == []


@pytest.mark.usefixtures("small_slices")
def test_it_goes_on_where_it_was_cut_off(make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        make_document()
    change = bulk_changes.request(Document.objects.all(), Wanted(Action.ARCHIVE), by=None)

    assert tasks.work_on_bulk_change(change.pk, budget_seconds=0) is True
    assert _states().count("archived") == 2

    def killed(*args: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(bulk_changes, "_not_yet", killed)
        with pytest.raises(KeyboardInterrupt):
            tasks.work_on_bulk_change(change.pk, budget_seconds=60)
    change.refresh_from_db()
    assert (change.next, change.changed, _states().count("archived")) == (2, 2, 2)

    sent: list[int] = []
    monkeypatch.setattr(tasks.run_bulk_change, "apply_async", lambda kwargs, **_: sent.append(kwargs["change_id"]))
    tasks.sweep()  # nobody told the worker
    assert sent == [change.pk]
    tasks.run_bulk_change(change_id=change.pk)

    change.refresh_from_db()
    assert (change.status, change.changed) == (Status.FINISHED, 5)


@pytest.mark.usefixtures("small_slices")
def test_a_change_that_is_stopped_stays_where_it_is(make_document: MakeDocument) -> None:
    for _ in range(5):
        make_document()
    change = bulk_changes.request(Document.objects.all(), Wanted(Action.ARCHIVE), by=None)
    tasks.work_on_bulk_change(change.pk, budget_seconds=0)

    assert bulk_changes.cancel(change) is True

    assert tasks.work_on_bulk_change(change.pk, budget_seconds=60) is False
    assert bulk_changes.cancel(change) is False
    change.refresh_from_db()
    assert (change.status, _states().count("archived")) == (Status.CANCELLED, 2)


def test_two_processes_do_not_work_on_the_same_change(make_document: MakeDocument) -> None:
    from search.models import row_leases

    make_document()
    change = bulk_changes.request(Document.objects.all(), Wanted(Action.ARCHIVE), by=None)
    assert row_leases.take(change) is not None

    assert tasks.work_on_bulk_change(change.pk, budget_seconds=60) is False
    assert _states() == ["published"]


def test_who_may_change_and_who_may_delete(db: None) -> None:
    user = User.objects.create_superuser("root")

    assert bulk_changes.may_change(user, Action.DELETE)
    assert not bulk_changes.may_change(User.objects.create_user("anna"), Action.ARCHIVE)


def test_a_change_knows_its_collection_where_there_is_one(make_document: MakeDocument, collection: Collection) -> None:
    make_document()
    one = bulk_changes.request(Document.objects.all(), Wanted(Action.ARCHIVE), by=None)
    make_document(collection=Collection.objects.create(slug="other", name="Other"))
    two = bulk_changes.request(Document.objects.all(), Wanted(Action.ARCHIVE), by=None)

    assert (one.collection, two.collection) == (collection, None)
