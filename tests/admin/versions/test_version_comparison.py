"""Two versions side by side: differences first, and which figure is the better one."""

import pytest

from search.admin.versions.version_comparison import compared
from search.models import Collection, IndexVersion, Segment

pytestmark = pytest.mark.django_db


@pytest.fixture
def live(collection: Collection) -> IndexVersion:
    """A measured version."""
    return IndexVersion.objects.create(
        collection=collection, number=1, state="active", encoder_name="e", encoder_runtime="fake", dimension=4,
        encoder_fingerprint="f", chunking_fingerprint="c", engine="faiss", chunks=10, recall=0.99, median_us=100.0,
        disk_bytes=1000,
    )  # fmt: skip


def beside(live: IndexVersion, **columns: object) -> IndexVersion:
    """Return another version that differs from the live one in these columns."""
    values = {f.name: getattr(live, f.name) for f in IndexVersion._meta.concrete_fields if not f.primary_key}
    return IndexVersion.objects.create(**{**values, "number": 2, "state": "ready", **columns})


def verdicts(here: IndexVersion, there: IndexVersion) -> dict[str, str]:
    return {row.name: row.verdict for row in compared(here, there).measures if row.verdict}


def test_what_differs_in_the_recipe_comes_first_and_the_rest_is_named_once(live: IndexVersion) -> None:
    other = beside(live, engine_options={"index_type": "HNSW", "recall": 0.95})

    comparison = compared(other, live)

    assert [(row.name, row.here, row.there) for row in comparison.recipe] == [
        ("Engine options", "index_type HNSW, recall 0.95", "defaults"),
    ]
    assert "Encoder e" in comparison.same


def test_more_recall_and_less_time_are_better(live: IndexVersion) -> None:
    assert verdicts(beside(live, recall=0.995, median_us=50.0), live) == {
        "Recall@10": "better",
        "Median query": "better",
    }


def test_less_recall_and_more_disk_are_worse(live: IndexVersion) -> None:
    assert verdicts(beside(live, recall=0.98, disk_bytes=2000), live) == {"Recall@10": "worse", "Disk": "worse"}


def test_noise_in_times_is_no_verdict(live: IndexVersion) -> None:
    assert verdicts(beside(live, median_us=103.0), live) == {}


def test_what_was_not_measured_is_not_judged(live: IndexVersion) -> None:
    assert verdicts(beside(live, recall=None, median_us=None), live) == {}


def test_the_largest_segment_says_first_what_was_built(live: IndexVersion) -> None:
    for number, (rows, index_type, parameters) in enumerate([(5, "Flat", {}), (90, "HNSW32,Flat", {"efSearch": 48})]):
        Segment.objects.create(
            version=live, sha256=str(number), ids_sha256="b", path="p", ids_path="i", rows=rows, size_bytes=7,
            first_id=number * 100 + 1, last_id=number * 100 + 100, generation=1, index_type=index_type,
            parameters=parameters,
        )  # fmt: skip

    [built] = [row.here for row in compared(live, None).measures if row.name == "Index built"]

    assert built == "HNSW32,Flat (efSearch 48); Flat"


def test_a_version_alone_shows_its_whole_recipe(live: IndexVersion) -> None:
    comparison = compared(live, None)

    assert len(comparison.recipe) == 7
    assert comparison.same == ()
