"""Turning pages against a plain list: no document twice, none missing, none that has gone; totals and facets agree."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from search.datatypes import Hit
from search.models import Collection, Document, IndexVersion
from search.retrieval.facets import facets_of
from search.retrieval.filters import Filters
from search.retrieval.result_set import Page, first_page, page, read_cursor, write_cursor
from search.retrieval.visible_hits import VisibleHit

KINDS = ("public", "staff", "draft", "en")


def make(collection: Collection, kind: str) -> Document:
    return Document.objects.create(
        collection=collection,
        language="en" if kind == "en" else "",
        visibility="staff" if kind == "staff" else "public",
        state="draft" if kind == "draft" else "published",
    )


class Paging(TestCase):
    """The pages of one set, while others write."""

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=20), st.integers(1, 6), st.data())
    def test_pages_are_a_list_without_what_went(self, kinds: list[str], k: int, data: st.DataObject) -> None:
        collection = Collection.objects.create(slug="docs", name="Docs")
        version = IndexVersion.objects.create(collection=collection, number=1, dimension=4, state="active")
        made = [make(collection, kind) for kind in kinds]
        visible = Document.objects.visible_to(None)
        order = data.draw(st.permutations(list(visible.values_list("pk", flat=True))))
        found = [VisibleHit(Hit(0, 1.0 - n / 100), pk, 0, 0, changed=False) for n, pk in enumerate(order)]
        current = first_page(found, k, complete=True)
        shown: list[int] = []
        gone_before_shown: set[int] = set()
        while True:
            self.check(current, order, version)
            shown += [each.document_id for each in current.found]
            if current.rest is None:
                break
            cursor = write_cursor(current.rest, bound_to=["q"])
            for document in data.draw(st.lists(st.sampled_from(made), max_size=3, unique_by=lambda each: each.pk)):
                self.change(document, data.draw(st.sampled_from(["delete", "hide", "edit", "add"])))
            there = set(visible.values_list("pk", flat=True))
            gone_before_shown |= set(order) - there - set(shown)
            current = page(version, visible, read_cursor(cursor, bound_to=["q"]), k)
        assert shown == [pk for pk in order if pk not in gone_before_shown]

    def check(self, current: Page, order: list[int], version: IndexVersion) -> None:
        there = set(Document.objects.visible_to(None).values_list("pk", flat=True))
        left = [pk for pk in order if pk in there]
        assert (list(current.document_ids), current.total, current.total_relation) == (left, len(left), "eq")
        assert {each.document_id for each in current.found} <= there
        (languages,) = facets_of(
            Document.objects.visible_to(None), current.document_ids, Filters(), fields=["language"]
        )
        english = Document.objects.filter(pk__in=left, language="en").count()
        assert [value.count for value in languages.values] == ([english] if english else [])

    def change(self, document: Document, how: str) -> None:
        rows: Any = Document.objects.filter(pk=document.pk)
        match how:
            case "delete":
                rows.delete()
            case "hide":
                rows.update(visibility="staff")
            case "edit":
                rows.update(body="Edited.", language="en")
            case "add":
                make(document.collection, "public")
