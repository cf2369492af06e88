"""Reading in child processes: limits, ends of every kind in words, and what goes on working afterwards."""

import os
import re
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import psutil
import pytest

from search.readers.base import FileNotes, Limits, Record, UnreadableFile
from search.readers.child_process.reader_process import ReadersUnavailable
from search.readers.child_process.sandbox import Sandbox
from tests.readers.escapes import FORMATS
from tests.readers.hostile_archives import tar_lie_of_size, tarred, zipped

LIMITS = Limits(file_bytes=1 << 20, memory_bytes=150 << 20, cpu_seconds=1, wall_seconds=1.5)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(LIMITS, readers=FORMATS) as opened:
        yield opened


def escape(sandbox: Sandbox, folder: Path, *lines: str, skip: int = 0) -> Iterator[Record]:
    file = folder / f"{time.monotonic_ns()}.escape"
    file.write_text("\n".join(lines))
    return sandbox.read(file, file.name, format="escape", skip=skip).records


def reason(sandbox: Sandbox, folder: Path, *lines: str) -> str:
    with pytest.raises(UnreadableFile) as refused:
        list(escape(sandbox, folder, *lines))
    return str(refused.value)


def children(sandbox: Sandbox) -> list[psutil.Process]:
    return psutil.Process(sandbox.zygote().pid).children()


def wait_until_none(sandbox: Sandbox) -> None:
    deadline = time.monotonic() + 10
    while children(sandbox):
        assert time.monotonic() < deadline, children(sandbox)
        time.sleep(0.01)


class TestReading:
    def test_a_file_is_recognised_and_read(self, tmp_path: Path) -> None:
        file = tmp_path / "stored-00017"
        file.write_text("id,title\n1,Bread\n2,Größe\n")
        with Sandbox(Limits()) as sandbox:
            reading = sandbox.read(file, "folder/rows.csv")
            assert (reading.format, reading.tabular) == ("csv", True)
            assert [record.values["title"] for record in reading.records] == ["Bread", "Größe"]

    def test_what_a_curator_should_know_comes_with_the_records(self, tmp_path: Path) -> None:
        file = tmp_path / "a.csv"
        file.write_bytes("id,name\n1,Größe und Maß für Öfen\n2,Ärger\n".encode("cp1252"))
        with Sandbox(Limits()) as sandbox:
            guessed = sandbox.read(file, "a.csv")
            told = sandbox.read(file, "a.csv", encoding="cp1250")
            assert [len(list(guessed.records)), len(list(told.records))] == [2, 2]
            assert [guessed.notes, told.notes] == [FileNotes("cp1252"), FileNotes("cp1250")]

    def test_records_can_be_passed_over(self, sandbox: Sandbox, tmp_path: Path) -> None:
        found = [record.number for record in escape(sandbox, tmp_path, "rows 1000", skip=997)]
        assert found == [998, 999, 1000]

    def test_long_texts_come_through_whole(self, sandbox: Sandbox, tmp_path: Path) -> None:
        text = "Größe 🙂 " * 20_000
        [record] = escape(sandbox, tmp_path, f"say {text}")
        assert record.values["came of it"] == text

    def test_threads_share_a_sandbox(self, sandbox: Sandbox, tmp_path: Path) -> None:
        def read(number: int) -> str:
            if number % 5 == 0:
                return reason(sandbox, tmp_path, "signal 11")
            [record] = escape(sandbox, tmp_path, f"say {number}")
            return str(record.values["came of it"])

        with ThreadPoolExecutor(8) as threads:
            found = list(threads.map(read, range(80)))
        assert [text for number, text in enumerate(found) if number % 5] == [str(n) for n in range(80) if n % 5]
        assert all("crashed" in text for text in found[::5])

    def test_a_consumer_that_takes_its_time_costs_the_file_nothing(self, sandbox: Sandbox, tmp_path: Path) -> None:
        records = escape(sandbox, tmp_path, "rows 60000")
        first = list(islice(records, 10))
        time.sleep(LIMITS.wall_seconds + 0.5)
        assert len(first) + sum(1 for _ in records) == 60_000

    def test_a_consumer_that_stops_early_ends_the_child(self, sandbox: Sandbox, tmp_path: Path) -> None:
        records = sandbox.read(self.rows(tmp_path), "rows", format="escape").records
        next(records)
        assert children(sandbox)
        records.close()
        wait_until_none(sandbox)

    def test_a_reading_that_is_dropped_ends_the_child(self, sandbox: Sandbox, tmp_path: Path) -> None:
        sandbox.read(self.rows(tmp_path), "rows", format="escape")
        wait_until_none(sandbox)

    def rows(self, folder: Path) -> Path:
        file = folder / "rows.escape"
        file.write_text("rows 10000000")
        return file


