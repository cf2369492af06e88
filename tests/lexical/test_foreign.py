"""A query in another language than the texts is told by its letters or its grammar; names and nouns are no language."""

import pytest

from search.lexical.foreign import is_foreign


@pytest.mark.parametrize(
    ("query", "languages"),
    [
        ("wie liest man eine Datei", ["en"]),
        ("¿Cuántos puntos tuvo la defensa de los Panthers?", ["en"]),
        ("what does the defence of the Panthers allow", ["de"]),
        ("wie viele Punkte hat die Verteidigung zugelassen", ["en", "fr"]),
        ("黑豹队的防守丢了多少分", ["en"]),
        ("сколько очков пропустила защита", ["en", "de"]),
        ("黑豹队 308", ["de"]),
    ],
)
def test_other_letters_or_other_grammar_is_foreign(query: str, languages: list[str]) -> None:
    assert is_foreign(query, languages)


@pytest.mark.parametrize(
    ("query", "languages"),
    [
        ("how do I read a file", ["en"]),
        ("wie liest man eine Datei", ["de"]),
        ("wie liest man eine Datei", ["en", "de"]),
        ("Angela Merkel", ["en"]),
        ("usb hub 4 port", ["en"]),
        ("La Traviata", ["en"]),
        ("der", ["en"]),
        ("黑豹队的防守丢了多少分", ["zh"]),
        ("Kubernetes", ["ru"]),
        ("jak odczytać plik w pythonie", ["pl"]),
        ("wie liest man eine Datei", ["pl"]),  # of Polish, no stop words are known
        ("", ["en"]),
        ("308", ["en"]),
        ("wie liest man eine Datei", []),
    ],
)
def test_anything_else_is_not(query: str, languages: list[str]) -> None:
    assert not is_foreign(query, languages)
