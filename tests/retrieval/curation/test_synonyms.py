"""What a collection's synonyms add to a word."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from search.models import Collection, SynonymSet
from search.retrieval.curation import synonyms
from search.retrieval.curation.synonyms import synonyms_of


def add(collection: Collection, words: str, finds: str = "", **fields: Any) -> SynonymSet:
    return SynonymSet.objects.create(collection=collection, words=words, finds=finds, **fields)


def test_each_word_of_a_set_finds_the_others(collection: Collection) -> None:
    add(collection, "PTO, paid time off,\n holiday")

    assert synonyms_of(collection.pk) == {
        "PTO": ("paid time off", "holiday"),
        "paid time off": ("PTO", "holiday"),
        "holiday": ("PTO", "paid time off"),
    }


def test_a_set_may_go_one_way(collection: Collection) -> None:
    add(collection, "notebook", "laptop, portable computer")

    assert synonyms_of(collection.pk) == {"notebook": ("laptop", "portable computer")}


def test_sets_with_the_same_word_add_up(collection: Collection) -> None:
    add(collection, "car, automobile")
    add(collection, "car", "vehicle")

    assert synonyms_of(collection.pk)["car"] == ("automobile", "vehicle")


def test_what_is_switched_off_and_what_is_elsewhere_adds_nothing(collection: Collection) -> None:
    add(collection, "car, automobile", enabled=False)
    add(Collection.objects.create(slug="other", name="Other"), "car, vehicle")

    assert synonyms_of(collection.pk) == {}


def test_synonyms_are_tried_out_without_being_saved(collection: Collection) -> None:
    saved = add(collection, "car, automobile")

    tried = SynonymSet(collection=collection, words="car, vehicle")
    with synonyms.trying(tried, collection_id=collection.pk, instead_of=saved.pk):
        assert synonyms_of(collection.pk)["car"] == ("vehicle",)

    assert synonyms_of(collection.pk)["car"] == ("automobile",)


@pytest.mark.parametrize(("words", "finds"), [("car", ""), (" , ,\n", "car"), (",".join(map(str, range(60))), "")])
def test_sets_that_add_nothing_are_refused(collection: Collection, words: str, finds: str) -> None:
    with pytest.raises(ValidationError):
        SynonymSet(collection=collection, words=words, finds=finds).full_clean()
