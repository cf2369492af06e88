"""The lexical index built anew while documents wait: each entry has the text of its chunk, not of its old place."""

from collections.abc import Callable

import pytest

from search.indexing import lexical_feed
from search.indexing.applier import drain
from search.indexing.leases import hold
from search.indexing.sweep import collections_with_work
from search.lexical.analysis import RECIPE
from search.models import Chunk, Collection, Document, IndexVersion
from search.query_service import search
from search.retrieval.open_index import close_all
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db(transaction=True)

Indexed = Callable[[], int]

FIRST = "\n\n".join(f"{word} {'filler ' * 30}" for word in ("alpha", "beta", "gamma"))


def build_anew(version: IndexVersion) -> None:
    """Lose the lexical index and build it from the database, as the worker does."""
    IndexVersion.objects.filter(pk=version.pk).update(lexical_files={})
    with hold(version.collection_id) as lease:
        lexical_feed.catch_up(version, lease)


def entries(word: str) -> list[int]:
    """The chunks that a lexical search for a word finds."""
    return [result.chunk_id for result in search(word, mode="lexical", k=10).results]


@pytest.fixture
def version(collection: Collection, make_document: MakeDocument, indexed: Indexed) -> IndexVersion:
    """One document of several chunks."""
    make_document(external_id="d", body=FIRST)
    indexed()
    version = collection.active_version()
    assert version is not None
    assert version.chunks >= 3
    return version


def test_chunks_that_moved_while_the_index_was_built_anew_keep_their_words(
    version: IndexVersion, indexed: Indexed
) -> None:
    Document.objects.update(body=f"omega {'other ' * 30}\n\n{FIRST}")
    build_anew(version)
    indexed()
    for word in ("alpha", "beta", "gamma", "omega"):
        [found] = entries(word)
        chunk = Chunk.objects.get(pk=found)
        assert word in Document.objects.get().body[chunk.start : chunk.end]


def test_an_edit_that_was_taken_back_while_the_index_was_built_anew_leaves_no_trace(
    version: IndexVersion, indexed: Indexed
) -> None:
    Document.objects.update(body=FIRST.replace("beta", "delta"))
    build_anew(version)
    Document.objects.update(body=FIRST)
    indexed()
    assert entries("delta") == []
    assert len(entries("beta")) == 1


def test_an_index_whose_words_were_analysed_otherwise_is_built_anew_by_itself(
    version: IndexVersion, collection: Collection, indexed: Indexed
) -> None:
    indexed()
    assert collections_with_work() == []
    files = dict(version.lexical_files)
    for outdated in (files | {"recipe": "of yesterday"}, {key: files[key] for key in ("folder", "files")}):
        IndexVersion.objects.update(lexical_files=outdated)
        assert collections_with_work() == [collection.pk]
        drain(collection.pk, budget_seconds=60)

        version.refresh_from_db()
        assert version.lexical_files["recipe"] == RECIPE
        assert len(entries("alpha")) == 1


def test_until_it_is_built_anew_documents_are_found_by_their_meaning(
    version: IndexVersion, collection: Collection
) -> None:
    IndexVersion.objects.update(lexical_files=dict(version.lexical_files) | {"recipe": "of yesterday"})
    close_all()

    response = search("alpha")

    assert [result.external_id for result in response.results] == ["d"]
    assert response.degraded


def test_a_documents_language_is_what_it_says_or_what_its_text_tells(
    version: IndexVersion, make_document: MakeDocument, indexed: Indexed
) -> None:
    make_document(external_id="said", body="Hunde", language="de-AT")
    make_document(external_id="told", body="Die Katzen schlafen den ganzen Tag auf dem Sofa und jagen nachts.")
    indexed()

    assert len(entries("Hund")) == 1
    assert len(entries("Katze")) == 1
