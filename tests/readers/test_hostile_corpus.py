"""Every file of the hostile corpus through the real sandbox: it fails alone, in words, within its limits."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from search.readers.base import Limits, UnreadableFile
from search.readers.child_process.sandbox import Sandbox

from .contract import assert_is_a_reason
from .hostile import Hostile, corpus
from .hostile_archives import zipped

# Of the file's own doing; the code of the parsers comes on top.
LIMITS = Limits(memory_bytes=300 << 20, cpu_seconds=20, wall_seconds=60, entries=2_000, unpacked_bytes=400 << 20)
PARSERS_BYTES = 128 << 20
ARCHIVES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz")


@dataclass(slots=True)
class Outcome:
    """What came of a file: the reasons that people are given, by what they are for, and what was read."""

    reasons: dict[str, list[str]] = field(default_factory=lambda: {"file": [], "row": [], "entry": []})
    texts: list[str] = field(default_factory=list)


class Importer:
    """Reads files and unpacks archives as an import does: what is in them is taken up as files of its own."""

    def __init__(self, folder: Path) -> None:
        self.sandbox = Sandbox(LIMITS)
        self.folder = folder
        self._folders = 0

    def take(self, path: Path, name: str, depth: int = 0) -> Outcome:
        outcome = Outcome()
        self._take(path, name, outcome, depth)
        return outcome

    def _take(self, path: Path, name: str, outcome: Outcome, depth: int) -> None:
        try:
            if name.endswith(ARCHIVES):
                self._unpack(path, name, outcome, depth)
            else:
                for record in self.sandbox.read(path, name).records:
                    if record.error:
                        outcome.reasons["row"].append(record.error)
                    else:
                        outcome.texts.append(str(record.values))
        except UnreadableFile as refused:
            outcome.reasons["file"].append(str(refused))

    def _unpack(self, path: Path, name: str, outcome: Outcome, depth: int) -> None:
        self._folders += 1
        into = self.folder / str(self._folders)
        into.mkdir()
        for entry in self.sandbox.unpack(path, name, into):
            outcome.texts.append(entry.name)
            if entry.path is None:
                outcome.reasons["entry"].append(entry.error)
            elif depth < LIMITS.archive_depth:
                self._take(entry.path, entry.name, outcome, depth + 1)


def problem(hostile: Hostile, outcome: Outcome) -> str:
    """Return what is wrong with how a file was contained, or ""."""
    reasons = outcome.reasons
    given = [reason for found in reasons.values() for reason in found]
    for reason in given:
        assert_is_a_reason(reason)
    if hostile.never and any(hostile.never in text for text in outcome.texts):
        return f"{hostile.never!r} was read"
    if hostile.at == "nothing":
        return f"refused: {given}" if given else ("" if outcome.texts else "nothing was read")
    if not any(re.search(hostile.reason, reason) for reason in reasons[hostile.at]):
        return f"no reason like {hostile.reason!r} among {reasons}"
    elsewhere = [reason for at, found in reasons.items() for reason in found if at != hostile.at]
    return f"more than the {hostile.at} failed: {elsewhere}" if elsewhere and hostile.at != "file" else ""


@pytest.fixture
def importer(tmp_path: Path) -> Iterator[Importer]:
    (tmp_path / "data").mkdir()
    opened = Importer(tmp_path / "data")
    with opened.sandbox:
        yield opened


def test_every_hostile_file_is_contained(
    importer: Importer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = list(corpus())
    sound = tmp_path / "sound.txt"
    sound.write_text("A sound text.")
    before = {path.name for path in tmp_path.iterdir()}
    problems = []
    for hostile in files:
        path = tmp_path / "upload"
        hostile.put(path)
        found = problem(hostile, importer.take(path, hostile.file))
        if importer.take(sound, "sound.txt").texts == []:
            found += " and the next file could not be read"
        path.unlink()
        problems += [f"{hostile.file} ({hostile.what}): {found}"] if found else []
    with capsys.disabled():
        sys.stdout.write(f" {len(files) - len(problems)} of {len(files)} hostile files contained")
    assert not problems, "\n".join(problems)
    assert len(files) >= 60
    assert importer.sandbox.peak_bytes < LIMITS.memory_bytes + PARSERS_BYTES
    assert {path.name for path in tmp_path.iterdir()} == before


def test_unpacking_writes_numbers_into_its_folder_and_nothing_else(importer: Importer, tmp_path: Path) -> None:
    archive = tmp_path / "archive.zip"
    archive.write_bytes(
        zipped(("../../up.txt", b"x"), ("/root.txt", b"x"), (r"..\x.txt", b"x"), ("a/b/c.txt", b"Text."))
    )
    outcome = importer.take(archive, archive.name)
    assert len(outcome.reasons["entry"]) == 3
    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert written == ["archive.zip", "data/1/000001", "data/1/000002"]
