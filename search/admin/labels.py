"""How the admin says where things are: one word, one colour, and the reason when there is one. Changes nothing."""

from datetime import datetime

from django.db.models import TextChoices
from django.template.loader import render_to_string
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from search.admin.figures import NOTHING
from search.indexing.progress import CollectionProgress
from search.indexing.status import DocumentStatus, Stage
from search.indexing.version_progress import VersionProgress
from search.models import (
    BulkChange,
    Document,
    DuplicatePair,
    ImportFailure,
    ImportJob,
    IndexVersion,
    PendingChange,
    Segment,
)

STAGE_NAMES = {
    Stage.INDEXED: _("Indexed"),
    Stage.QUEUED: _("Queued"),
    Stage.ENCODING: _("Encoding"),
    Stage.RETRYING: _("Retrying"),
    Stage.FAILED: _("Failed"),
    Stage.UNPUBLISHED: _("Not published"),
    Stage.WAITING: _("Waiting"),
}
STAGE_COLOURS = {
    Stage.INDEXED: "success",
    Stage.QUEUED: "info",
    Stage.ENCODING: "info",
    Stage.RETRYING: "warning",
    Stage.FAILED: "danger",
    Stage.WAITING: "info",
}
_CHOICE_COLOURS: dict[TextChoices, str] = {
    Document.State.PUBLISHED: "success",
    Document.State.ARCHIVED: "warning",
    IndexVersion.State.BUILDING: "info",
    IndexVersion.State.READY: "primary",
    IndexVersion.State.ACTIVE: "success",
    IndexVersion.State.FAILED: "danger",
    Segment.State.DAMAGED: "danger",
    ImportJob.Status.QUEUED: "info",
    ImportJob.Status.RUNNING: "info",
    ImportJob.Status.FINISHED: "success",
    ImportJob.Status.FAILED: "danger",
    ImportJob.Status.CANCELLED: "warning",
    BulkChange.Status.QUEUED: "info",
    BulkChange.Status.RUNNING: "info",
    BulkChange.Status.FINISHED: "success",
    BulkChange.Status.FAILED: "danger",
    BulkChange.Status.CANCELLED: "warning",
    ImportFailure.State.SENT: "success",
    DuplicatePair.State.OPEN: "warning",
    DuplicatePair.Kind.EXACT: "danger",
}
_HOVER_CHARS = 1_000


def choice_label(choice: TextChoices) -> SafeString:
    """Return a state as a coloured label."""
    return _label(choice.label, _CHOICE_COLOURS.get(choice, ""))


def version_label(version: IndexVersion) -> SafeString:
    """Return a version's state as a coloured label, and whether it was pruned."""
    state = choice_label(IndexVersion.State(version.state))
    return state if version.pruned_at is None else format_html("{} {}", state, _label(_("Pruned"), ""))


def import_label(job: ImportJob) -> SafeString:
    """Return an import's status as a coloured label, and whether it only tries."""
    status = choice_label(ImportJob.Status(job.status))
    return format_html("{} {}", status, _label(_("Dry run"), "")) if job.dry_run else status


def version_bar(progress: VersionProgress) -> SafeString:
    """Return a bar with what is being done, or a dash when nothing is."""
    if not progress.moving:
        return format_html("<span>{}</span>", NOTHING)
    return render_to_string("admin/search/version_bar.html", {"progress": progress})


def stage_label(status: DocumentStatus) -> SafeString:
    """Return a document's stage as a coloured label, with its reason in small print and, whole, on hover."""
    context = {
        "text": STAGE_NAMES[status.stage],
        # Indexed, and yet with a reason: there is no text to be found by.
        "type": "warning" if status.stage is Stage.INDEXED and status.reason else STAGE_COLOURS.get(status.stage, ""),
        "reason": status.reason,
    }
    return render_to_string("admin/search/stage_label.html", context)


def progress_bar(progress: CollectionProgress) -> SafeString:
    """Return a bar with the figures behind it."""
    return render_to_string("admin/search/progress_bar.html", {"progress": progress})


def failed_label(count: int, url: str) -> SafeString:
    """Return the number of failed documents, linked to their list, or a dash."""
    if count == 0:
        return format_html("<span>{}</span>", NOTHING)
    return _label(str(count), "danger", url)


def moment(at: datetime | None) -> SafeString:
    """Return a time, in the reader's time zone, in a form that keeps a list's column narrow."""
    if at is None:
        return format_html("<span>{}</span>", NOTHING)
    return format_html('<span class="sem-nowrap">{}</span>', date_format(localtime(at), "Y-m-d H:i"))


def short(text: str, chars: int) -> SafeString:
    """Return the beginning of a text of any length, the whole of it on hover."""
    beginning = Truncator(text).chars(chars) or NOTHING
    return format_html('<span class="sem-short" title="{}">{}</span>', text[:_HOVER_CHARS], beginning)


def pending_label(change: PendingChange) -> SafeString:
    """Return whether a change waits, is being worked on, is being retried, or is in quarantine."""
    if change.quarantined:
        return _label(_("Failed"), "danger")
    if not change.attempts:
        return _label(_("Queued"), "info")
    # The attempt is counted before the work; one that failed has left its reason.
    return _label(_("Retrying"), "warning") if change.last_error else _label(_("Encoding"), "info")


def _label(text: object, colour: str, url: str = "") -> SafeString:
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": colour, "href": url})
