"""Names and entries of archives, where no sandbox is needed to see them."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from search.readers.archives.archive_names import is_junk, label, tar_name, zip_name
from search.readers.archives.archives import BadEntry, entries
from search.readers.base import Limits, UnreadableFile
from tests.readers.hostile_archives import tar_entry, tarred, zipped


def unpacked(content: bytes, format_name: str, limits: Limits | None = None) -> list[tuple[str, bytes, str]]:
    found = []
    for entry in entries(io.BytesIO(content), format_name, limits or Limits()):
        data, error = b"", entry.error
        try:
            data = b"".join(entry.chunks)
        except BadEntry as problem:
            error = str(problem)
        found.append((entry.name, data, error))
    return found


class TestNames:
    @pytest.mark.parametrize(("name", "expected"), [
        ("a/b.txt", "a/b.txt"),
        (r"a\b.txt", "a/b.txt"),
        ("./a//b.txt", "a/b.txt"),
        ("a\x00b\x1b.txt", "ab.txt"),
        ("gpj\u202etxt.exe", "gpjtxt.exe"),
        ("e\u0301t\u00e9.txt", "\u00e9t\u00e9.txt"),
        ("...", "unnamed"),
        ("x" * 200 + ".txt", "x" * 109 + "…" + "x" * 36 + ".txt"),
    ])  # fmt: skip
    def test_a_name_becomes_a_label(self, name: str, expected: str) -> None:
        assert label(name) == (expected, "")

    @pytest.mark.parametrize("name", ["../a", "a/../../b", r"..\a", "/a", r"\\host\a", "C:/a", r"c:a", " .. /a"])
    def test_a_name_that_leads_elsewhere_is_refused(self, name: str) -> None:
        shown, problem = label(name)
        assert problem
        assert ".." not in shown.split("/")
        assert not shown.startswith("/")

    def test_many_folders_keep_the_end_of_the_name(self) -> None:
        shown, _ = label("folder/" * 200 + "file.txt")
        assert len(shown) == 400
        assert shown.endswith("/folder/file.txt")

    def test_what_systems_leave_in_folders_is_no_document(self) -> None:
        junk = ("__MACOSX/a.txt", "a/.DS_Store", "a/Thumbs.db", "._a.txt")
        assert all(is_junk(name) for name in junk)
        assert not any(is_junk(name) for name in ("a.txt", "macosx/a.txt", ".notes.txt"))

    def test_utf8_that_a_zip_archive_does_not_announce_is_recognised(self) -> None:
        assert zip_name("Größe.txt".encode().decode("cp437"), is_utf8=False) == "Größe.txt"
        assert zip_name(b"Gr\x94\xe1e.txt".decode("cp437"), is_utf8=False) == "Größe.txt"

    def test_a_tar_name_that_is_no_utf8_is_taken_for_windows_1252(self) -> None:
        assert tar_name(b"Gr\xf6\xdfe.txt".decode("utf-8", "surrogateescape")) == "Größe.txt"


class TestZip:
    def test_folders_and_junk_are_passed_over_in_silence(self) -> None:
        content = zipped(("folder/", b""), ("__MACOSX/._a.txt", b"x"), ("folder/a.txt", b"Text."))
        assert [name for name, _, _ in unpacked(content, "zip")] == ["folder/a.txt", "sound.txt"]

    def test_a_bad_entry_leaves_the_others_intact(self) -> None:
        content = zipped(("zeros.txt", bytes(30 << 20)))
        (_, _, error), (_, sound, none) = unpacked(content, "zip")
        assert "200 times" in error
        assert (sound, none) == (b"A sound file beside it.\n", "")

    def test_an_archive_that_compresses_well_but_is_small_is_taken(self) -> None:
        [(_, data, error), _] = unpacked(zipped(("zeros.txt", bytes(9 << 20))), "zip")
        assert (len(data), error) == (9 << 20, "")

    def test_all_entries_together_have_a_limit(self) -> None:
        content = zipped(*((f"{number}.txt", b"x" * 1_000) for number in range(5)))
        with pytest.raises(UnreadableFile, match="more than 3,500 bytes"):
            unpacked(content, "zip", Limits(unpacked_bytes=3_500))

    def test_an_entry_larger_than_a_file_may_be_fails_alone(self) -> None:
        content = zipped(("large.txt", b"x" * 1_000))
        assert [bool(error) for _, _, error in unpacked(content, "zip", Limits(file_bytes=999))] == [True, False]

    @pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_every_compression_of_the_library_is_read(self, method: int) -> None:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            archive.writestr("a.txt", "Some text.")
        assert unpacked(out.getvalue(), "zip") == [("a.txt", b"Some text.", "")]


class TestTar:
    @pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
    def test_every_compression_is_read(self, pack: Callable[[bytes], bytes]) -> None:
        assert unpacked(pack(tarred()), "tar") == [("sound.txt", b"A sound file beside it.\n", "")]

    def test_several_compressed_parts_are_one_archive(self) -> None:
        content = tarred()
        assert unpacked(gzip.compress(content[:700]) + gzip.compress(content[700:]), "tar")[0][0] == "sound.txt"

    def test_links_and_folders_are_not_followed(self) -> None:
        content = tarred(
            (tar_entry("folder", tarfile.DIRTYPE), b""), (tar_entry("folder/link", tarfile.SYMTYPE, "/etc"), b"")
        )
        found = unpacked(content, "tar")
        assert [(name, bool(error)) for name, _, error in found] == [("folder/link", True), ("sound.txt", False)]

    def test_entries_have_a_limit(self) -> None:
        with pytest.raises(UnreadableFile, match="more than 2 entries"):
            unpacked(tarred(*((tar_entry(str(number)), b"") for number in range(3))), "tar", Limits(entries=2))

    def test_bytes_that_are_passed_over_count(self) -> None:
        content = gzip.compress(tarred((tar_entry("../zeros.txt", size=30 << 20), bytes(30 << 20))))
        with pytest.raises(UnreadableFile, match="200 times"):
            unpacked(content, "tar")
