"""How the admin says where things are: one word, one colour, and the reason when there is one. Changes nothing."""

from django.db.models import TextChoices
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from search.indexing.status import CollectionProgress, DocumentStatus, Stage
from search.models import Document, IndexVersion, Segment

STAGE_NAMES = {
    Stage.INDEXED: _("Indexed"),
    Stage.QUEUED: _("Queued"),
    Stage.RETRYING: _("Retrying"),
    Stage.FAILED: _("Failed"),
    Stage.UNPUBLISHED: _("Not published"),
    Stage.WAITING: _("Waiting"),
}
STAGE_COLOURS = {
    Stage.INDEXED: "success",
    Stage.QUEUED: "info",
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
}
NOTHING = "–"


def choice_label(choice: TextChoices) -> SafeString:
    """Return a state as a coloured label."""
    return _label(choice.label, _CHOICE_COLOURS.get(choice, ""))


def stage_label(status: DocumentStatus) -> SafeString:
    """Return a document's stage as a coloured label, with its reason in small print and, whole, on hover."""
    context = {
        "text": STAGE_NAMES[status.stage],
        "type": STAGE_COLOURS.get(status.stage, ""),
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


def _label(text: object, colour: str, url: str = "") -> SafeString:
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": colour, "href": url})
