"""A result set, its order, and the cursor that carries it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.datatypes import Hit
from search.models import Chunk, Document, IndexVersion
from search.retrieval.result_set import (
    MOST,
    InvalidCursor,
    Place,
    ResultSet,
    first_page,
    ordered,
    page,
    read_cursor,
    write_cursor,
)
from search.retrieval.visible_hits import VisibleHit
from tests.conftest import MakeDocument

places = st.builds(
    Place,
    st.integers(1, 2**62),
    st.integers(0, 2**31),
    st.integers(-(2**20), 2**20).map(lambda steps: steps / 4096),
)


def hit(document_id: int, score: float = 0.5) -> VisibleHit:
    return VisibleHit(Hit(0, score), document_id, 0, 0, changed=False)


@given(st.lists(places, max_size=60), st.booleans(), st.integers(0, MOST))
def test_a_cursor_holds_what_was_put_into_it(given_places: list[Place], complete: bool, at: int) -> None:
    frozen = ResultSet(tuple(given_places), complete, at)

    assert read_cursor(write_cursor(frozen, bound_to=["q", 7]), bound_to=["q", 7]) == frozen


def test_a_cursor_of_the_largest_set_fits_into_an_address() -> None:
    """Gunicorn takes request lines of 8,190 bytes."""
    ids = [(number * 7_919_993) % 1_000_003 + 1 for number in range(MOST)]
    frozen = ResultSet(tuple(Place(pk, pk % 5, 1 - n / MOST) for n, pk in enumerate(ids)), complete=True)

    assert len(write_cursor(frozen, bound_to=["q"])) < 4_000


@pytest.mark.parametrize("text", ["", "x", "a:b:c", "::", "é", "eJw:1abc:def", "\x00"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor, match="another search"):
        read_cursor(text, bound_to=["q"])


def test_a_cursor_of_another_search_is_refused() -> None:
    cursor = write_cursor(ResultSet((Place(1, 0, 0.5),), complete=True), bound_to=["q", "tag:a", 7])

    for other in (["q", "tag:a", 8], ["q", "tag:b", 7], ["q", "tag:a"], ["q,", "tag:a", 7], []):
        with pytest.raises(InvalidCursor, match="another search"):
            read_cursor(cursor, bound_to=other)


def test_an_old_cursor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cursor = write_cursor(ResultSet((Place(1, 0, 0.5),), complete=True), bound_to=["q"])
    later = time.time() + 25 * 3_600
    monkeypatch.setattr(time, "time", lambda: later)

    with pytest.raises(InvalidCursor, match="too old"):
        read_cursor(cursor, bound_to=["q"])


def test_a_set_is_cut_where_it_is_too_large_and_says_so() -> None:
    found = [hit(pk) for pk in range(1, MOST + 2)]

    whole, cut = first_page(found[:MOST], 10, complete=True), first_page(found, 10, complete=True)

    assert (whole.total, whole.total_relation) == (MOST, "eq")
    assert (cut.total, cut.total_relation) == (MOST, "gte")


def test_a_set_that_fits_on_the_page_has_no_next_one() -> None:
    assert first_page([hit(1), hit(2)], 2, complete=True).rest is None
    assert first_page([hit(1), hit(2), hit(3)], 2, complete=True).rest is not None


@pytest.mark.parametrize(
    ("sort", "expected"),
    [("relevance", [0, 1, 2, 3]), ("newest", [1, 3, 0, 2]), ("oldest", [2, 0, 3, 1]), ("title", [3, 1, 2, 0])],
)
def test_results_can_be_ordered(sort: str, expected: list[int], make_document: MakeDocument) -> None:
    made = [
        make_document(title="zebra", metadata={"date": "2019"}, created_at=datetime(2025, 1, 1, tzinfo=UTC)),
        make_document(title="Ähre", external_id="x", metadata={"date": "soon"}),
        make_document(title="Zebra", metadata={"date": 2018}),
        make_document(title="", external_id="apple", created_at=datetime(2020, 6, 1, tzinfo=UTC)),
    ]
    if sort == "title":
        made[1].title = "ant"
        made[1].save()
        expected = [1, 3, 0, 2]  # "zebra" twice: as they were found
    ids = [document.pk for document in made]

    found = ordered([hit(pk) for pk in ids], Document.objects.all(), sort)

    assert [ids.index(each.document_id) for each in found] == expected


def test_a_later_page_shows_the_chunk_that_was_found(
    make_document: MakeDocument, indexed: Callable[[], int], live: IndexVersion
) -> None:
    long = make_document(body="\n\n".join(f"Paragraph {n}. " + "Words that fill it up. " * 60 for n in range(3)))
    indexed()
    chunk = Chunk.objects.filter(document=long).order_by("ordinal").last()
    assert chunk is not None
    assert chunk.ordinal > 0
    frozen = ResultSet((Place(long.pk, chunk.ordinal, 0.25), Place(Document.objects.first().pk, 0, 0.2)), True)  # type: ignore[union-attr]

    (found,) = page(live, Document.objects.all(), frozen, 1).found

    assert (found.hit, found.start, found.end) == (Hit(chunk.pk, 0.25), chunk.start, chunk.end)
    assert not found.changed


def test_a_document_whose_chunk_has_gone_is_shown_by_another_or_by_itself(
    make_document: MakeDocument, indexed: Callable[[], int], live: IndexVersion
) -> None:
    first = Document.objects.get()
    waiting = make_document(body="Not indexed yet.")
    frozen = ResultSet((Place(first.pk, 7, 0.3), Place(waiting.pk, 0, 0.2)), True)

    one, other = page(live, Document.objects.all(), frozen, 2).found

    assert one.hit.chunk_id == Chunk.objects.get(document=first).pk
    assert (other.document_id, other.hit.chunk_id, other.changed) == (waiting.pk, 0, True)
