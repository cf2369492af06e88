"""The lexical index: what is published is found, what is damaged is never read, and a crash costs only repetition."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from search.lexical.lexical_query import LexicalQuery
from search.lexical.tantivy_index import (
    LexicalDamaged,
    LexicalEntry,
    LexicalReader,
    LexicalWriter,
    Publication,
    open_publication,
)
from search.retrieval.query_language import parse

CORPUS = {
    1: ("threading", "Wait until several threads have finished."),
    2: ("functools", "Cache the results of a function; the cache has a maximum size."),
    3: ("Crème brûlée", "A café serves naïve crème brûlée."),
    4: ("itertools", "Iterators building blocks, groups and batches of threads."),
}


class Index:
    """A lexical index in a folder, with the newest publication as a database would remember it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writer = LexicalWriter(folder)
        self.last: Publication | None = None
        self.generation = 0

    def apply(self, added: dict[int, tuple[str, str]] | None = None, removed: tuple[int, ...] = ()) -> Publication:
        """Publish a change; `added` maps chunk id to title and text."""
        self.generation += 1
        entries = [LexicalEntry(pk, *texts) for pk, texts in (added or {}).items()]
        self.last = self.writer.apply(generation=self.generation, removed=removed, added=entries, last=self.last)
        return self.last

    def open(self, previous: LexicalReader | None = None) -> LexicalReader:
        """Open the newest publication."""
        assert self.last is not None
        return open_publication(self.folder, self.last, previous)

    def files(self) -> dict[str, Path]:
        """Return the files of the newest publication by name."""
        assert self.last is not None
        return {name: self.folder / "published" / self.last.folder / name for name in self.last.files}


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """An index of the corpus."""
    made = Index(tmp_path)
    made.apply(CORPUS)
    return made


def asked(reader: LexicalReader, query: str, title_weight: float = 0.3) -> LexicalQuery:
    """Return what a query asks of an index, as it is, without a look at words that are written alike."""
    return reader.query(parse(query), title_weight=title_weight, typos=False)


def found(reader: LexicalReader, query: str, k: int = 10) -> list[int]:
    """Return the ids that a query finds, best first."""
    return [hit.chunk_id for hit in reader.search(asked(reader, query), k)]


# --- Writing and reading


def test_what_is_published_is_found_best_first(index: Index) -> None:
    reader = index.open()

    assert found(reader, "threads finished") == [1, 4]
    assert (reader.size, reader.ids()) == (4, [1, 2, 3, 4])


def test_no_more_than_k_are_found(index: Index) -> None:
    assert found(index.open(), "threads finished", k=1) == [1]
    assert found(index.open(), "threads finished", k=0) == []


def test_a_title_counts_by_its_weight(index: Index) -> None:
    reader = index.open()
    light, heavy = (reader.search(asked(reader, "itertools", weight), 5)[0] for weight in (0.1, 5.0))

    assert (light.chunk_id, heavy.chunk_id) == (4, 4)
    assert heavy.score > light.score


def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    empty = Index(tmp_path)
    empty.apply()

    reader = empty.open()

    assert (reader.size, reader.ids(), found(reader, "threads")) == (0, [], [])


def test_added_chunks_are_found_beside_the_older_ones(index: Index) -> None:
    index.apply({9: ("asyncio", "Threads and tasks.")})

    assert sorted(found(index.open(), "threads")) == [1, 4, 9]


def test_a_replaced_chunk_is_found_by_its_new_text_only(index: Index) -> None:
    index.apply({1: ("threading", "Barriers.")})

    reader = index.open()

    assert (found(reader, "finished"), found(reader, "barrier"), reader.size) == ([], [1], 4)


def test_removed_chunks_are_gone(index: Index) -> None:
    index.apply(removed=(1, 3, 777))

    assert index.open().ids() == [2, 4]


def test_a_chunk_removed_and_added_in_one_change_is_there(index: Index) -> None:
    index.apply({1: ("threading", "Barriers.")}, removed=(1,))

    assert found(index.open(), "barriers") == [1]


def test_an_id_that_begins_like_a_removed_one_stays(index: Index) -> None:
    index.apply({11: ("x", "eleven"), 111: ("x", "many ones")})

    index.apply(removed=(11,))

    assert index.open().ids() == [1, 2, 3, 4, 111]


