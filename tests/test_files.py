"""Files are complete or absent, and readable by the web process."""

import os
from pathlib import Path

import pytest

from search.files import fsync_path, move_into_place, open_without_links, scratch_file, sha256_file


def test_the_hash_is_the_one_that_everybody_computes(tmp_path: Path) -> None:
    path = tmp_path / "abc"
    path.write_bytes(b"abc")

    # printf abc | sha256sum
    assert sha256_file(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_file_longer_than_a_block_is_hashed_to_its_end(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"x" * 2_500_000)
    other.write_bytes(b"x" * 2_499_999 + b"y")

    assert sha256_file(one) != sha256_file(other)


def test_a_missing_file_has_no_hash(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sha256_file(tmp_path / "missing")


def test_a_finished_scratch_file_is_moved_whole_and_nothing_is_left(tmp_path: Path) -> None:
    target = tmp_path / "folder" / "target"

    with scratch_file(target.parent, ".part") as scratch:
        scratch.write_bytes(b"whole")
        assert not target.exists()
        move_into_place(scratch, target)

    assert target.read_bytes() == b"whole"
    assert list(target.parent.iterdir()) == [target]
    assert target.stat().st_mode & 0o777 == 0o644


def test_an_unfinished_scratch_file_is_removed(tmp_path: Path) -> None:
    with pytest.raises(TypeError), scratch_file(tmp_path, ".part") as scratch:
        scratch.write_bytes("half")  # type: ignore[arg-type]

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_somebody_reads_is_replaced_and_not_written_over(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    with target.open("rb") as reader, scratch_file(tmp_path, ".part") as scratch:
        scratch.write_bytes(b"new and longer")

        move_into_place(scratch, target)

        assert (reader.read(), target.read_bytes()) == (b"old", b"new and longer")


def test_files_and_folders_can_be_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)

    fsync_path(tmp_path)

    assert len(flushed) == 1


def test_a_file_is_opened_without_following_a_link_anywhere_in_its_path(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"here")
    (tmp_path / "file link").symlink_to("folder/file")
    (tmp_path / "folder link").symlink_to("folder")

    with os.fdopen(open_without_links(tmp_path / "folder" / "file"), "rb") as handle:
        assert handle.read() == b"here"
    for path in (tmp_path / "file link", tmp_path / "folder link" / "file", tmp_path / "folder" / "none"):
        with pytest.raises(OSError, match=r"symbolic links|Not a directory|No such file"):
            open_without_links(path)
