"""The commands that carry a collection: what one writes the other takes in, and a failure leaves no half file."""

import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from search.ingestion import bundles, export
from search.models import Collection
from tests.conftest import MakeDocument
from tests.ingestion.test_export import ODD, make_odd, stored

pytestmark = pytest.mark.django_db


def run(*args: Any, **options: Any) -> str:
    out = StringIO()
    call_command(*args, stdout=out, **options)
    return out.getvalue()


def test_what_is_exported_can_be_imported_under_another_name(collection: Collection, tmp_path: Path) -> None:
    make_odd(collection)
    path = tmp_path / "docs.zip"

    assert run("export_collection", "docs", to=str(path)) == f"{path}: {path.stat().st_size:,} bytes\n"
    said = run("import_collection", str(path), slug="copy")

    assert f"Collection copy: {len(ODD)} documents created, 0 updated, 0 unchanged, 0 failed." in said
    assert stored(Collection.objects.get(slug="copy")) == stored(collection)


def test_the_format_follows_the_name_unless_it_is_given(collection: Collection, tmp_path: Path) -> None:
    make_odd(collection)
    formats = {"a.jsonl": export.jsonl, "a.csv": export.csv_table, "a.zip": bundles.bundle, "a.bak": bundles.bundle}
    for name, pieces in formats.items():
        run("export_collection", "docs", to=str(tmp_path / name))
        assert (tmp_path / name).read_bytes() == b"".join(pieces(collection)), name
    run("export_collection", "docs", to=str(tmp_path / "a.txt"), format="jsonl")
    assert (tmp_path / "a.txt").read_bytes() == (tmp_path / "a.jsonl").read_bytes()


def test_a_dash_is_the_standard_output_and_nothing_else_is_said_there(
    make_document: MakeDocument, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    make_document(external_id="one", body="Größe\r\n")
    call_command("export_collection", "docs", to="-", format="jsonl")
    assert capfdbinary.readouterr().out == b"".join(export.jsonl(Collection.objects.get()))


def test_a_file_is_whole_or_as_it_was_and_only_its_owner_reads_it(
    make_document: MakeDocument, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_document()
    path = tmp_path / "docs.jsonl"
    run("export_collection", "docs", to=str(path))
    before = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def full(collection: Collection) -> Any:
        yield b"the beginning"
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(bundles.FORMATS, "jsonl", bundles.ExportFormat(full, "", "jsonl"))
    with pytest.raises(CommandError, match=r"docs\.jsonl cannot be written: No space left"):
        run("export_collection", "docs", to=str(path))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["docs.jsonl"]


def test_mistakes_are_said_in_words(collection: Collection, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There is no collection 'none'"):
        run("export_collection", "none", to="-")
    (tmp_path / "docs.zip").write_bytes(b"no zip")
    with pytest.raises(CommandError, match="not a bundle made by export_collection"):
        run("import_collection", str(tmp_path / "docs.zip"))


def test_documents_that_cannot_be_imported_are_an_error(collection: Collection, tmp_path: Path, settings: Any) -> None:
    make_odd(collection)
    run("export_collection", "docs", to=str(tmp_path / "docs.zip"))
    settings.SEMSEARCH = {**settings.SEMSEARCH, "MAX_DOCUMENT_CHARS": 1_000}
    with pytest.raises(CommandError, match="1 documents were not imported"):
        run("import_collection", str(tmp_path / "docs.zip"), slug="copy")
