"""Requests that are made up out of the schema: no server error, and no answer that the schema does not know.

An administrator asks, so that nothing is refused before it is looked at; where the schema has an id, one that exists
is taken half of the time.
"""

import base64
import logging
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from search.models import (
    BulkChange,
    CurationRule,
    DuplicatePair,
    EvaluationQuery,
    EvaluationQuerySet,
    EvaluationRun,
    ImportFailure,
    IndexVersion,
    SynonymSet,
)
from tests.leaks.surroundings import surround
from tests.leaks.world import World, make_world

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(3_600)]

EXAMPLES = 400 if os.environ.get("SEMSEARCH_TEST_FULL") else 12
"""Of each operation; 100 take some minutes."""
AUTHORIZATION = {"Authorization": f"Basic {base64.b64encode(b'root:a-long-password').decode()}"}
_MOST_CHARS = 3_000
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture
def world(db: None) -> World:
    """Both collections, and a row of every other kind."""
    world = make_world()
    surround(world)
    return world


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """Requests leave the test's own connection open, as those of Django's test client do."""
    signals = request_started, request_finished
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@dataclass
class Findings:
    """How many requests were sent, and what was wrong with an answer, by its operation."""

    asked: int = 0
    faults: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


def test_no_generated_request_is_answered_by_an_error_or_by_what_the_schema_does_not_know(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    User.objects.create_superuser("root", password="a-long-password")
    schema = schemathesis.openapi.from_wsgi("/api/schema/?format=json", get_wsgi_application())
    findings = Findings()
    with caplog.at_level(logging.CRITICAL):
        for operation in schema.get_all_operations():
            assert isinstance(operation, Ok)
            try_operation(operation.ok(), world, findings)
    print(f"\n{findings.asked} requests, {len(findings.faults)} operations with faults")  # noqa: T201
    assert findings.asked > 50 * EXAMPLES
    assert not findings.faults, "\n\n".join(
        f"{name}\n{fault}" for name, faults in findings.faults.items() for fault in sorted(faults)
    )


def try_operation(operation: Any, world: World, findings: Findings) -> None:
    """Send requests of one operation; what they wrote is taken back."""
    positive = operation.as_strategy(generation_mode=schemathesis.GenerationMode.POSITIVE)
    negative = operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)

    @given(case=positive | negative, arguments=st.sampled_from([{}, *real_arguments(operation.path, world)]))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Any, arguments: dict[str, Any]) -> None:
        findings.asked += 1
        case.path_parameters.update({name: arguments[name] for name in case.path_parameters if name in arguments})
        with transaction.atomic():
            try:
                case.validate_response(case.call(headers=AUTHORIZATION), checks=CHECKS)
            except FailureGroup as error:
                findings.faults[operation.label].add(str(error)[:_MOST_CHARS])
            transaction.set_rollback(True)

    send()


def real_arguments(path: str, world: World) -> list[dict[str, Any]]:
    """Return what may stand in an address and exists."""
    failure, paper = ImportFailure.objects.get(), world.papers["handbook-public"]
    pks = {
        "documents": [world.ids[paper.name], world.ids["handbook-legal"]],
        "bulk-changes": list(BulkChange.objects.values_list("pk", flat=True)),
        "import-jobs": [failure.job_id],
        "evaluation/queries": list(EvaluationQuery.objects.values_list("pk", flat=True)),
        "evaluation/query-sets": list(EvaluationQuerySet.objects.values_list("pk", flat=True)),
        "evaluation/runs": list(EvaluationRun.objects.values_list("pk", flat=True)),
        "index-versions": list(IndexVersion.objects.values_list("pk", flat=True)),
        "duplicates": list(DuplicatePair.objects.values_list("pk", flat=True)),
        "curation-rules": list(CurationRule.objects.values_list("pk", flat=True)),
        "synonym-groups": list(SynonymSet.objects.values_list("pk", flat=True)),
    }
    found = next((ids for name, ids in pks.items() if path.startswith(f"/api/v1/{name}/")), [0])
    common = {"slug": "handbook", "external_id": f"id-{paper.canary}", "failure_id": failure.pk, "revision": 1}
    return [{**common, "id": pk, "other": found[-1]} for pk in found]
