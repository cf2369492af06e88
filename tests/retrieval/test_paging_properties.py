"""Turning pages against a plain list: no document twice, none missing, none that has gone; totals and facets agree."""

import random
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

from django.conf import settings as django_settings
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from search.datatypes import Hit
from search.indexing.applier import drain
from search.models import Collection, Document, IndexVersion
from search.query_service import search
from search.retrieval import pipeline, result_set
from search.retrieval.filtering.facets import facets_of
from search.retrieval.filtering.filters import Condition, Filters
from search.retrieval.result_set import Page, first_page, page, read_cursor, write_cursor
from search.retrieval.visible_hits import VisibleHit
from tests.retrieval.oracle import SCALARS, conditions, holds

KINDS = ("public", "staff", "draft", "en")


def make(collection: Collection, kind: str) -> Document:
    return Document.objects.create(
        collection=collection,
        language="en" if kind == "en" else "",
        visibility="staff" if kind == "staff" else "public",
        state="draft" if kind == "draft" else "published",
    )


class Searches(TestCase):
    """Whole searches, with a real index, against documents in memory."""

    tested: dict[str, Any]

    @classmethod
    def setUpTestData(cls) -> None:
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.tested = {**django_settings.SEMSEARCH, "DATA_DIR": Path(folder), "ENCODER_RUNTIME": "fake"}
        choose = random.Random(5)
        collection = Collection.objects.create(slug="docs", name="Docs")
        with override_settings(SEMSEARCH=cls.tested):
            Document.objects.bulk_create(
                Document(
                    collection=collection,
                    external_id=str(number),
                    body=f"Bread number {number} {choose.choice(['rises', 'burns', 'cools'])}.",
                    language=choose.choice(["en", "de", ""]),
                    visibility=choose.choice(["public", "public", "staff"]),
                    metadata={
                        key: choose.choice(SCALARS)
                        for key in choose.sample(["tags", "n", "a", "date"], choose.randint(0, 4))
                    },
                )
                for number in range(60)
            )
            drain(collection.pk, budget_seconds=60)

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(conditions, max_size=2),
        st.sampled_from(["dense", "lexical", "hybrid"]),
        st.integers(3, 25),
        st.sampled_from([1, 200]),
    )
    def test_all_pages_hold_what_the_filters_select_and_nothing_else(
        self, tried: list[Condition], mode: str, k: int, candidates: int
    ) -> None:
        with override_settings(SEMSEARCH=self.tested), mock.patch.object(pipeline, "_FIRST_CANDIDATES", candidates):
            self.check(tuple(condition.checked().text for condition in tried), tried, mode, k)

    def check(self, filters: tuple[str, ...], tried: list[Condition], mode: str, k: int) -> None:
        visible = Document.objects.visible_to(None).select_related("collection")
        right = {each.pk for each in visible if all(holds(each, condition) for condition in tried)}
        asked: dict[str, Any] = {"mode": mode, "facets": ("language",)}
        response = search("bread", k=k, filters=filters, **asked)
        shown: list[int] = []
        while True:
            counted = {value.value: value.count for value in response.facets[0].values}
            languages = Counter(each.language for each in visible if each.pk in right and each.language)
            if response.total_relation == "eq":
                assert (response.total, counted) == (len(right), languages)
            else:  # only while there are further pages
                assert response.next_cursor and response.total < len(right)
            shown += [result.document_id for result in response.results]
            if not response.next_cursor:
                break
            response = search("bread", k=k, filters=filters, cursor=response.next_cursor, **asked)
        assert response.total_relation == "eq"
        assert len(shown) == len(right)
        assert set(shown) == right
        if mode == "dense":  # a cosine does not depend on what else there is
            every = [result.document_id for result in search("bread", k=100, mode=mode).results]
            assert shown == [pk for pk in every if pk in right]

    def test_pages_end_at_the_most_that_a_set_holds_and_say_that_there_is_more(self) -> None:
        with (
            override_settings(SEMSEARCH=self.tested),
            mock.patch.object(pipeline, "_FIRST_CANDIDATES", 1),
            mock.patch.object(pipeline, "MOST", 25),
            mock.patch.object(result_set, "MOST", 25),
        ):
            response = search("bread", k=10)
            shown = [result.document_id for result in response.results]
            while response.next_cursor:
                response = search("bread", k=10, cursor=response.next_cursor)
                shown += [result.document_id for result in response.results]
            assert (len(shown), len(set(shown)), response.total, response.total_relation) == (25, 25, 25, "gte")
            assert search("bread", k=10, sort="title").total == 25


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