class TestLimits:
    def test_memory(self, sandbox: Sandbox, tmp_path: Path) -> None:
        assert reason(sandbox, tmp_path, "eat").startswith("It needs more than 150 MB of memory")
        assert sandbox.peak_bytes < 250 << 20

    def test_computing_time(self, tmp_path: Path) -> None:
        with Sandbox(Limits(cpu_seconds=1), readers=FORMATS) as sandbox:
            assert "too much computing time" in reason(sandbox, tmp_path, "spin")

    def test_waiting_time(self, sandbox: Sandbox, tmp_path: Path) -> None:
        assert "without a result" in reason(sandbox, tmp_path, "sleep 60")
        wait_until_none(sandbox)

    def test_size_of_the_file(self, sandbox: Sandbox, tmp_path: Path) -> None:
        file = tmp_path / "large.txt"
        file.write_bytes(bytes((1 << 20) + 1))
        with pytest.raises(UnreadableFile, match="1,048,577 bytes; one file may have 1,048,576"):
            sandbox.read(file, file.name)

    @pytest.mark.parametrize(("make", "words"), [
        (lambda path: path.touch(), "empty"),
        (lambda path: path.mkdir(), "not a file"),
        (os.mkfifo, "not a file"),
        (lambda path: None, "cannot be opened"),
    ])  # fmt: skip
    def test_what_is_no_file(self, sandbox: Sandbox, tmp_path: Path, make: object, words: str) -> None:
        path = tmp_path / "thing.txt"
        make(path)  # type: ignore[operator]
        with pytest.raises(UnreadableFile, match=words):
            sandbox.read(path, path.name)


