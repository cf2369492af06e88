"""One writer for each collection, and what becomes of a writer who was too slow."""

from datetime import timedelta

import pytest
from django.utils import timezone

from search.indexing.leases import LeaseBusy, LeaseLost, hold
from search.models import Collection, IndexLease

pytestmark = pytest.mark.django_db


def test_a_second_writer_is_refused(collection: Collection) -> None:
    with hold(collection.pk), pytest.raises(LeaseBusy), hold(collection.pk):
        pass


def test_a_released_lease_can_be_taken(collection: Collection) -> None:
    with hold(collection.pk) as first:
        pass
    with hold(collection.pk) as second:
        assert second.token > first.token


def test_a_lease_is_released_when_the_work_fails(collection: Collection) -> None:
    with pytest.raises(ValueError, match="work"), hold(collection.pk):
        raise ValueError("work")
    with hold(collection.pk):
        pass


def test_whoever_lost_the_lease_may_not_write(collection: Collection) -> None:
    with hold(collection.pk) as slow:
        IndexLease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        with hold(collection.pk) as quick:
            with pytest.raises(LeaseLost):
                slow.renew()
            quick.renew()


def test_the_loser_does_not_release_the_winners_lease(collection: Collection) -> None:
    with hold(collection.pk):
        IndexLease.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        winner = hold(collection.pk)
        lease = winner.__enter__()
    lease.renew()
    winner.__exit__(None, None, None)


def test_the_lease_of_a_process_that_is_gone_is_free_at_once(collection: Collection) -> None:
    with hold(collection.pk):
        row = IndexLease.objects.get()
        host, _, _, suffix = row.holder.rsplit(":", 3)
        IndexLease.objects.update(holder=f"{host}:999999999:1.00:{suffix}")
        with hold(collection.pk):
            pass


def test_the_lease_of_another_host_is_respected(collection: Collection) -> None:
    with hold(collection.pk):
        IndexLease.objects.update(holder="elsewhere:1:1.00:abcd")
        with pytest.raises(LeaseBusy), hold(collection.pk):
            pass
