"""Searching words: phrases, exclusions, codes, scripts, mistyped words, and restrictions that are exact."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search.lexical.did_you_mean import did_you_mean
from search.lexical.lexical_reader import LexicalReader
from search.retrieval.query_language import parse
from tests.lexical.indexed import found, indexed

CODES = {
    1: "The client stopped with ERR_CONN_42 after a while.",
    2: "Include std::vector before the list.",
    3: "Published as doi:10.1000/xyz in a journal.",
    4: "This is fixed in v2.3.1 of the program.",
    5: "Certified by ISO-9001 and audited.",
    6: "The iPhone12 and YouTube are products.",
    7: "Call foo.bar() twice; written in C++.",
    8: "The connector has 42 pins, and a version 23 1 of it was published.",
}


@pytest.fixture(scope="module")
def codes(tmp_path_factory: pytest.TempPathFactory) -> LexicalReader:
    """An index of texts with codes in them."""
    return indexed(tmp_path_factory.mktemp("codes"), CODES)


# --- Codes


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("ERR_CONN_42", 1),
        ("err_conn_42", 1),
        ("conn", 1),
        ("std::vector", 2),
        ("vector", 2),
        ("10.1000/xyz", 3),
        ("xyz", 3),
        ("v2.3.1", 4),
        ("ISO-9001", 5),
        ("ISO 9001", 5),
        ("iso9001", 5),
        ("9001", 5),
        ("iPhone12", 6),
        ("iphone", 6),
        ("youtube", 6),
        ("tube", 6),
        ("foo.bar()", 7),
        ("bar", 7),
        ("C++", 7),
    ],
)
def test_codes_are_found_whole_and_by_their_parts(codes: LexicalReader, query: str, first: int) -> None:
    assert found(codes, query)[0] == first


def test_another_version_is_not_taken_for_the_one_asked_for(codes: LexicalReader) -> None:
    whole = next(word for word in codes.query(parse("v23.1"), typos=False).words if word.text == "v23.1")

    assert not codes.frequency(whole.alternatives[0].terms[0][1])


# --- Phrases and exclusions


PHRASES: dict[int, str | tuple[str, str, str]] = {
    1: "The cache of the function is large.",
    2: "The function of the cache is unclear.",
    3: ("Function cache", "It keeps results.", "en"),
    4: "The state-of-the-art cache, and a function.",
}


@pytest.fixture(scope="module")
def phrases(tmp_path_factory: pytest.TempPathFactory) -> LexicalReader:
    """An index of texts with the same words in different orders."""
    return indexed(tmp_path_factory.mktemp("phrases"), PHRASES)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ('"cache of the function"', {1}),
        ('"function of the cache"', {2}),
        ('"function cache"', {3}),
        ('title:"function cache"', {3}),
        ("title:cache", {3}),
        ("body:function", {1, 2, 4}),
        ('body:"keeps results" cache', {3}),
        ('"cache it keeps"', set()),
        ('"state of the art"', {4}),
        ('"functions cached"', {3}),
        ('"large" function', {1}),
        ("cache -large", {2, 3, 4}),
        ('cache -"function of the"', {1, 3, 4}),
        ("cache -title:cache", {1, 2, 4}),
        ('"function" -large -unclear', {3, 4}),
        ('"nowhere to be found"', set()),
    ],
)
def test_a_phrase_must_be_there_in_its_order_and_what_is_excluded_must_not(
    phrases: LexicalReader, query: str, expected: set[int]
) -> None:
    assert set(found(phrases, query)) == expected


def test_a_document_that_says_what_is_excluded_in_one_chunk_is_out_with_all_of_them(tmp_path: Path) -> None:
    reader = indexed(tmp_path, {1: "apples", 2: "apples and pears", 3: "apples", 4: "plums"}, documents=2)

    permitted = reader.permitted(reader.query(parse("apples -pears")))

    assert permitted is not None
    assert permitted.tolist() == [3, 4]


def test_a_query_of_words_permits_everything(codes: LexicalReader) -> None:
    assert codes.permitted(codes.query(parse("vector"))) is None


def test_only_an_exclusion_permits_the_rest_and_finds_nothing_by_words(codes: LexicalReader) -> None:
    query = codes.query(parse("-vector"))
    permitted = codes.permitted(query)

    assert permitted is not None
    assert permitted.tolist() == [1, 3, 4, 5, 6, 7, 8]
    assert codes.search(query, 10) == []


# --- Languages


LANGUAGES: dict[int, str | tuple[str, str, str]] = {
    1: ("Häuser", "Die Häuser in der Straße sind größer geworden.", "de"),
    2: ("Maisons", "Les maisons étaient créées par des ouvriers.", "fr"),
    3: ("Houses", "The houses were getting larger.", "en"),
    4: ("猫", "黒い猫が公園で遊んでいます。", "ja"),
    5: ("狗", "我们在公园里看到了一只黑色的狗。", "zh"),
    6: ("ภาษา", "ภาษาไทยเป็นภาษาราชการ", "th"),
    7: ("Дом", "Большие дома стоят на улице.", "ru"),
    8: ("हिन्दी", "हिन्दी भारत की भाषा है।", "hi"),
}


@pytest.fixture(scope="module")
def languages(tmp_path_factory: pytest.TempPathFactory) -> LexicalReader:
    """An index of texts in eight languages."""
    return indexed(tmp_path_factory.mktemp("languages"), LANGUAGES)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("haus", [1]),
        ("Hauser", [1]),
        ("strasse", [1]),
        ("Straßen", [1]),
        ("maison", [2]),
        ("cree", [2]),
        ("house", [3]),
        ("猫", [4]),
        ("遊んで", [4]),
        ("公園", [4]),
        ("公园", [5]),
        ("黑色的狗", [5]),
        ('"黑色的狗"', [5]),
        ('"色黑的狗"', []),
        ("ภาษาไทย", [6]),
        ("भाषा", [8]),
    ],
)
def test_words_of_many_languages_are_found(languages: LexicalReader, query: str, expected: list[int]) -> None:
    assert found(languages, query, typos=False)[:1] == expected


def test_endings_are_those_of_the_languages_that_the_index_holds(tmp_path: Path) -> None:
    reader = indexed(tmp_path, {1: LANGUAGES[7], 2: ("", "Улицы города", "ru")})

    assert (reader.languages, found(reader, "дом"), found(reader, "улицу")) == (("ru",), [1], [2, 1])


def test_forms_of_a_word_in_several_languages_count_as_one_word(tmp_path: Path) -> None:
    texts = {1: ("", "larger houses here", "en"), 2: ("", "größere Häuser dort", "de")}
    one, two = (
        indexed(tmp_path / "one", {1: texts[1], 2: ("", "größere Häuser dort", "en")}),
        indexed(tmp_path / "two", texts),
    )

    scores = [reader.scores(reader.query(parse("houses")), [1])[1] for reader in (one, two)]

    assert scores[0] == pytest.approx(scores[1])


# --- Mistyped and unfinished words


MANY = {1: "Lighthouse keepers light the lamp.", 2: "Threads wait until the keeper returns.", 3: "Receive a message."}


@pytest.fixture(scope="module")
def spelt(tmp_path_factory: pytest.TempPathFactory) -> LexicalReader:
    """An index of correctly spelt texts."""
    return indexed(tmp_path_factory.mktemp("spelt"), MANY)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("thraeds", [2]),
        ("hthreads", [2]),
        ("threadz", [2]),
        ("mesage", [3]),
        ("recieve", [3]),
        ("lihgthuose", [1]),
        ("lighthouse", [1]),
        ("elephant", []),
        ("4711", []),
    ],
)
def test_a_mistyped_word_finds_what_was_meant(spelt: LexicalReader, query: str, expected: list[int]) -> None:
    assert found(spelt, query) == expected


def test_a_correction_counts_less_than_the_word_itself(spelt: LexicalReader) -> None:
    right, wrong = (spelt.scores(spelt.query(parse(word)), [3])[3] for word in ("message", "mesage"))

    assert wrong < right


def test_what_was_read_for_a_word_is_told(spelt: LexicalReader) -> None:
    assert spelt.query(parse("the mesage")).corrected == {"mesage": "message"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Thraeds and mesage", "Threads and message"),
        ("title:lamp MESAGE tag:mesages -threads", "title:lamp MESSAGE tag:mesages -threads"),
        ("threads", ""),
        ("quetzalcoatl", ""),
        ("ERR_MESAGE mesage2", ""),
        ("", ""),
    ],
)
def test_a_query_is_proposed_as_it_was_meant(spelt: LexicalReader, query: str, expected: str) -> None:
    assert did_you_mean(spelt, parse(query)) == expected


def test_the_last_word_of_an_unfinished_query_is_completed(spelt: LexicalReader) -> None:
    assert found(spelt, "ligh", prefix_last=True, typos=False) == [1]
    assert found(spelt, "ligh", typos=False) == []
    assert found(spelt, "ligh nothing", prefix_last=True, typos=False) == []


# --- Synonyms


def test_synonyms_of_one_and_of_several_words_find_each_other(tmp_path: Path) -> None:
    reader = indexed(tmp_path, {1: "A notebook on the desk.", 2: "A portable computer.", 3: "A computer."})
    synonyms = {"laptops": ["portable computer", "notebook"], "portable computer": ["laptop", "notebook"]}

    def by(query: str) -> list[int]:
        return [hit.chunk_id for hit in reader.search(reader.query(parse(query), synonyms=synonyms), 10)]

    assert set(by("laptop")) == {1, 2}
    assert by("portable computers")[0] == 2
    assert set(by("portable computers")) == {1, 2, 3}
    assert by("portable") == [2]


# --- Restrictions


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> LexicalReader:
    """An index of 400 chunks with two words of seven each."""
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta"]
    texts = {pk: f"{words[pk % 7]} {words[pk % 5]} {'pad ' * (pk % 11)}" for pk in range(1, 401)}
    return indexed(tmp_path_factory.mktemp("many"), texts)


@pytest.mark.parametrize("few", [0, 10_000], ids=["sieved", "named"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(allowed=st.sets(st.integers(1, 420)), k=st.integers(1, 60))
def test_a_restriction_leaves_the_best_of_what_is_allowed(
    many: LexicalReader, monkeypatch: pytest.MonkeyPatch, few: int, allowed: set[int], k: int
) -> None:
    monkeypatch.setattr("search.lexical.lexical_reader._FEW", few)
    query = many.query(parse("alpha beta gamma"))
    everything = many.search(query, 400)

    hits = many.search(query, k, np.array(sorted(allowed), np.int64))

    expected = [hit.score for hit in everything if hit.chunk_id in allowed][:k]
    assert [hit.score for hit in hits] == pytest.approx(expected)
    assert {hit.chunk_id for hit in hits} <= allowed


# --- Why


def test_what_each_term_adds_is_the_score(codes: LexicalReader) -> None:
    query = codes.query(parse("ISO-9001 audited program the"))

    scores = codes.explain(query, 5)

    assert sum(each.score for each in scores) == pytest.approx(codes.scores(query, [5])[5], rel=1e-4)
    assert {(each.term, each.field, each.frequency) for each in scores} >= {
        ("iso9001", "text", 1),
        ("audit", "text", 1),
    }
    assert codes.explain(query, 999) == ()


def test_the_words_of_a_question_say_nothing_by_themselves(tmp_path: Path) -> None:
    reader = indexed(tmp_path, {1: "What did the ferry carry? Who knows how.", 2: "The ferry carried timber."})

    query = reader.query(parse("what did the ferry carry"))

    assert [word.text for word in query.words if word.telling] == ["ferry", "carry", "ferry carry"]


def test_a_word_said_twice_adds_as_with_a_k1_of_six_tenths(tmp_path: Path) -> None:
    reader = indexed(tmp_path, {1: "ferry harbour timber", 2: "ferry ferry timber", 3: "harbour timber crane"})

    once, twice = (reader.scores(reader.query_of("ferry"), [pk])[pk] for pk in (1, 2))

    assert twice / once == pytest.approx((2 / 2.6) / (1 / 1.6), rel=1e-4)  # all are as long as the mean


def test_a_word_of_the_title_counts_as_two_of_the_body(tmp_path: Path) -> None:
    texts = {1: ("ferry", "harbour timber", "en"), 2: ("", "ferry ferry harbour timber", "en")}
    reader = indexed(tmp_path, texts)

    scores = reader.scores(reader.query(parse("ferry"), title_weight=0), [1, 2])

    assert scores[1] == pytest.approx(scores[2])
