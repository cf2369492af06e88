"""Writes that no form and no signal sees: bulk_create, update(), queryset deletes and plain SQL."""

import pytest

from tests.journeys.stack import WEB_SERVERS, Stack

pytestmark = pytest.mark.timeout(600)
SETUP = "from search.models import Collection, Document\ncollection = Collection.objects.get(slug={slug!r})\n"


def run(stack: Stack, slug: str, code: str) -> None:
    """Run ORM code as a script of the curator's would, in a process of its own."""
    stack.shell(SETUP.format(slug=slug) + code)


def insert_by_sql(stack: Stack, slug: str, external_id: str, body: str) -> None:
    """Insert a published document with plain SQL."""
    stack.sql(
        "INSERT INTO search_document (collection_id, external_id, title, body, url, language, metadata, state, "
        "visibility, created_at, updated_at) VALUES "
        "(%s, %s, 'By SQL', %s, '', '', '{}', 'published', 'public', %s, %s)",
        [stack.collection_id(slug), external_id, body, "2026-01-01 00:00:00+00:00", "2026-01-01 00:00:00+00:00"],
    )


def assert_found(stack: Stack, slug: str, word: str, expected: list[str]) -> None:
    """In every web process, the documents with this word are exactly the expected ones."""
    for web in range(WEB_SERVERS):
        assert sorted(stack.found(word, slug, web=web, mode="lexical", k=50)) == sorted(expected)


def test_documents_of_bulk_create_are_found(stack: Stack, slug: str) -> None:
    run(
        stack,
        slug,
        "Document.objects.bulk_create([Document(collection=collection, external_id=f'd{n}', title='Bulk',"
        " body=f'All about zebras, part {n}.') for n in range(20)])",
    )
    stack.wait_indexed(slug)
    assert_found(stack, slug, "zebras", [f"d{n}" for n in range(20)])


def test_a_queryset_update_of_the_text_is_found_and_the_old_text_is_not(stack: Stack, slug: str) -> None:
    for number in range(3):
        stack.put(slug, f"d{number}", title="Before", body="All about zebras.")
    stack.wait_indexed(slug)
    run(stack, slug, "Document.objects.filter(collection=collection).update(body='All about giraffes.')")
    stack.wait_indexed(slug)
    assert_found(stack, slug, "giraffes", ["d0", "d1", "d2"])
    assert_found(stack, slug, "zebras", [])


def test_a_queryset_update_of_the_state_hides_at_once_and_can_be_undone(stack: Stack, slug: str) -> None:
    stack.put(slug, "d0", title="Note", body="All about zebras.")
    stack.wait_indexed(slug)
    run(stack, slug, "Document.objects.filter(collection=collection).update(state='archived')")
    assert_found(stack, slug, "zebras", [])
    stack.wait_indexed(slug)
    run(stack, slug, "Document.objects.filter(collection=collection).update(state='published')")
    stack.wait_indexed(slug)
    assert_found(stack, slug, "zebras", ["d0"])


def test_a_queryset_delete_leaves_nothing_to_find(stack: Stack, slug: str) -> None:
    for number in range(3):
        stack.put(slug, f"d{number}", title="Note", body="All about zebras.")
    stack.wait_indexed(slug)
    run(stack, slug, "Document.objects.filter(collection=collection, external_id__in=['d0', 'd1']).delete()")
    assert_found(stack, slug, "zebras", ["d2"])
    stack.wait_indexed(slug)
    assert_found(stack, slug, "zebras", ["d2"])


def test_a_row_inserted_by_sql_is_found_without_anybody_announcing_it(stack: Stack, slug: str) -> None:
    insert_by_sql(stack, slug, "sql-1", "All about zebras.")
    stack.wait_indexed(slug)
    assert_found(stack, slug, "zebras", ["sql-1"])


def test_a_row_changed_by_sql_is_found_by_its_new_text_only(stack: Stack, slug: str) -> None:
    stack.put(slug, "d0", title="Note", body="All about zebras.")
    stack.wait_indexed(slug)
    stack.sql("UPDATE search_document SET body = 'All about giraffes.' WHERE external_id = %s AND collection_id = %s",
              ["d0", stack.collection_id(slug)])  # fmt: skip
    stack.wait_indexed(slug)
    assert_found(stack, slug, "giraffes", ["d0"])
    assert_found(stack, slug, "zebras", [])


def test_a_row_deleted_by_sql_is_gone_at_once_and_leaves_no_live_chunk_behind(stack: Stack, slug: str) -> None:
    insert_by_sql(stack, slug, "sql-1", "All about zebras.")
    stack.wait_indexed(slug)
    document = stack.sql("SELECT id FROM search_document WHERE collection_id = %s", [stack.collection_id(slug)])[0][0]
    stack.sql("DELETE FROM search_document WHERE id = %s", [document])
    assert_found(stack, slug, "zebras", [])
    stack.wait_indexed(slug)
    live = "SELECT count(*) FROM search_chunk WHERE document_id = %s AND removed_generation IS NULL"
    assert stack.sql(live, [document]) == [(0,)]
