"""Rules and synonyms travel in a collection's bundle, and hold for its documents where they arrive."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from search.ingestion import bundles, curation_lines
from search.ingestion.curation_lines import BadCuration
from search.models import Collection, CurationRule, SynonymSet
from tests.conftest import MakeDocument

from .test_bundles import taken_in, written

pytestmark = pytest.mark.django_db

_TOLD = (
    "match", "queries", "similarity", "action", "external_id", "position", "strength", "valid_from", "valid_to",
    "enabled", "note",
)  # fmt: skip


@pytest.fixture
def curated(collection: Collection, make_document: MakeDocument) -> Collection:
    """A collection with a rule for a document, one for a document that is away, and synonyms."""
    make_document(external_id="größe/1")
    until = datetime(2031, 1, 2, 3, 4, 5, 678, UTC)
    CurationRule.objects.create(
        collection=collection, external_id="größe/1", queries="leave\nWürde", match="meaning", similarity=0.8,
        valid_to=until, note="Why",
    )  # fmt: skip
    CurationRule.objects.create(collection=collection, external_id="gone", queries="fax*", action="hide", enabled=False)
    SynonymSet.objects.create(collection=collection, words="PTO", finds="leave, holiday", note="One way")
    return collection


def stored(collection: Collection) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rules and synonyms of a collection."""
    synonyms = SynonymSet.objects.filter(collection=collection).order_by("pk")
    rules = CurationRule.objects.filter(collection=collection).order_by("pk")
    told = ("words", "finds", "enabled", "note")
    return [dict(row) for row in rules.values(*_TOLD)], [dict(row) for row in synonyms.values(*told)]


def test_they_arrive_with_the_collection_once_however_often(curated: Collection, tmp_path: Path) -> None:
    before = stored(curated)
    bundle = written(curated, tmp_path / "docs.zip")

    taken_in(bundle, slug="copy")

    copy = Collection.objects.get(slug="copy")
    assert stored(copy) == before
    assert [rule.document_now is not None for rule in CurationRule.objects.filter(collection=copy)] == [True, False]
    copy.documents.all().delete()
    taken_in(bundle, slug="copy")
    assert stored(copy) == before


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "Line 1"),
        (b'{"queries": "x"}', "match"),
        ((b'{"match": "all", "queries": "x", "similarity": 0.5, "action": "pin", "external_id": "a", "position": 1,'
         b' "strength": 0.1, "valid_from": null, "valid_to": null, "enabled": true, "note": ""}'), "all"),
        ((b'{"match": "exact", "queries": "x", "similarity": 0.5, "action": "pin", "external_id": "a", "position": 1,'
         b' "strength": 0.1, "valid_from": "soon", "valid_to": null, "enabled": true, "note": ""}'), "soon"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_names_its_line_and_stores_nothing(
    collection: Collection, line: bytes, reason: str
) -> None:
    with pytest.raises(BadCuration, match=reason):
        curation_lines.take_in_rules(collection, [line])
    assert not CurationRule.objects.exists()


def test_a_bundle_with_a_bad_rule_is_refused_whole(curated: Collection, tmp_path: Path) -> None:
    CurationRule.objects.update(queries="")  # as plain SQL may leave it
    bundle = written(curated, tmp_path / "docs.zip")

    with pytest.raises(bundles.BadBundle, match=r"curation-rules\.jsonl"):
        bundles.take_in(bundle, slug="copy")
    assert not Collection.objects.filter(slug="copy").exists()
