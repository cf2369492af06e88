"""Where in one document a query is answered."""

from collections.abc import Callable

import pytest

from search.models import Chunk, Document
from search.retrieval.passages import matching_passages

Make = Callable[..., Document]
Drain = Callable[[], int]
pytestmark = pytest.mark.django_db

BODY = "\n\n".join(f"{word} " * 90 + "." for word in ("flour", "butter", "sugar", "honey"))


@pytest.fixture
def document(make_document: Make, indexed: Drain) -> Document:
    document = make_document(title="Cake", body=BODY)
    indexed()
    return document


def found(document: Document, text: str, first: int | None = None) -> list[str]:
    passages = matching_passages(document, text, user=None, mode="lexical", first=first)
    return [document.body[passage.start : passage.end] for passage in passages]


def test_only_the_passages_that_have_the_words_are_found_and_the_words_in_them(document: Document) -> None:
    texts = found(document, "sugar")
    (passage, *_) = matching_passages(document, "sugar", user=None, mode="lexical")

    assert texts and all("sugar" in text for text in texts)
    assert {document.body[start:end] for start, end in passage.words} == {"sugar"}


def test_the_chunk_that_a_result_named_comes_first(document: Document) -> None:
    named = Chunk.objects.live().filter(document=document).order_by("ordinal")[0]

    assert found(document, "honey", first=named.pk)[0] == document.body[named.start : named.end]


def test_without_a_query_there_is_only_the_named_chunk(document: Document) -> None:
    named = Chunk.objects.live().filter(document=document).order_by("ordinal")[1]

    assert len(found(document, "", first=named.pk)) == 1
    assert found(document, "") == []


def test_a_text_that_has_changed_since_has_no_passages(document: Document) -> None:
    Document.objects.filter(pk=document.pk).update(body="Something else. " + BODY)
    document.refresh_from_db()

    assert found(document, "sugar") == []


@pytest.mark.parametrize("text", ['"unclosed', "metadata.:x", "language:", "sugar nofield:x"])
def test_what_cannot_be_searched_finds_nothing_and_fails_nothing(document: Document, text: str) -> None:
    matching_passages(document, text, user=None, mode="hybrid")


def test_an_index_that_is_not_there_finds_nothing(make_document: Make) -> None:
    assert matching_passages(make_document(), "words", user=None, mode="hybrid") == ()
