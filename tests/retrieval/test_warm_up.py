"""What a web process loads before anybody asks."""

from collections.abc import Callable

import pytest
from django.db import connection

from search import registry
from search.models import IndexVersion
from search.retrieval.warm_up import warm_up
from tests.conftest import MakeDocument

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names the runtime of each encoder that is loaded; none is, before the test."""
    runtimes: list[str] = []
    known = registry.encoder

    def noted(name: str, revision: str = "", runtime: str = "") -> object:
        runtimes.append(runtime)
        return known(name, revision, runtime)

    registry.forget_encoders()
    monkeypatch.setattr(registry, "encoder", noted)
    monkeypatch.setattr(connection, "close", lambda: None)  # the test's own
    return runtimes


def test_before_there_is_an_index_the_encoder_is_loaded_that_the_first_one_will_have(
    loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "runtime_for", lambda name: "fake")

    warm_up()

    assert loaded == ["fake"]


def test_only_the_encoders_of_active_versions_are_loaded(
    make_document: MakeDocument, indexed: Callable[[], int], loaded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_document()
    indexed()
    loaded.clear()
    monkeypatch.setattr(registry, "runtime_for", lambda name: pytest.fail("another encoder is looked for"))

    warm_up()

    assert set(loaded) == {IndexVersion.objects.active().get().encoder_runtime}
