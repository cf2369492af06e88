"""A bundle carries a collection to another installation, settings and all; a file that is none changes nothing."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group

from search.ingestion import bundles, jobs, runner
from search.models import Collection, Document, ImportJob
from tests.ingestion.test_export import ODD, make_odd, stored

pytestmark = pytest.mark.django_db

SETTINGS = {
    "name": "Ünïcode & co", "description": "What it is for.\r\n", "encoder_name": "/a/model", "encoder_runtime": "fake",
    "encoder_revision": "r1", "chunking": {"max_tokens": 100}, "engine": "exact", "engine_options": {"recall": 0.9},
    "retrieval": {"fusion": "convex", "dense_weight": 0.6},
}  # fmt: skip


def written(collection: Collection, path: Path) -> Path:
    path.write_bytes(b"".join(bundles.bundle(collection)))
    return path


def taken_in(path: Path, **options: Any) -> ImportJob:
    job = bundles.take_in(path, **options)
    while runner.run(job.pk):
        pass
    job.refresh_from_db()
    return job


@pytest.fixture
def bundle(collection: Collection, tmp_path: Path) -> Path:
    """A bundle of a collection that is not here any more, nor its groups."""
    Collection.objects.filter(pk=collection.pk).update(**SETTINGS)
    make_odd(collection)
    path = written(Collection.objects.get(), tmp_path / "docs.zip")
    Collection.objects.all().delete()
    Group.objects.all().delete()
    return path


def rewritten(path: Path, **changes: Any) -> Path:
    """Write a bundle anew with other settings; a name with None is left out."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    settings = {**json.loads(parts["collection.json"]), **changes}
    parts["collection.json"] = json.dumps({k: v for k, v in settings.items() if v is not None}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return path


def test_a_collection_arrives_with_its_settings_documents_and_groups(collection: Collection, tmp_path: Path) -> None:
    Collection.objects.filter(pk=collection.pk).update(**SETTINGS)
    make_odd(collection)
    before = stored(collection)
    path = written(Collection.objects.get(), tmp_path / "docs.zip")
    Collection.objects.all().delete()
    Group.objects.all().delete()

    job = taken_in(path)

    arrived = Collection.objects.get()
    assert (job.status, job.created, job.failed) == (ImportJob.Status.FINISHED, len(ODD), 0)
    assert {"slug": arrived.slug, **{name: getattr(arrived, name) for name in SETTINGS}} == {"slug": "docs", **SETTINGS}
    assert json.dumps(stored(arrived)) == json.dumps(before)
    assert written(arrived, tmp_path / "again.zip").read_bytes() == path.read_bytes()


def test_another_slug_may_be_given(bundle: Path) -> None:
    taken_in(bundle, slug="copy")
    assert Collection.objects.get().slug == "copy"


def test_a_collection_with_documents_is_left_alone(bundle: Path) -> None:
    mine = Collection.objects.create(slug="docs", name="Mine")
    Document.objects.create(collection=mine, external_id="mine")
    with pytest.raises(bundles.BadBundle, match="--slug"):
        bundles.take_in(bundle)
    assert (Collection.objects.get().name, Document.objects.count()) == ("Mine", 1)


def test_an_interrupted_attempt_is_taken_up_again(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def killed(*args: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "add_file", killed)
        with pytest.raises(Killed):
            bundles.take_in(bundle)
    assert taken_in(bundle).created == len(ODD)
    assert Collection.objects.count() == 1


def broken(path: Path) -> Iterator[tuple[str, Path]]:
    whole = path.read_bytes()
    yield "cannot be read: No such file", path.with_name("none.zip")
    for name, data in {"empty": b"", "text": b"no zip", "cut": whole[:-200]}.items():
        other = path.with_name(f"{name}.zip")
        other.write_bytes(data)
        yield "not a bundle made by", other
    bare = path.with_name("bare.zip")
    with zipfile.ZipFile(bare, "w") as archive:
        archive.writestr("something.txt", "else")
    yield "no collection.json", bare
    settings = json.loads(zipfile.ZipFile(path).read("collection.json"))
    fields = settings["collection"]
    for reason, changes in (
        ("is not that of a bundle", {"format": "other"}),
        ("bundle of version 2", {"version": 2}),
        ("lacks settings", {"collection": {"slug": "docs"}}),
        ("lacks settings", {"collection": {**fields, "id": 1}}),
        ("lacks settings", {"collection": {**fields, "chunking": [1]}}),
        ("lacks settings", {"groups": ["x" * 151]}),
        ("needs the engine gone", {"collection": {**fields, "engine": "gone"}}),
        ("cannot be used here: slug", {"collection": {**fields, "slug": "../etc"}}),
    ):
        path.write_bytes(whole)
        yield reason, rewritten(path, **changes)


def test_what_is_no_bundle_changes_nothing_and_says_why(bundle: Path) -> None:
    for reason, path in broken(bundle):
        with pytest.raises(bundles.BadBundle, match=reason):
            bundles.take_in(path)
        assert (Collection.objects.count(), Group.objects.count(), ImportJob.objects.count()) == (0, 0, 0), reason
