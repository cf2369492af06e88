"""Watching a folder: every burst of changes is told once, and nothing ends it but the one who asked."""

import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue

import pytest

from search.ingestion.folders import folder_watch


class Watching:
    """A thread that watches a folder and says when there is something."""

    def __init__(self, root: Path, look_seconds: float) -> None:
        self.told: Queue[None] = Queue()
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, args=(root, look_seconds))
        self.thread.start()

    def _run(self, root: Path, look_seconds: float) -> None:
        for _ in folder_watch.bursts(root, stop=self.stop, look_seconds=look_seconds):
            self.told.put(None)

    def tells(self, seconds: float = 10.0) -> bool:
        try:
            self.told.get(timeout=seconds)
        except Empty:
            return False
        return True


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "corpus"
    path.mkdir()
    return path


@pytest.fixture(params=[60.0, 0.2], ids=["told by the system", "looked at"])
def watching(folder: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watching]:
    """Once with the system's messages, once where there are none."""
    if request.param < 1:
        monkeypatch.setattr(folder_watch, "watch", broken)
    (folder / "a.txt").write_text("Alpha.")
    found = Watching(folder, request.param)
    assert found.tells()
    threading.Event().wait(0.3)  # the system's messages begin a moment after
    yield found
    found.stop.set()
    found.thread.join(10)
    assert not found.thread.is_alive()


def broken(*args: object, **kwargs: object) -> Iterator[None]:
    raise OSError("OS file watch limit reached")


def test_each_burst_of_changes_is_told_once_and_scratch_files_are_not(watching: Watching, folder: Path) -> None:
    (folder / ".hidden").write_text("No.")
    (folder / "b.txt.part").write_text("No.")
    (folder / "sub").mkdir()
    for number in range(20):
        (folder / "sub" / f"{number}.txt").write_text("Text.")
    assert watching.tells()
    assert not watching.tells(0.7)
    (folder / "a.txt").unlink()
    assert watching.tells()


def test_a_folder_that_goes_away_is_waited_for(watching: Watching, folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))
    assert not watching.tells(0.5)
    folder.mkdir()
    (folder / "new.txt").write_text("New.")
    threading.Event().wait(1.2)
    (folder / "newer.txt").write_text("Newer.")
    assert watching.tells()


@pytest.mark.parametrize("watching", [0.2], ids=["looked at"], indirect=True)
def test_a_folder_that_cannot_be_watched_is_said_once(watching: Watching, caplog: pytest.LogCaptureFixture) -> None:
    assert not watching.tells(1.0)  # five attempts to watch it

    assert not [record for record in caplog.records if "cannot be watched" in record.getMessage()]
