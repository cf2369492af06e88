"""The language of queries: operators are read, and nothing that is typed is lost or refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.retrieval.query_language import FieldValue, ParsedQuery, Phrase, parse

FIELDS = {"tag", "created", "metadata.year", "metadata.Year"}


def read(text: str) -> ParsedQuery:
    """Parse with a few known fields."""
    return parse(text, FIELDS.__contains__)


@pytest.mark.parametrize(
    "query",
    [
        "how do I wait for threads",
        "https://example.com/a?b=c",
        "12:30",
        "std::vector",
        '"lone quote',
        '5" pipe',
        "-5 °C",
        "- dash -- dashes --force",
        "state-of-the-art",
        "colour:red",
        "tag:",
        "tag: news",
        "title:",
        '""',
        "a:b:c",
        "(foo OR bar) AND baz*",
        "",
        "   ",
    ],
)
def test_what_is_no_operator_is_words(query: str) -> None:
    parsed = read(query)

    assert parsed.words == tuple(query.split())
    assert (parsed.phrases, parsed.excluded, parsed.filters) == ((), (), ())
    assert parsed.plain == " ".join(query.split())


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('say "hello world" twice', (Phrase("hello world"),)),
        ("“hello world” „hallo“", (Phrase("hello world"), Phrase("hallo"))),
        ('title:"hello world" body:lamp', (Phrase("hello world", "title"), Phrase("lamp", "body"))),
        ('what is "this"?', (Phrase("this"),)),
    ],
)
def test_phrases(query: str, expected: tuple[Phrase, ...]) -> None:
    assert read(query).phrases == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("lamp -red", (Phrase("red"),)),
        ('lamp -"red light"', (Phrase("red light"),)),
        ("lamp -title:red", (Phrase("red", "title"),)),
        ("lamp -colour:red", (Phrase("colour:red"),)),
    ],
)
def test_exclusions(query: str, expected: tuple[Phrase, ...]) -> None:
    parsed = read(query)

    assert (parsed.excluded, parsed.words, parsed.plain) == (expected, ("lamp",), "lamp")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("tag:news", FieldValue("tag", "=", "news")),
        ("metadata.Year:News", FieldValue("metadata.Year", "=", "News")),
        ('tag:"big news"', FieldValue("tag", "=", "big news")),
        ('tag:"a,b*"', FieldValue("tag", "=", "a,b*")),
        ("-tag:news", FieldValue("tag", "=", "news", negated=True)),
        ("tag:a,b", FieldValue("tag", "in", "a,b")),
        ("tag:ne*", FieldValue("tag", "prefix", "ne")),
        ("tag:*", FieldValue("tag", "exists", "")),
        ("metadata.year:>2020", FieldValue("metadata.year", ">", "2020")),
        ("metadata.year:<=2020", FieldValue("metadata.year", "<=", "2020")),
        ("metadata.year:2019..2021", FieldValue("metadata.year", "..", "2019..2021")),
        ("created:2020-01-01..", FieldValue("created", "..", "2020-01-01..")),
    ],
)
def test_conditions_on_known_fields(query: str, expected: FieldValue) -> None:
    parsed = read(f"lamp {query} light")

    assert (parsed.filters, parsed.words, parsed.plain) == ((expected,), ("lamp", "light"), "lamp light")


def test_the_encoder_gets_words_and_phrases_in_their_order() -> None:
    assert read('who "keeps the" lamp -red tag:news title:sea').plain == "who keeps the lamp sea"


def test_in_a_pasted_text_quotes_and_dashes_are_the_authors() -> None:
    text = 'The "light" of -dash ' + "many words " * 20

    parsed = read(text + "tag:news")

    assert (parsed.phrases, parsed.excluded) == ((), ())
    assert parsed.filters == (FieldValue("tag", "=", "news"),)


PARTS = st.sampled_from(
    ['"', "“", "”", "„", "-", ":", "tag:", "title:", " ", "a", "b c", "..", ">", "*", "(", "é", "1", "\n"]
)


@given(st.one_of(st.text(max_size=60), st.lists(PARTS, max_size=25).map("".join)))
def test_nothing_is_refused_and_no_word_is_lost(text: str) -> None:
    parsed = read(text)

    kept = [*parsed.words, *(f"{each.field} {each.text}" for each in (*parsed.phrases, *parsed.excluded))]
    kept += [f"{each.field} {each.value}" for each in parsed.filters]
    assert sorted(re.findall(r"\w", text.lower())) == sorted(re.findall(r"\w", " ".join(kept).lower()))
