"""Visitors' pages in each language: every text is there, says the same with the same placeholders, and is compiled."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polib  # type: ignore[import-untyped]
import pytest
from django.test import Client
from django.utils.translation import trans_real

from search.models import Document, IndexVersion
from tests.catalogue import ROOT, TEMPLATES, bring_up_to_date, catalogues, forms, messages

_PLACES = re.compile(r"%(?:\(\w+\))?[sd]|</?\w+(?: [^>]*)?>")
_NOT_READ = re.compile(
    r"{#.*?#}|{%\s*comment.*?endcomment\s*%}|{%\s*blocktranslate.*?endblocktranslate\s*%}|<(script|style|kbd)\b.*?</\1>|<!--.*?-->",
    re.DOTALL,
)
_CODE = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
_SPOKEN = re.compile(r'\b(?:aria-label|aria-description|title|alt|placeholder)="([^"]*)"')
_WORD = re.compile(r"[^\W\d_]{2}")


@pytest.fixture(params=catalogues(), ids=lambda path: path.parts[-3])
def path(request: pytest.FixtureRequest) -> Path:
    found = request.param
    assert isinstance(found, Path)
    return found


@pytest.fixture
def catalogue(path: Path) -> polib.POFile:
    return polib.pofile(str(path))


def test_each_language_that_is_offered_has_a_catalogue(settings: Any) -> None:
    offered = {code.replace("-", "_").lower() for code, _ in settings.LANGUAGES} - {"en"}
    assert {path.parts[-3].lower() for path in catalogues()} == offered


def test_it_has_the_texts_of_the_sources_and_no_others(catalogue: polib.POFile) -> None:
    there = {(entry.msgid, entry.msgid_plural) for entry in catalogue}
    assert there == set(messages()), "run `make messages`"


def test_every_text_is_translated(catalogue: polib.POFile) -> None:
    assert not [entry.msgid for entry in catalogue if not entry.translated() or entry.fuzzy or entry.obsolete]
    counted = [entry for entry in catalogue if entry.msgid_plural]
    assert not [entry.msgid for entry in counted if len(entry.msgstr_plural) != forms(catalogue)]


def test_placeholders_and_tags_are_those_of_the_text(catalogue: polib.POFile) -> None:
    wrong = []
    for entry in catalogue:
        own = [sorted(_PLACES.findall(text)) for text in (entry.msgid, entry.msgid_plural) if text]
        said = list(entry.msgstr_plural.values()) or [entry.msgstr]
        wrong += [text for text in said if sorted(_PLACES.findall(text)) not in own]
    assert not wrong


def test_what_is_compiled_is_the_catalogue(catalogue: polib.POFile, path: Path) -> None:
    compiled = polib.mofile(str(path.with_suffix(".mo")))
    assert {(e.msgid, e.msgstr, str(e.msgstr_plural)) for e in compiled} == {
        (e.msgid, e.msgstr, str(e.msgstr_plural)) for e in catalogue
    }, "run `make messages`"


def test_templates_have_no_words_outside_translation() -> None:
    bare = {}
    for pattern in TEMPLATES:
        for template in sorted(ROOT.glob(pattern)):
            if found := _bare_words(template.read_text(encoding="utf-8")):
                bare[template.relative_to(ROOT).as_posix()] = found
    assert not bare


@pytest.mark.parametrize("markup", ["<p>Words</p>", '<a title="Words {{ x }}">{% translate "x" %}</a>'])
def test_words_outside_translation_are_seen(markup: str) -> None:
    assert _bare_words(markup)


@pytest.mark.django_db
def test_visitors_read_german_and_admin_and_api_speak_the_installations_language(
    client: Client, admin_client: Client, make_document: Callable[..., Document], live: IndexVersion
) -> None:
    german = {"accept-language": "de"}

    page = client.get("/", {"q": "words", "collection": "docs"}, headers=german).content.decode()
    assert '<html lang="de"' in page
    assert "Zum Inhalt springen" in page
    assert "Bedeutung und Wörter" in page  # words that come from a tag of ours, not from a template
    assert "Sammlungen" not in admin_client.get("/admin/", headers=german).content.decode()
    assert "The query is empty" in client.get("/api/v1/search/?q=", headers=german).json()["detail"]


@pytest.mark.django_db
def test_a_language_is_added_by_a_catalogue_and_a_line_of_settings(
    client: Client, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pl/LC_MESSAGES/django.po"
    catalogue = bring_up_to_date(path)
    assert forms(catalogue) > 2
    catalogue.find("Skip to the content").msgstr = "Przejdź do treści"
    catalogue.save(str(path))
    bring_up_to_date(path)
    monkeypatch.setattr(trans_real, "_translations", {})
    settings.LOCALE_PATHS = [tmp_path]
    settings.LANGUAGES = [("en", "English"), ("pl", "Polski")]

    page = client.get("/", headers={"accept-language": "pl"}).content.decode()

    assert '<html lang="pl"' in page
    assert "Przejdź do treści" in page
    assert "Sign in" in page  # what is not translated yet stays as it is


def _bare_words(source: str) -> list[str]:
    shown = _CODE.sub("", _NOT_READ.sub("", source))
    texts = [*_SPOKEN.findall(shown), *re.split(r"<[^<>]*>", shown)]
    return [text.strip() for text in texts if _WORD.search(text)]
