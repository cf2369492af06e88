"""Random histories against the database as the oracle: nothing lost, nothing stale, no ghosts once the dust settles.

A history mixes writes by every path, messages that are lost, doubled and late, a worker that is killed at any
failpoint, seals, merges, rebuilds, deleted and damaged index files, and searches in between, which must never
show a document that nobody may see.
"""

import contextlib
import itertools
import os
import random
import shutil
from typing import Any, ClassVar

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from search import failpoints
from search.engines import faiss_build, faiss_checkpoint
from search.indexing import (
    applier,
    builder,
    claiming,
    gate,
    lexical_feed,
    lifecycle,
    measuring,
    reconcile,
    requests,
    retention,
    segments,
)
from search.indexing.checking import check
from search.indexing.leases import LeaseBusy, hold
from search.indexing.sweep import sweep
from search.lexical import tantivy_index
from search.models import Collection, Document, IndexedDocument, IndexVersion, PendingChange
from search.query_service import NotReady, search
from search.retrieval import open_index

_STEPS = 50
_TAKEN_BACK = 5
_HISTORIES = int(os.environ.get("SEMSEARCH_TEST_HISTORIES", "48"))
_KILLABLE = (
    applier,
    builder,
    claiming,
    lexical_feed,
    lifecycle,
    measuring,
    retention,
    segments,
    faiss_build,
    faiss_checkpoint,
    tantivy_index,
)
_OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"index_type": "Flat"},
    {"index_type": "HNSW"},
    {"index_type": "IVFFlat", "recall": 0.9},
    {"index_type": "rule"},
)


class Killed(BaseException):
    """Stands for SIGKILL: whatever was not committed is gone, and no handler of the product runs for it."""