@pytest.mark.parametrize("pk", [0, 2**31, 2**53 + 1, 2**62])
def test_any_id_that_a_database_gives_comes_back_as_it_is(index: Index, pk: int) -> None:
    index.apply({pk: ("big", "uncommonword")})

    assert found(index.open(), "uncommonword") == [pk]


def test_the_same_change_twice_is_as_good_as_once(index: Index) -> None:
    index.apply({1: ("threading", "Barriers.")}, removed=(2,))
    once = index.open()

    index.apply({1: ("threading", "Barriers.")}, removed=(2,))

    twice = index.open()
    assert (twice.ids(), found(twice, "barriers")) == (once.ids(), [1])


def test_a_start_from_nothing_forgets_what_was_there(index: Index) -> None:
    index.last = None

    index.apply({50: ("new", "beginning")})

    assert index.open().ids() == [50]


# --- Publications


def test_a_reader_stays_as_it_is_while_newer_states_are_published(index: Index) -> None:
    reader = index.open()

    for number in range(100, 110):
        index.apply({number: ("t", "threads")}, removed=(1,))

    assert sorted(found(reader, "threads")) == [1, 4]
    assert 1 not in found(index.open(), "threads")


def test_a_reader_outlives_the_files_of_its_publication(index: Index) -> None:
    reader = index.open()
    index.apply(removed=(1,))

    shutil.rmtree(index.folder)

    assert (sorted(found(reader, "threads")), reader.ids()) == ([1, 4], [1, 2, 3, 4])


def test_an_older_publication_can_still_be_opened(index: Index) -> None:
    older = index.last
    assert older is not None
    index.apply({9: ("t", "threads")}, removed=(1,))

    assert open_publication(index.folder, older).ids() == [1, 2, 3, 4]


def test_a_publication_survives_its_way_through_json(index: Index) -> None:
    assert index.last is not None

    assert Publication.from_json(index.last.as_json()) == index.last
    assert Publication.from_json({}) is None


def test_publications_without_readers_are_removed_and_young_ones_kept(index: Index) -> None:
    first = index.last
    second, third = index.apply(removed=(1,)), index.apply(removed=(2,))
    assert first is not None
    _make_old(index.folder / "published" / first.folder)
    _make_old(index.folder / "published" / second.folder)

    index.writer.remove_unused(third, second)
    assert _published(index) == {second.folder, third.folder}

    index.writer.remove_unused(third)
    assert _published(index) == {third.folder}


def test_a_young_publication_is_kept_because_somebody_may_be_about_to_open_it(index: Index) -> None:
    first = index.last
    second = index.apply(removed=(1,))
    assert first is not None

    index.writer.remove_unused(second)

    assert _published(index) == {first.folder, second.folder}


def test_what_a_killed_publication_left_behind_is_removed(index: Index) -> None:
    left = index.folder / "published" / ".000000000009-deadbeef"
    left.mkdir()
    _make_old(left)
    assert index.last is not None

    index.writer.remove_unused(index.last)

    assert _published(index) == {index.last.folder}


def _make_old(folder: Path) -> None:
    then = time.time() - 3_600
    os.utime(folder, (then, then))


def _published(index: Index) -> set[str]:
    return {path.name for path in (index.folder / "published").iterdir()}


# --- Damage


@pytest.mark.parametrize("again", [False, True], ids=["at first", "after an older one"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 1.0])
def test_a_flipped_bit_in_any_file_is_found(index: Index, share: float, again: bool) -> None:
    names = sorted(index.files())
    assert len(names) > 5

    for name in names:
        index.apply({100: ("another", "text")})
        previous = index.open() if again else None
        if again:
            index.apply({101: ("and", "another")})
        fresh = set(index.files()) - set(previous.publication.files if previous else ())
        target = _target(index, name, fresh)
        data = bytearray(target.read_bytes())
        data[min(int(share * len(data)), len(data) - 1)] ^= 4
        target.unlink()  # a hard link: the work folder keeps the whole one
        target.write_bytes(data)

        with pytest.raises(LexicalDamaged, match=target.name):
            index.open(previous)


