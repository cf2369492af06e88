"""What /metrics says, and that docs/monitoring.md names exactly that."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from search import metrics, monitoring
from search.models import Document, IndexVersion, PendingChange

GUIDE = (Path(__file__).resolve().parent.parent / "docs" / "monitoring.md").read_text()
EXISTING = {meter.full_name: meter.labels for meter in metrics.METERS.values()}
EXISTING |= {gauge.full_name: gauge.labels for gauge in monitoring.GAUGES}


def shown() -> dict[str, dict[tuple[str, ...], float]]:
    text = monitoring.exposition(now=timezone.now()).decode()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    values: dict[str, dict[tuple[str, ...], float]] = {}
    for sample in samples:
        values.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return values


def test_the_guide_names_every_metric_with_its_labels_and_no_other() -> None:
    rows = re.findall(r"^\| `(semsearch_\w+)` \|([^|]*)\|", GUIDE, re.MULTILINE)
    documented = {name: tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    assert documented == EXISTING


def test_alarms_and_panels_of_the_guide_ask_for_metrics_that_exist() -> None:
    histograms = {meter.full_name + end for meter in metrics.METERS.values() if meter.bounds
                  for end in ("_bucket", "_sum", "_count")}  # fmt: skip
    asked = set(re.findall(r"\bsemsearch_[a-z_]+", GUIDE)) - {"semsearch_"}
    assert asked <= EXISTING.keys() | histograms


def test_rows_are_shown_as_they_are_now(live: IndexVersion, make_document: Callable[..., Document]) -> None:
    make_document(), make_document()
    PendingChange.objects.filter(pk=PendingChange.objects.order_by("pk").values("pk")[:1]).update(quarantined=True)
    values = shown()
    assert values["semsearch_database_up"] == {(): 1.0}
    assert values["semsearch_pending_documents"] == {("docs",): 1.0}
    assert values["semsearch_failed_documents"] == {("docs",): 1.0}
    assert values["semsearch_index_documents"] == {("docs",): 1.0}
    assert values["semsearch_index_versions"] == {("docs", "active"): 1.0}
    assert values["semsearch_index_stopped"] == {("docs",): 0.0}


@pytest.mark.django_db
def test_metrics_are_for_nobody_until_a_setting_lets_somebody_in(client: Any) -> None:
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer "}).status_code == 404


@pytest.mark.django_db
def test_the_token_lets_in_and_another_does_not(client: Any, settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "METRICS_TOKEN": "the-token"}
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer the-toke"}).status_code == 404
    answer = client.get("/metrics", headers={"Authorization": "Bearer the-token", "X-Forwarded-For": "203.0.113.9"})
    assert answer.status_code == 200
    assert b"semsearch_disk_free_bytes" in answer.content


@pytest.mark.django_db
def test_an_address_lets_in_who_connects_from_it_and_nobody_through_a_proxy(client: Any, settings: Any) -> None:
    settings.SEMSEARCH = {**settings.SEMSEARCH, "METRICS_ADDRESSES": "127.0.0.1, 10.1.0.0/16"}
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="::ffff:10.1.2.3").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="10.2.0.1").status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 404
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 404


def test_addresses_that_are_none_are_an_error_that_says_how_to_write_them(settings: Any) -> None:
    from django.core.exceptions import ImproperlyConfigured

    from search.conf import conf

    settings.SEMSEARCH = {**settings.SEMSEARCH, "METRICS_ADDRESSES": "10.1.2.3/16"}
    with pytest.raises(ImproperlyConfigured, match=r"has host bits set.*such as 127\.0\.0\.1"):
        conf()
