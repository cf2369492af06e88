"""The command load_sample, with the real standard library."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from search.models import Collection, Document
from search.sample import stdlib_reader

pytestmark = pytest.mark.django_db


def load_sample(*args: str) -> str:
    out = StringIO()
    call_command("load_sample", *args, stdout=out)
    return out.getvalue()


def test_it_loads_as_many_documents_as_asked_for_and_says_so() -> None:
    said = load_sample("--limit", "450")

    assert "python-docs: 450 documents new, 0 changed, 0 unchanged" in said
    assert Document.objects.filter(collection__slug="python-docs").count() == 450
    assert Document.objects.filter(external_id="itertools.groupby").exists()


def test_a_second_run_loads_nothing_and_names_the_way_to_do_so() -> None:
    load_sample("--limit", "5")

    said = load_sample("--limit", "10")

    assert "exists already" in said
    assert "--force" in said
    assert Document.objects.count() == 5


def test_force_loads_again() -> None:
    load_sample("--limit", "5")

    assert "5 documents new, 0 changed, 5 unchanged" in load_sample("--limit", "10", "--force")


def test_another_collection_can_be_named() -> None:
    load_sample("--limit", "5", "--collection", "my-docs")

    assert Collection.objects.get().slug == "my-docs"


@pytest.mark.parametrize("value", ["0", "-3", "many", "²"])
def test_a_limit_that_is_no_count_is_refused(value: str) -> None:
    with pytest.raises(CommandError, match="is not a number of documents; give 1 or more"):
        load_sample(f"--limit={value}")


def test_a_slug_that_is_none_is_refused() -> None:
    with pytest.raises(CommandError, match="'my docs' is not a slug"):
        load_sample("--collection", "my docs")


def test_nothing_but_the_counts_is_printed_where_nobody_watches(capfd: pytest.CaptureFixture[str]) -> None:
    load_sample("--limit", "5")

    assert capfd.readouterr().err == ""


def test_a_reader_that_does_not_finish_is_an_error_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stdlib_reader, "_TIMEOUT_SECONDS", 0.001)

    with pytest.raises(CommandError, match="Reading the standard library's documentation failed"):
        load_sample()
    assert not Collection.objects.exists()
