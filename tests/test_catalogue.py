"""Visitors' pages in German: every text is there, says the same with the same placeholders, and is compiled."""

import re
from collections.abc import Callable

import polib  # type: ignore[import-untyped]
import pytest
from django.test import Client

from search.models import Document, IndexVersion
from tests.catalogue import CATALOGUE, messages

_PLACES = re.compile(r"%(?:\(\w+\))?[sd]|</?\w+(?: [^>]*)?>")


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(CATALOGUE))


def test_it_has_the_texts_of_the_sources_and_no_others(catalogue: polib.POFile) -> None:
    there = {(entry.msgid, entry.msgid_plural) for entry in catalogue}
    assert there == set(messages()), "run `make messages`"


def test_every_text_is_translated(catalogue: polib.POFile) -> None:
    assert not [entry.msgid for entry in catalogue if not entry.translated() or entry.fuzzy]


def test_placeholders_and_tags_are_those_of_the_text(catalogue: polib.POFile) -> None:
    wrong = []
    for entry in catalogue:
        pairs = [(entry.msgid, entry.msgstr)]
        if entry.msgid_plural:
            pairs = [(entry.msgid, entry.msgstr_plural[0]), (entry.msgid_plural, entry.msgstr_plural[1])]
        wrong += [own for own, german in pairs if sorted(_PLACES.findall(own)) != sorted(_PLACES.findall(german))]
    assert not wrong


def test_what_is_compiled_is_the_catalogue(catalogue: polib.POFile) -> None:
    compiled = polib.mofile(str(CATALOGUE.with_suffix(".mo")))
    assert {(e.msgid, e.msgstr, str(e.msgstr_plural)) for e in compiled} == {
        (e.msgid, e.msgstr, str(e.msgstr_plural)) for e in catalogue
    }, "run `make messages`"


@pytest.mark.django_db
def test_visitors_read_german_and_admin_and_api_speak_the_installations_language(
    client: Client, admin_client: Client, make_document: Callable[..., Document], live: IndexVersion
) -> None:
    german = {"accept-language": "de"}

    page = client.get("/", {"q": "words", "collection": "docs"}, headers=german).content.decode()
    assert '<html lang="de"' in page
    assert "Zum Inhalt springen" in page
    assert "Sammlungen" not in admin_client.get("/admin/", headers=german).content.decode()
    assert "The query is empty" in client.get("/api/v1/search/?q=", headers=german).json()["detail"]
