"""Which queries meet which rules: exact, by pattern, by meaning, and in their time."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from search.models import Collection, CurationRule, Document, IndexVersion
from search.retrieval.curation import rule_examples, rule_matching
from search.retrieval.curation.rule_matching import rules_for
from search.retrieval.query_vectors import query_vector

NOW = timezone.now()


@pytest.fixture(autouse=True)
def no_memory() -> Iterator[None]:
    yield
    rule_examples.forget()


def add(version: IndexVersion, **fields: Any) -> CurationRule:
    document = Document.objects.filter(collection=version.collection).first()
    values = {"collection": version.collection, "document": document, "queries": "annual leave", **fields}
    return CurationRule.objects.create(**values)


@pytest.mark.parametrize(
    ("match", "queries", "query", "meets"),
    [
        ("exact", "annual leave", "annual leave", True),
        ("exact", "annual leave", "  Annual   LEAVE? ", True),
        ("exact", "annual leave", "annual leaves", False),
        ("exact", "vacation\nannual leave\n", "annual leave", True),
        ("exact", "Urlaub für Eltern", "URLAUB FÜR ELTERN", True),
        ("pattern", "*leave*", "how much leave is left", True),
        ("pattern", "leave *", "leave", False),
        ("pattern", "leave*", "leave", True),
        ("pattern", "err-4?4", "ERR-404", True),
        ("pattern", "list[int]*", "list[int] sort", True),
        ("pattern", "list[int]*", "listi sort", False),
        ("pattern", "[a-z]*", "anything", False),
        ("meaning", "annual leave", "annual leave", True),
        ("meaning", "annual leave", "leave annual", True),
        ("meaning", "annual leave", "printer jam", False),
    ],
)
def test_a_query_meets_a_rule(live: IndexVersion, match: str, queries: str, query: str, meets: bool) -> None:
    rule = add(live, match=match, queries=queries, similarity=0.9)

    found = rules_for(live, query, query_vector(live, query))

    assert [each.rule_id for each in found] == ([rule.pk] if meets else [])


def test_a_rule_says_which_example_was_near_and_how_near(live: IndexVersion) -> None:
    add(live, match="meaning", queries="printer jam\nannual leave for parents", similarity=0.5)

    [found] = rules_for(live, "annual leave parents", query_vector(live, "annual leave parents"))

    assert found.matched == "annual leave for parents"
    assert found.similarity is not None and 0.5 < found.similarity < 1


def test_without_a_vector_a_rule_of_meaning_is_met_by_its_own_words(live: IndexVersion) -> None:
    add(live, match="meaning", queries="annual leave")

    assert rules_for(live, "Annual leave") and not rules_for(live, "leave annual")


def test_many_new_examples_are_encoded_beside_the_queries(
    live: IndexVersion, beside_queries: list[Callable[[], None]]
) -> None:
    for number in range(3):
        examples = "\n".join(f"annual leave {each}" for each in range(number * 10, number * 10 + 10))
        add(live, match="meaning", queries=examples, similarity=0.6)
    vector = query_vector(live, "leave annual")

    assert rules_for(live, "leave annual", vector) == ()
    [encode] = beside_queries
    encode()
    assert len(rules_for(live, "leave annual", vector)) == 3
    assert len(rules_for(live, "annual leave 7")) == 1


def test_examples_that_another_encoder_would_encode_are_not_compared(live: IndexVersion) -> None:
    add(live, match="meaning", queries="annual leave", similarity=0.5)
    vector = query_vector(live, "leave annual")
    live.encoder_fingerprint = "0" * 32

    assert rules_for(live, "leave annual", vector) == ()


@pytest.mark.parametrize(
    ("fields", "meets"),
    [
        ({}, True),
        ({"enabled": False}, False),
        ({"valid_from": NOW}, True),
        ({"valid_from": NOW + timedelta(seconds=1)}, False),
        ({"valid_to": NOW}, False),
        ({"valid_to": NOW + timedelta(seconds=1)}, True),
        ({"valid_from": NOW - timedelta(days=2), "valid_to": NOW - timedelta(days=1)}, False),
    ],
)
def test_a_rule_holds_in_its_time(live: IndexVersion, fields: dict[str, Any], meets: bool) -> None:
    add(live, **fields)

    assert bool(rules_for(live, "annual leave", at=NOW)) == meets


def test_rules_of_other_collections_do_not_apply(live: IndexVersion) -> None:
    rule = add(live)
    CurationRule.objects.filter(pk=rule.pk).update(collection=Collection.objects.create(slug="other", name="Other"))

    assert rules_for(live, "annual leave") == ()


def test_a_rule_is_tried_out_without_being_saved(live: IndexVersion) -> None:
    saved = add(live)
    tried = CurationRule(collection=live.collection, external_id=saved.external_id, queries="sick leave", action="hide")

    with rule_matching.trying(tried, collection_id=live.collection_id, instead_of=saved.pk):
        assert [rule.action for rule in rules_for(live, "sick leave")] == ["hide"]
        assert rules_for(live, "annual leave") == ()
    with rule_matching.trying(None, collection_id=live.collection_id, instead_of=saved.pk):
        assert rules_for(live, "annual leave") == ()

    assert [rule.rule_id for rule in rules_for(live, "annual leave")] == [saved.pk]
    assert CurationRule.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "at_fault"),
    [
        ({"queries": " \n "}, "queries"),
        ({"queries": "\n".join(map(str, range(51)))}, "queries"),
        ({"queries": "x" * 501}, "queries"),
        ({"match": "pattern", "queries": "leave*\n* ?"}, "queries"),
        ({"valid_from": NOW, "valid_to": NOW}, "valid_to"),
        ({"position": 0}, "position"),
        ({"strength": 1.5}, "strength"),
        ({"similarity": 0.1}, "similarity"),
    ],
)
def test_rules_that_make_no_sense_are_refused(live: IndexVersion, fields: dict[str, Any], at_fault: str) -> None:
    rule = add(live)
    for name, value in fields.items():
        setattr(rule, name, value)

    with pytest.raises(ValidationError) as refused:
        rule.full_clean()

    assert list(refused.value.message_dict) == [at_fault]


def test_a_rule_outlives_its_document_and_holds_for_the_one_that_comes_back(live: IndexVersion) -> None:
    add(live)
    gone = Document.objects.get()
    gone.delete()
    assert CurationRule.objects.get().document_now is None
    assert rules_for(live, "annual leave") == ()

    back = Document.objects.create(collection=live.collection, external_id=gone.external_id, body="Here again.")

    assert [rule.document_id for rule in rules_for(live, "annual leave")] == [back.pk]


def test_a_document_that_is_called_the_same_elsewhere_is_another_one(live: IndexVersion) -> None:
    rule = add(live)
    Document.objects.all().delete()
    other = Collection.objects.create(slug="other", name="Other")
    Document.objects.create(collection=other, external_id=rule.external_id)

    assert rules_for(live, "annual leave") == ()
