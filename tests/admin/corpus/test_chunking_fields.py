"""How texts are cut is chosen in fields, and stored as the chunker's own options."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from search.admin.corpus import chunking_fields
from search.conf import Conf
from search.models import Collection
from tests.admin.corpus.test_collections import ADD, change_url, form_with
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("chosen", "stored"),
    [
        ({}, {}),
        ({"chunker": "sentence"}, {}),
        ({"chunker": "heading", "max_tokens": "100"}, {"chunker": "heading", "max_tokens": 100}),
        ({"overlap_tokens": "0", "title_share": "0"}, {"overlap_tokens": 0, "title_share": 0.0}),
    ],
)
def test_what_is_chosen_is_stored_as_chunking_options(
    admin_client: Client, chosen: dict[str, str], stored: dict[str, Any]
) -> None:
    answer = admin_client.post(ADD, form_with(**chosen))

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert Collection.objects.get().chunking == stored


@pytest.mark.parametrize(
    ("field", "values", "message"),
    [
        ("max_tokens", {"max_tokens": "3"}, "max_tokens is 3; it must be a whole number of at least 16."),
        ("overlap_tokens", {"overlap_tokens": "-1"}, "overlap_tokens is -1"),
        ("overlap_tokens", {"chunker": "whole", "overlap_tokens": "5"}, "known: max_tokens, title_share"),
        ("title_share", {"title_share": "0.9"}, "from 0 to 0.5"),
        ("chunker", {"chunker": "magic"}, "Select a valid choice"),
        ("chunking", {"chunking": '{"speed": 1}'}, "Unknown chunking option"),
        ("chunking", {"chunking": '{"max_tokens": 20}'}, "max_tokens has a field of its own"),
        ("chunking", {"chunking": "[]"}, "not a JSON object"),
    ],
)
def test_a_choice_that_would_not_work_is_refused_beside_its_field(
    admin_client: Client, field: str, values: dict[str, str], message: str
) -> None:
    answer = admin_client.post(ADD, form_with(**values))

    assert list(answer.context["adminform"].form.errors) == [field]
    assert message in answer.content.decode()
    assert not Collection.objects.exists()


def test_stored_options_are_shown_in_their_fields(admin_client: Client, collection: Collection) -> None:
    Collection.objects.update(chunking={"chunker": "tokens", "max_tokens": 64, "title_share": None, "own": 1})

    form = admin_client.get(change_url(collection)).context["adminform"].form

    shown = {name: form[name].value() for name in chunking_fields.KEYS}
    assert shown == {"chunker": "tokens", "max_tokens": 64, "overlap_tokens": None, "title_share": None}
    assert form.initial["chunking"] == {"own": 1}


def test_options_that_mean_the_same_stay_as_they_are(
    admin_client: Client, collection: Collection, make_document: MakeDocument
) -> None:
    stored = {"chunker": "sentence", "max_tokens": None, "overlap_tokens": 8}
    Collection.objects.update(chunking=stored)

    admin_client.post(change_url(collection), form_with(name="Renamed", overlap_tokens="8"))

    collection.refresh_from_db()
    assert (collection.name, collection.chunking) == ("Renamed", stored)


def test_every_chunker_has_a_name_for_people() -> None:
    assert set(chunking_fields.CHUNKER_NAMES) == set(Conf().CHUNKERS)


def test_a_chunker_that_the_installation_adds_can_be_chosen(admin_client: Client, settings: Any) -> None:
    own = {**Conf().CHUNKERS, "ours": "search.chunking.token_chunker.TokenChunker"}
    settings.SEMSEARCH = {**settings.SEMSEARCH, "CHUNKERS": own}

    admin_client.post(ADD, form_with(chunker="ours"))

    assert Collection.objects.get().chunking == {"chunker": "ours"}
    assert "ours" in admin_client.get(reverse("admin:search_collection_add")).content.decode()