def _target(index: Index, name: str, fresh: set[str]) -> Path:
    """Return the file of that name, or the new file of that kind: a newer state has other names."""
    files = index.files()
    if name in files and (not fresh or name in ("meta.json", ".managed.json")):
        return files[name]
    suffix = Path(name).suffix
    kind = sorted(known for known in (fresh or files) if Path(known).suffix == suffix)
    return files[kind[0]] if kind else files["meta.json"]


def test_a_truncated_or_missing_file_is_found(index: Index) -> None:
    for name, path in index.files().items():
        data = path.read_bytes()
        path.unlink()
        with pytest.raises(LexicalDamaged, match=name):
            index.open()
        path.write_bytes(data[:-1])
        with pytest.raises(LexicalDamaged, match=name):
            index.open()
        path.write_bytes(data)

    assert index.open().size == 4


def test_a_missing_publication_is_found(index: Index) -> None:
    shutil.rmtree(index.folder / "published")

    with pytest.raises(LexicalDamaged, match="No such file"):
        index.open()


# --- A writer that was killed


def test_a_lock_file_that_was_left_behind_stops_nobody(index: Index) -> None:
    for name in (".tantivy-writer.lock", ".tantivy-meta.lock"):
        (index.writer.work / name).touch()

    index.apply(removed=(1,))

    assert index.open().ids() == [2, 3, 4]


def test_a_writer_killed_before_it_published_can_do_it_again(index: Index) -> None:
    before = index.last
    index.apply({9: ("lost", "lost work")}, removed=(1,))  # committed in the work folder, never noted
    index.last = before

    index.apply({10: ("other", "threads")})

    assert index.open().ids() == [1, 2, 3, 4, 10]


def test_a_writer_killed_amid_writing_can_go_on(index: Index) -> None:
    code = f"""
import os, pathlib
from search.lexical.tantivy_index import LexicalEntry, LexicalWriter
def entries():
    for pk in range(1000, 3000):
        yield LexicalEntry(pk, "t", "words " * 50)
    os.kill(os.getpid(), 9)
from search.lexical.tantivy_index import Publication
last = Publication.from_json({index.last.as_json() if index.last else {}!r})
LexicalWriter(pathlib.Path({str(index.folder)!r})).apply(generation=9, removed=(), added=entries(), last=last)
"""
    killed = subprocess.run([sys.executable, "-c", code], check=False)
    assert killed.returncode == -9

    index.apply({10: ("other", "threads")})

    assert index.open().ids() == [1, 2, 3, 4, 10]


def test_an_error_while_reading_the_entries_leaves_the_writer_usable(index: Index) -> None:
    def entries() -> Iterator[LexicalEntry]:
        yield LexicalEntry(9, "half", "done")
        raise RuntimeError("the lease is lost")

    with pytest.raises(RuntimeError, match="the lease is lost"):
        index.writer.apply(generation=2, removed=(), added=entries(), last=index.last)

    index.apply({10: ("other", "threads")})
    assert index.open().ids() == [1, 2, 3, 4, 10]


def test_a_lost_work_folder_is_taken_from_the_publication(index: Index) -> None:
    shutil.rmtree(index.writer.work)

    index.apply({10: ("other", "threads")})

    assert index.open().ids() == [1, 2, 3, 4, 10]


def test_with_all_files_lost_the_writer_says_that_it_cannot_extend_them(index: Index) -> None:
    shutil.rmtree(index.folder)

    with pytest.raises(LexicalDamaged):
        index.apply({10: ("other", "threads")})


def test_a_damaged_work_folder_is_never_published_as_sound(index: Index) -> None:
    """Whatever is broken there: the writer says so, or a fresh reader does, or nothing is lost."""
    for name in sorted(index.files()):
        path = index.writer.work / name
        if not path.exists():
            continue  # an earlier round has merged it away
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 4
        path.unlink()
        path.write_bytes(data)

        try:
            index.apply({100: ("other", "threads")})
            ids = index.open().ids()
        except LexicalDamaged:
            index.last = None
            index.apply(CORPUS)
            ids = index.open().ids()

        assert set(ids) >= set(CORPUS)


# --- Scores