class History(RuleBasedStateMachine):
    """One history of one collection."""

    operations: ClassVar[int] = 0
    kills: ClassVar[int] = 0
    taken_back: ClassVar[int] = 0
    words = itertools.count()

    @initialize()
    def begin(self) -> None:
        Collection.objects.all().delete()
        open_index.close_all()
        self.collection = Collection.objects.create(slug="docs", name="Docs")
        self.messages = 0
        self.random = random.Random(next(self.words))

    def word(self) -> str:
        """A word that no other text has."""
        return f"word{next(self.words)}x"

    def some(self) -> Document:
        """Any document, chosen by the history's own random numbers; a new one when there is none."""
        ids = list(Document.objects.order_by("pk").values_list("pk", flat=True))
        if not ids:
            return Document.objects.create(collection=self.collection, title=self.word(), body=self.word())
        return Document.objects.get(pk=self.random.choice(ids))

    def count(self) -> None:
        type(self).operations += 1
        self.messages += 1

    @rule(chunks=st.integers(0, 3), state=st.sampled_from(["published", "published", "draft"]))
    def create(self, chunks: int, state: str) -> None:
        self.count()
        body = "\n\n".join(f"{self.word()} " * 30 for _ in range(chunks))
        Document.objects.create(collection=self.collection, title=self.word(), body=body, state=state)

    @rule(number=st.integers(1, 5))
    def bulk_create(self, number: int) -> None:
        self.count()
        rows = [Document(collection=self.collection, title="bulk", body=self.word()) for _ in range(number)]
        Document.objects.bulk_create(rows)

    @rule(keep=st.booleans())
    def edit(self, keep: bool) -> None:
        self.count()
        document = self.some()
        document.body = f"{document.body if keep else ''}\n\n{self.word()} " * 3
        document.save()

    @rule(values=st.sampled_from([{"state": "draft"}, {"state": "published"}, {"visibility": "staff"}, {"url": "u"}]))
    def update(self, values: dict[str, str]) -> None:
        self.count()
        Document.objects.filter(pk=self.some().pk).update(**values)

    @rule()
    def edit_by_sql(self) -> None:
        self.count()
        with connection.cursor() as cursor:
            cursor.execute("UPDATE search_document SET body = %s WHERE id = %s", [self.word(), self.some().pk])

    @rule(by_sql=st.booleans())
    def delete(self, by_sql: bool) -> None:
        self.count()
        document = self.some()
        if by_sql:
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM search_document WHERE id = %s", [document.pk])
        else:
            document.delete()

    @precondition(lambda self: self.messages)
    @rule(times=st.integers(0, 3))
    def deliver(self, times: int) -> None:
        """A message arrives, twice, three times or never; all say the same."""
        self.count()
        self.messages = 0
        for _ in range(times):
            applier.drain(self.collection.pk, budget_seconds=self.random.choice([0, 60]))

    @rule(name=st.sampled_from(failpoints.NAMES), skip=st.integers(0, 1))
    def deliver_and_kill(self, name: str, skip: int) -> None:
        """The worker is killed at a failpoint, the first or a later time that it comes there."""
        self.count()
        Document.objects.filter(pk=self.some().pk).update(body=self.word(), state="published")
        with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Killed):
            self._arm(patch, name, skip)
            applier.drain(self.collection.pk, budget_seconds=60)

    def _arm(self, patch: pytest.MonkeyPatch, name: str, skip: int) -> None:
        left = itertools.count(skip, -1)

        def failpoint(reached: str) -> None:
            if reached == name and next(left) == 0:
                type(self).kills += 1
                raise Killed

        for module in _KILLABLE:
            patch.setattr(module, "failpoint", failpoint, raising=False)

    @rule()
    def sweep(self) -> None:
        self.count()
        sweep()

    @rule(merge=st.booleans(), name=st.sampled_from([None, "seal.written", "seal.before_commit", "seal.committed"]))
    def seal_or_merge(self, merge: bool, name: str | None) -> None:
        self.count()
        version = self.collection.active_version()
        if version is None or version.lexical_generation < version.generation:
            return
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.suppress(Killed, LeaseBusy),
            hold(self.collection.pk) as lease,
        ):
            if name:
                self._arm(patch, name, 0)
            if merge:
                segments.run(version, lease, everything=True)
            else:
                segments.seal(version, lease)

    @rule(options=st.sampled_from(_OPTIONS), activate=st.booleans(), tokens=st.sampled_from([None, 16, 30]))
    def rebuild(self, options: dict[str, Any], activate: bool, tokens: int | None) -> None:
        """A candidate with other engine options and other chunks, which may wait for somebody to activate it."""
        self.count()
        chunking = {} if tokens is None else {"max_tokens": tokens}
        Collection.objects.update(engine_options=options, chunking=chunking)
        requests.request_rebuild(self.collection, activate_when_ready=activate)

    def any_version(self) -> IndexVersion | None:
        """Any version of the collection, whatever its state."""
        versions = list(self.collection.index_versions.order_by("pk"))
        return self.random.choice(versions) if versions else None

    @rule(name=st.sampled_from([None, "rollback.before_commit", "rollback.committed"]))
    def roll_back(self, name: str | None) -> None:
        """Somebody takes a version back; what cannot be taken back says so."""
        self.act_on_a_version(lifecycle.roll_back, name, lifecycle.CannotRollBack)

    @rule()
    def cancel(self) -> None:
        """Somebody stops a candidate."""
        self.act_on_a_version(lifecycle.cancel, None, lifecycle.CannotCancel)

    @rule(name=st.sampled_from([None, "prune.committed"]))
    def prune(self, name: str | None) -> None:
        """Somebody gives a version up; never one that is in use."""
        before = self.collection.active_version()
        self.act_on_a_version(retention.prune, name, retention.CannotPrune)
        assert self.collection.active_version() == before

    @rule(override=st.booleans())
    def activate(self, override: bool) -> None:
        """Somebody wants a version live; one that has not applied everything never goes live."""
        self.count()
        version = self.any_version()
        if version is not None:
            with contextlib.suppress(lifecycle.CannotActivate):
                lifecycle.activate(version, override_reason="It is wanted." if override else "")

    def act_on_a_version(self, act: Any, name: str | None, refusal: type[Exception]) -> None:
        self.count()
        version = self.any_version()
        if version is None:
            return
        with pytest.MonkeyPatch.context() as patch, contextlib.suppress(Killed, refusal):
            if name:
                self._arm(patch, name, 0)
            act(version)

    @rule()
    def deliver_while_the_gate_refuses(self) -> None:
        """The worker works while nothing is good enough: no candidate goes live."""
        self.count()
        before = self.collection.active_version()
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(gate.CHECKS, "recall", lambda version: (False, "Not good enough today."))
            applier.drain(self.collection.pk, budget_seconds=60)
        after = self.collection.active_version()
        if before is not None and before != after:
            assert after is not None
            judged = gate.GateReport.from_json(after.gate)
            assert judged is not None
            assert judged.passed  # it had been judged before

    @rule()
    def reindex(self) -> None:
        self.count()
        requests.reindex(Document.objects.filter(pk=self.some().pk))

    @rule(part=st.sampled_from(["segments", "lexical/work", "lexical/published", ""]))
    def lose_files(self, part: str) -> None:
        """Somebody deletes index files; the web processes are started anew."""
        self.count()
        version = self.collection.active_version()
        if version is not None:
            shutil.rmtree(version.folder / part, ignore_errors=True)
            open_index.close_all()

    @rule(mode=st.sampled_from(["hybrid", "dense", "lexical"]))
    def look(self, mode: str) -> None:
        """A visitor searches: whatever the index is like, only published, public documents come back."""
        self.count()
        try:
            response = search(self.some().title, mode=mode, k=100)
        except NotReady:
            return
        shown = {result.document_id for result in response.results}
        assert shown <= set(Document.objects.visible_to(None).values_list("pk", flat=True))
        bodies = dict(Document.objects.filter(pk__in=shown).values_list("pk", "body"))
        for result in response.results:
            assert result.snippet.text.strip("… ")[:20] in bodies[result.document_id].replace("\n", " ")

    def teardown(self) -> None:
        """The dust settles: one repair for deleted files, then everything must be as the database says."""
        if not hasattr(self, "collection"):
            return
        for _ in range(3):
            sweep()
        reconcile.repair_all(self.collection)
        assert not PendingChange.objects.exists(), list(PendingChange.objects.values())
        for fed in self.collection.index_versions.fed():
            report = check(fed)
            assert report.clean, report
        version = self.collection.active_version()
        published = set(Document.objects.published().values_list("pk", flat=True))
        if version is None:
            assert not published
            return
        assert set(IndexedDocument.objects.filter(version=version).values_list("document_id", flat=True)) == published
        assert not IndexVersion.objects.filter(state="building").exists()
        for document in Document.objects.visible_to(None):
            word = (document.body.split() or [document.title])[-1]
            found = {result.document_id for result in search(word, mode="lexical", k=100).results}
            assert document.pk in found, (document, word)
        self.take_back()

    def retired(self) -> IndexVersion | None:
        """The oldest version that can be taken back."""
        return self.collection.index_versions.filter(state="retired", pruned_at=None).order_by("number").first()

    def take_back(self) -> None:
        """Any retired version comes back with today's documents."""
        retired = self.retired()
        if retired is None and type(self).taken_back < _TAKEN_BACK:  # chance alone may give too few
            requests.request_rebuild(self.collection)
            sweep()
            retired = self.retired()
        if retired is None:
            return
        lifecycle.roll_back(retired)
        sweep()
        reconcile.repair_all(self.collection)
        retired.refresh_from_db()
        assert retired.state == "active", (retired.state, retired.last_error, retired.gate)
        assert check(retired).clean
        type(self).taken_back += 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.timeout(900)
def test_random_histories_end_as_the_database_says(settings: Any) -> None:
    settings.SEMSEARCH = {
        **settings.SEMSEARCH, "TAIL_MAX_ROWS": 12, "MERGE_FANOUT": 2, "RETRY_SECONDS": 0, "MAX_ATTEMPTS": 1_000,
    }  # fmt: skip
    History.operations = History.kills = History.taken_back = 0
    run_state_machine_as_test(
        History,
        settings=_hypothesis_settings(),
    )
    print(  # noqa: T201
        f"\n{History.operations} operations, {History.kills} kills, {History.taken_back} versions taken back: "
        "0 lost, 0 stale, 0 ghosts"
    )
    assert History.operations >= 1_500  # chance decides how many: most runs do more than 2,000
    assert History.kills >= 20
    assert History.taken_back >= _TAKEN_BACK


def _hypothesis_settings() -> settings:
    return settings(
        max_examples=_HISTORIES,
        stateful_step_count=_STEPS,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
