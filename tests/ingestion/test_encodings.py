"""In which encoding an import reads its files, and what it says of that."""

import pytest

from search.ingestion import jobs
from search.ingestion.jobs import BadImport, ImportOptions
from search.ingestion.preview import preview
from search.models import Collection, Document, ImportFile
from tests.ingestion.imports import draft, finished, imported

pytestmark = pytest.mark.django_db

WEST = "São Paulo é a maior cidade do país, e não há exceções."


def test_a_western_text_is_read_and_its_encoding_shown(collection: Collection) -> None:
    job = imported(collection, {"a.txt": WEST.encode("cp1252"), "b.csv": f"id,text\n1,{WEST}\n".encode()})

    assert Document.objects.get(external_id="a.txt").body == WEST
    assert dict(job.files.values_list("name", "encoding")) == {"a.txt": "cp1252", "b.csv": "utf-8"}
    assert not any(job.files.values_list("warnings", flat=True))


def test_the_encoding_that_is_asked_for_holds_for_every_text_that_declares_none(collection: Collection) -> None:
    page = '<meta charset="utf-8"><p>Größe</p>'.encode()
    job = imported(collection, {"a.txt": "Größe".encode("cp850"), "b.html": page}, encoding="IBM850")

    assert job.encoding == "cp850"
    assert set(Document.objects.values_list("body", flat=True)) == {"Größe"}
    assert dict(job.files.values_list("name", "encoding")) == {"a.txt": "cp850", "b.html": "utf-8"}


def test_characters_that_cannot_be_read_are_counted_in_a_warning(collection: Collection) -> None:
    job = imported(collection, {"a.txt": b"Gr\xf6\xdfe"}, encoding="utf-8")

    assert job.files.get().warnings == [
        "2 characters could not be read in utf-8 and became \ufffd. Say the encoding, or save it as UTF-8."
    ]


def test_the_preview_shows_encodings_and_warnings_too(collection: Collection) -> None:
    half = "id,text\n" + "1,Größe und Maß\n" * 5
    shown = preview(draft(collection, {"a.csv": half.encode("cp1252") + "2,Größe und Maß\n".encode()}))

    [file] = shown.files
    assert file.notes.encoding == "cp1252"
    assert "1 line looks like UTF-8" in file.notes.warnings[0]


def test_an_encoding_that_is_none_is_refused_with_examples(collection: Collection) -> None:
    for name in ("latin-eins", "base64", "idna", "utf-7"):
        with pytest.raises(BadImport, match="is no encoding that is known here; for example utf-8, windows-1252"):
            draft(collection, {}, encoding=name)


def test_another_encoding_reads_the_files_of_a_dry_run_anew(collection: Collection) -> None:
    job = finished(draft(collection, {"a.txt": "Größe".encode("cp850")}, encoding="utf-8"), dry_run=True)
    assert ImportFile.objects.get().warnings

    jobs.reopen(job)
    jobs.set_options(job, ImportOptions(encoding="cp850"))
    finished(job)

    assert not ImportFile.objects.get().warnings
    assert Document.objects.get().body == "Größe"