def test_scores_are_those_of_the_search(index: Index) -> None:
    reader = index.open()
    terms = asked(reader, "cache the threads of a function", 0.7)
    searched = {hit.chunk_id: hit.score for hit in reader.search(terms, 10)}

    scores = reader.scores(terms, [1, 2, 3, 4, 99])

    assert scores.keys() == searched.keys() != set()
    assert all(scores[pk] == pytest.approx(searched[pk], rel=1e-5) for pk in scores)


def test_scores_are_asked_for_some_chunks_only(index: Index) -> None:
    reader = index.open()

    assert reader.scores(asked(reader, "threads"), [4, 2]).keys() == {4}
    assert reader.scores(asked(reader, "threads"), []) == {}
    assert reader.scores(LexicalQuery(), [4]) == {}


def test_a_word_said_twice_counts_twice(index: Index) -> None:
    reader = index.open()

    once, twice = (reader.search(asked(reader, query), 1)[0].score for query in ("finished", "finished finished"))

    assert twice == pytest.approx(2 * once, rel=1e-5)


def test_rare_words_are_rarer_than_common_and_unknown_ones_rarest(index: Index) -> None:
    reader = index.open()
    (thread,), (finish,), (unknown,) = (reader.terms(word) for word in ("threads", "finished", "unheardof"))

    assert reader.rarity(thread) < reader.rarity(finish) < reader.rarity(unknown)
    # ln(1 + (4 - 0 + 0.5) / (0 + 0.5)) = ln 10
    assert reader.rarity(unknown) == pytest.approx(2.302585, abs=1e-5)


def test_a_reader_is_safe_to_use_from_several_threads(index: Index) -> None:
    reader = index.open()
    expected = reader.search(asked(reader, "threads of a cache"), 10)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: reader.search(asked(reader, "threads of a cache"), 10), range(400)))

    assert all(answer == expected for answer in answers)


# --- Words


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("creme brulee", [3]),
        ("CRÈME", [3]),
        ("naive cafes", [3]),
        ("thread", [1, 4]),
        ("THREADS!", [1, 4]),
        ("caching", [2]),
        ("finish", [1]),
    ],
)
def test_accents_case_and_endings_make_no_difference(index: Index, query: str, expected: list[int]) -> None:
    assert sorted(found(index.open(), query)) == expected


@pytest.mark.parametrize(
    "query",
    [
        "",
        " ",
        "!!! ??? ...",
        '"',
        '"unfinished phrase',
        "((((",
        "title:",
        "body:[a TO b]",
        "a AND OR NOT",
        "* ~ ^ + -",
        "\\",
        "\x00",
        "\ufffd",
        "👩‍👩‍👧‍👦 🇩🇪",
        "x" * 10_000,
        "word " * 2_000,
        " ".join(f"w{number}" for number in range(1_500)),
        "字" * 3_000,
    ],
)
def test_no_query_is_too_strange_to_be_answered(index: Index, query: str) -> None:
    reader = index.open()
    terms = asked(reader, query)

    hits = reader.search(terms, 10)

    assert {hit.chunk_id for hit in hits} <= set(CORPUS)
    assert reader.scores(terms, [1, 2]).keys() <= {1, 2}


@pytest.mark.parametrize("query", ["body:threads", '"threads"', "threads AND", "-threads", "+threads*", "NOT threads"])
def test_in_a_text_that_is_asked_as_it_is_signs_are_no_operators(index: Index, query: str) -> None:
    reader = index.open()

    assert {1, 4} <= {hit.chunk_id for hit in reader.search(reader.query_of(query), 10)}


def test_strange_texts_can_be_indexed(tmp_path: Path) -> None:
    strange = {
        1: ("\x00", "a\x00b"),
        2: ("", ""),
        3: ("👩‍👩‍👧‍👦", "x" * 100_000),
        4: ("t", "字" * 50_000),
        5: ("t", "plain"),
    }
    index = Index(tmp_path)

    index.apply(strange)

    assert index.open().ids() == [1, 2, 3, 4, 5]
    assert found(index.open(), "plain") == [5]


def test_documents_and_queries_are_analysed_alike(index: Index) -> None:
    assert index.open().terms("The Cafés' THREADS, finished times") == ["the", "cafe", "thread", "finish", "time"]