class TestEnds:
    @pytest.mark.parametrize(("line", "words"), [
        ("signal 11", "crashed .signal 11 SIGSEGV"),
        ("signal 6", "crashed .signal 6 SIGABRT"),
        ("signal 9", "want of memory"),
        ("exit 3", "exit status 3"),
        ("raise some words", "some words"),
        ("lie 414141", "ended without a word|something else"),
        ("lie 52000000030000000041", "something else"),
        ("lie 520000000300000000414141", "something else"),
        ("lie 52000000070000000030303030303030", "something else"),
        ("boast", "something else"),
    ])  # fmt: skip
    def test_it_is_told_in_words_and_the_next_file_is_read(
        self, sandbox: Sandbox, tmp_path: Path, line: str, words: str
    ) -> None:
        said = reason(sandbox, tmp_path, line)
        assert re.search(words, said), said
        assert [record.values["came of it"] for record in escape(sandbox, tmp_path, "say well")] == ["well"]

    def test_records_before_the_end_are_given(self, sandbox: Sandbox, tmp_path: Path) -> None:
        records = escape(sandbox, tmp_path, "rows 1000", "exit 1")
        assert len(list(islice(records, 700))) == 700

    def test_a_child_that_is_killed_fails_its_file_alone(self, sandbox: Sandbox, tmp_path: Path) -> None:
        records = escape(sandbox, tmp_path, "rows 10000000")
        next(records)
        for child in children(sandbox):
            child.kill()
        with pytest.raises(UnreadableFile, match="want of memory"):
            list(records)

    def test_a_zygote_that_is_killed_costs_no_record(self, sandbox: Sandbox, tmp_path: Path) -> None:
        records = escape(sandbox, tmp_path, "rows 60000")
        numbers = [record.number for record in islice(records, 1_000)]
        os.kill(sandbox.zygote().pid, signal.SIGKILL)
        numbers.extend(record.number for record in records)
        assert numbers == list(range(1, 60_001))

    def test_where_no_child_can_start_no_file_is_to_blame(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("sys.executable", "/bin/false")
        with Sandbox(LIMITS, readers=FORMATS) as sandbox, pytest.raises(ReadersUnavailable, match="exit status 1"):
            escape(sandbox, tmp_path, "say no")

    def test_closing_ends_every_process(self, tmp_path: Path) -> None:
        with Sandbox(LIMITS, readers=FORMATS) as sandbox:
            records = escape(sandbox, tmp_path, "rows 10000000")
            next(records)
            started = [psutil.Process(sandbox.zygote().pid), *children(sandbox)]
        assert len(started) == 2
        assert not psutil.wait_procs(started, timeout=10)[1]

    def test_processes_end_with_the_one_that_they_work_for(self, tmp_path: Path) -> None:
        (tmp_path / "rows.escape").write_text("sleep 60")
        parent = os.fork()
        if not parent:
            self.read_until_killed(tmp_path)
        deadline = time.monotonic() + 20
        while len(started := psutil.Process(parent).children(recursive=True)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        assert not psutil.wait_procs(started, timeout=10)[1]

    def read_until_killed(self, folder: Path) -> None:
        try:
            with Sandbox(Limits(), readers=FORMATS) as sandbox:
                list(sandbox.read(folder / "rows.escape", "rows", format="escape").records)
        finally:
            os._exit(1)


class TestUnpacking:
    def unpack(self, sandbox: Sandbox, folder: Path, name: str, content: bytes) -> list[tuple[str, bytes, str]]:
        (folder / "stored").write_bytes(content)
        into = folder / "into"
        into.mkdir()
        found = sandbox.unpack(folder / "stored", name, into)
        return [(entry.name, entry.path.read_bytes() if entry.path else b"", entry.error) for entry in found]

    @pytest.mark.parametrize(("name", "content"), [("a.zip", zipped()), ("a.tar", tarred())])
    def test_entries_become_files_with_numbers(
        self, sandbox: Sandbox, tmp_path: Path, name: str, content: bytes
    ) -> None:
        assert self.unpack(sandbox, tmp_path, name, content) == [("sound.txt", b"A sound file beside it.\n", "")]
        assert [path.name for path in (tmp_path / "into").iterdir()] == ["000001"]

    def test_a_refused_entry_leaves_no_file(self, sandbox: Sandbox, tmp_path: Path) -> None:
        content = zipped(("../up.txt", b"x"), ("larger-than-a-file-may-be.txt", bytes(2 << 20)))
        found = self.unpack(sandbox, tmp_path, "a.zip", content)
        assert [bool(error) for _, _, error in found] == [True, True, False]
        assert [path.name for path in (tmp_path / "into").iterdir()] == ["000001"]

    def test_of_an_archive_that_is_refused_nothing_stays(self, sandbox: Sandbox, tmp_path: Path) -> None:
        with pytest.raises(UnreadableFile, match="damaged"):
            self.unpack(sandbox, tmp_path, "a.tar", tarred()[:1024] + tar_lie_of_size())
        assert not list((tmp_path / "into").iterdir())

    def test_what_is_no_archive_is_refused(self, sandbox: Sandbox, tmp_path: Path) -> None:
        with pytest.raises(UnreadableFile, match="no archive"):
            self.unpack(sandbox, tmp_path, "a.txt", b"Some text.")

    def test_an_archive_is_not_read(self, sandbox: Sandbox, tmp_path: Path) -> None:
        (tmp_path / "a.zip").write_bytes(zipped())
        with pytest.raises(UnreadableFile, match="an archive"):
            sandbox.read(tmp_path / "a.zip", "a.zip")
