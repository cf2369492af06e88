"""Encodings that nobody told: texts of 38 languages in the encodings that such texts lie about in.

The texts are messages of the translations that come with Django, those that were not counted for the letters'
frequencies. Before this detection, with charset-normalizer's measure of chaos and coherence, three of four were read
right; the rest silently in another alphabet.
"""

import gettext
import hashlib
import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import django
import pytest

from search.readers.text.likely_encoding import likeliest
from search.readers.text.text_encoding import detected

_WEST = ("fr", "de", "es", "pt", "pt_BR", "it", "nl", "sv", "da", "nb", "fi", "is", "ca", "gl")
ENCODINGS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_WEST, ("cp1252",)),
    "fr": ("cp1252", "iso8859_15", "cp850", "mac_roman"),
    "de": ("cp1252", "cp850", "mac_roman"),
    **dict.fromkeys(("pl", "cs", "sk", "hu", "sl"), ("cp1250", "iso8859_2")),
    "hr": ("cp1250",),
    "ru": ("cp1251", "koi8_r", "iso8859_5", "cp866"),
    **dict.fromkeys(("uk", "bg", "sr", "be", "mk"), ("cp1251",)),
    "el": ("cp1253", "iso8859_7"),
    "tr": ("cp1254",),
    "he": ("cp1255",),
    "ar": ("cp1256",),
    **dict.fromkeys(("lt", "lv"), ("cp1257",)),
    "et": ("cp1257", "cp1252"),
    "th": ("cp874",),
    "ja": ("cp932", "euc_jp"),
    "zh_Hans": ("gb18030",),
    "zh_Hant": ("big5",),
    "ko": ("cp949",),
}
_LENGTHS = (60, 300, 3_000)


@cache
def messages(language: str) -> list[str]:
    found: list[str] = []
    folder = Path(django.__file__).parent
    for path in sorted(folder.glob(f"contrib/*/locale/{language}/LC_MESSAGES/django.mo")):
        with path.open("rb") as file:
            catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
        texts = [text for key, text in sorted(catalogue.items(), key=str) if key and isinstance(text, str)]
        found += [re.sub(r"%\(\w+\)\w|%\w|\{[^}]*\}|<[^>]+>|[\u200e\u200f]", "", text).strip() for text in texts]
    return [text for text in dict.fromkeys(found) if text and hashlib.md5(text.encode()).digest()[0] % 2]


def texts(language: str, encoding: str) -> Iterator[str]:
    """Yield a text of each length that the encoding can hold."""
    some = random.Random(f"{language} {encoding}")
    fitting = [text for text in messages(language) if text.encode(encoding, "replace").decode(encoding) == text]
    for length in _LENGTHS:
        some.shuffle(fitting)
        text = ""
        for message in fitting:
            text += f"{message}\n"
            if len(text) >= length and not text.isascii():
                break
        yield text


def test_texts_of_many_languages_are_read_in_the_encoding_that_they_were_written_in() -> None:
    wrong, silently, count = [], [], 0
    for language, encodings in ENCODINGS.items():
        for encoding in encodings:
            for text in texts(language, encoding):
                count += 1
                found = detected(text.encode(encoding))
                if text.encode(encoding).decode(found.name, "replace") != text:
                    wrong.append((language, encoding, len(text), found.name))
                    silently += [wrong[-1]] if found.sure else []
    assert count > 150
    assert len(wrong) <= count * 0.02, f"{count - len(wrong)} of {count} texts were read as they were written: {wrong}"
    assert not silently


@pytest.mark.parametrize(
    "text",
    [
        "São Paulo é a maior cidade do país e a capital do estado.",
        "As informações estão à disposição dos cidadãos; não há exceções.",
        "Übergrößenträger aus Köln fahren gern über Brücken.",
        "Ça va? L’élève était très âgé, où est la clé de l'hôtel?",
        "El niño comió una manzana mañana por la mañana. ¿Qué pasó?",
        "Smørrebrød på København",
        "name;city\nJosé;Málaga\nBjörn;Malmö",
        "GARÇON ÉTÉ",
        "Price: £12 – “quoted” text, 20 °C, © 2024",
        "café",
        "ã",
    ],
)
def test_western_texts_are_read_as_windows_1252(text: str) -> None:
    assert detected(text.encode("cp1252")).name == "cp1252"


def test_what_reads_well_in_two_encodings_is_no_certain_guess() -> None:
    certain, doubtful = likeliest("Größe, Maß und Öfen".encode("cp1252")), likeliest("ő".encode("cp1250"))
    assert certain is not None
    assert certain.sure
    assert doubtful is not None
    assert not doubtful.sure


def test_japanese_by_escapes_is_known_by_them() -> None:
    assert detected("吾輩は猫である。".encode("iso2022_jp")).name == "iso2022_jp"
