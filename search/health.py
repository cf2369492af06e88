"""What a load balancer and an operator want to know of this process: can it answer, and what is behind.

Each check is bounded in time and cheap enough to be asked for every second. Facts only, and none that tells
of documents or hosts: whoever can reach the address can read them. The one thing that asking sets in motion
is loading what is not loaded yet, beside the answer; otherwise a process that gets no traffic before it is
ready would never be.
"""

import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from celery import current_app
from django.conf import settings
from django.db import connection
from django.db.models import Count, Min, OuterRef, Q, Subquery, Sum
from django.utils.translation import gettext as _

from search.conf import conf
from search.models import Collection, IndexVersion, PendingChange
from search.retrieval import open_index, query_vectors, warm_up

BROKER_TIMEOUT_SECONDS = 1.0
LAG_WARNING_SECONDS = 60
FREE_WARNING_BYTES = 200 << 20
WARM_UP_PAUSE_SECONDS = 30.0

logger = logging.getLogger(__name__)


class State(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"  # somebody should look; searching works
    FAIL = "fail"  # not ready


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `detail` says it in words."""

    state: State
    detail: str


@dataclass(frozen=True, slots=True)
class Check:
    """One check's finding and how long it took."""

    name: str
    finding: Finding
    ms: float


def readiness(*, now: datetime, without: frozenset[str] = frozenset()) -> list[Check]:
    """Run every check that is not in `without`, in a fixed order. Never raises."""
    results: list[Check] = []
    for name, check in CHECKS.items():
        if name in without:
            continue
        useless = name in _NEED_DATABASE and _failed("database", results)  # it would wait for the same once more
        results.append(_timed(name, _no_database if useless else check, now))
    return results


def is_ready(checks: Sequence[Check]) -> bool:
    """True when nothing failed."""
    return all(check.finding.state is not State.FAIL for check in checks)


def _failed(name: str, checks: Sequence[Check]) -> bool:
    return any(check.name == name and check.finding.state is State.FAIL for check in checks)


def _database(now: datetime) -> Finding:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Finding(State.OK, connection.vendor)


def _no_database(now: datetime) -> Finding:
    return Finding(State.FAIL, _("Not known without the database."))


def _broker(now: datetime) -> Finding:
    url: str = settings.CELERY_BROKER_URL
    transport = url.partition(":")[0]
    if transport == "filesystem":
        with tempfile.TemporaryFile(dir=settings.CELERY_BROKER_TRANSPORT_OPTIONS["data_folder_out"]) as file:
            file.write(b"can be written")
        return Finding(State.OK, transport)
    problem = _broker_question.ask(BROKER_TIMEOUT_SECONDS)
    return Finding(State.FAIL, f"{transport}: {problem}") if problem else Finding(State.OK, transport)


def _index(now: datetime) -> Finding:
    active = dict(IndexVersion.objects.active().values_list("pk", "generation"))
    if not active:
        if not Collection.objects.exists():
            return Finding(State.WARN, _("There is no collection yet."))
        return Finding(State.FAIL, _("No collection has an active index version yet."))
    loaded = open_index.loaded_versions()
    absent = len(active.keys() - loaded.keys())
    counts = {"loaded": len(active) - absent, "active": len(active)}
    if not absent:
        return Finding(State.OK, _("%(loaded)d of %(active)d active versions are loaded.") % counts)
    _warm_up.start()
    # A process keeps only some versions open, the others are opened by their first query; and while a version that
    # has just gone live is being opened, the one before it answers.
    state = State.WARN if loaded else State.FAIL
    return Finding(state, _("%(loaded)d of %(active)d active versions are loaded; loading.") % counts)


def _encoder(now: datetime) -> Finding:
    if not IndexVersion.objects.active().exists():
        return Finding(State.WARN, _("No active index version needs an encoder yet."))
    if query_vectors.is_warm():
        return Finding(State.OK, _("Loaded."))
    _warm_up.start()
    return Finding(State.FAIL, _("Not loaded yet; until then searches are answered lexically."))


def _lag(now: datetime) -> Finding:
    """How long the oldest work that is due has waited. Slow indexing is no reason to stop searching."""
    oldest = PendingChange.objects.waiting().filter(version=OuterRef("pk")).order_by("not_before")
    waits = IndexVersion.objects.active().annotate(since=Subquery(oldest.values("not_before")[:1]))
    since = [moment for moment in waits.values_list("since", flat=True) if moment is not None]
    seconds = max(0, round((now - min(since)).total_seconds())) if since else 0
    state = State.WARN if seconds > LAG_WARNING_SECONDS else State.OK
    return Finding(state, _("The oldest change waits for %d seconds.") % seconds if seconds else _("Nothing waits."))


def _indexing(now: datetime) -> Finding:
    """Whether indexing goes on: something like a full disk stops it, and searching with what is indexed goes on."""
    free = shutil.disk_usage(conf().DATA_DIR).free
    if free < FREE_WARNING_BYTES:
        return Finding(State.WARN, _("The disk is nearly full: %d MB are free.") % (free >> 20))
    live = Q(state=IndexVersion.State.ACTIVE) | Q(state=IndexVersion.State.BUILDING)
    stopped = IndexVersion.objects.filter(live).exclude(last_error="").count()
    if stopped:
        return Finding(State.WARN, _("%d index versions cannot be brought up to date; the admin says why.") % stopped)
    return Finding(State.OK, _("%d MB are free.") % (free >> 20))


def _drift(now: datetime) -> Finding:
    """What the last comparisons of the active versions with the database found."""
    found = IndexVersion.objects.active().aggregate(
        differences=Sum("drift"), oldest=Min("checked_at"), never=Count("pk", filter=Q(checked_at=None))
    )
    if found["differences"]:
        return Finding(State.WARN, _("%d differences; check_index --repair mends them.") % found["differences"])
    if found["oldest"] is None or found["never"]:
        return Finding(State.OK, _("Not every active version has been compared with the database yet."))
    seconds = max(0, round((now - found["oldest"]).total_seconds()))
    return Finding(State.OK, _("No differences; compared %d seconds ago or later.") % seconds)


CHECKS: Mapping[str, Callable[[datetime], Finding]] = {
    "database": _database,
    "broker": _broker,
    "index": _index,
    "encoder": _encoder,
    "lag": _lag,
    "indexing": _indexing,
    "drift": _drift,
}
_NEED_DATABASE = frozenset({"index", "encoder", "lag", "indexing", "drift"})


def _timed(name: str, check: Callable[[datetime], Finding], now: datetime) -> Check:
    started = time.perf_counter()
    try:
        finding = check(now)
    except Exception as error:  # whatever it was, the process must still say that it is not ready
        logger.warning("The check of %s failed: %s: %s", name, type(error).__name__, error)
        finding = Finding(State.FAIL, type(error).__name__)
    return Check(name, finding, round((time.perf_counter() - started) * 1000, 2))


class _BrokerQuestion:
    """Asks the broker in a thread, because neither a resolver nor a client library keeps to a time limit.

    Whoever asks while a question is under way shares its answer: a broker that hangs costs one thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answer: Future[str] | None = None

    def ask(self, timeout_seconds: float) -> str:
        """Return "" when the broker answered, else what was wrong."""
        with self._lock:
            if self._answer is None or self._answer.done():
                self._answer = Future()
                threading.Thread(target=self._connect, args=[self._answer], name="broker-check", daemon=True).start()
            answer = self._answer
        try:
            return answer.result(timeout_seconds)
        except TimeoutError:
            return _("no answer within %s seconds") % timeout_seconds

    def _connect(self, answer: "Future[str]") -> None:
        try:
            with current_app.connection_for_write(connect_timeout=BROKER_TIMEOUT_SECONDS) as broker:
                broker.transport.close_connection(broker.transport.establish_connection())
        except Exception as error:  # each transport has its own exceptions
            logger.warning("The broker did not answer: %s", error)
            answer.set_result(type(error).__name__)
        else:
            answer.set_result("")


class _WarmUp:
    """Loads encoders and active versions in a thread, one at a time, and after a failure not at once again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._not_before = 0.0

    def start(self) -> None:
        """Begin loading unless that is under way or was just tried."""
        with self._lock:
            if time.monotonic() < self._not_before or (self._thread is not None and self._thread.is_alive()):
                return
            self._not_before = time.monotonic() + WARM_UP_PAUSE_SECONDS
            self._thread = threading.Thread(target=warm_up.warm_up, name="warm-up", daemon=True)
            self._thread.start()


_broker_question = _BrokerQuestion()
_warm_up = _WarmUp()
