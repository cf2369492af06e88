"""Pending changes: what the index has still to apply, what it gave up on and why, and the way to try again."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.views import ChangeList

from search import tasks
from search.admin import addresses
from search.admin.labels import moment, pending_label, short
from search.admin.read_only import ReadOnly
from search.models import Document, PendingChange
from search.models.pending_changes import PendingChangeQuerySet

_REASON_CHARS = 80


class PendingChangeList(ChangeList):
    """One page of changes, with the documents that are still there in one query.

    A deleted document leaves its change behind until the index has applied it, so a join would hide rows.
    """

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        documents = Document.objects.defer("body", "metadata").in_bulk([row.document_id for row in self.result_list])
        for change in self.result_list:
            change.shown = documents.get(change.document_id)


@admin.register(PendingChange)
class PendingChangeAdmin(ReadOnly, ModelAdmin):
    """The list, the facts of each change, and `retry failed`."""

    list_display = ("shown_document", "shown_state", "reason", "attempts", "shown_version", "since")
    list_display_links = ("shown_state",)
    list_filter = ("quarantined", ("version__collection", RelatedDropdownFilter), ("version", RelatedDropdownFilter))
    list_filter_submit = True
    list_select_related = ("version__collection",)
    list_per_page = 50
    show_full_result_count = False
    actions = ("retry_failed",)
    fields = (
        "shown_document", "shown_state", "last_error", "attempts", "version", "revision", "not_before", "created_at",
    )  # fmt: skip
    readonly_fields = ("shown_document", "shown_state")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PendingChangeList

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("search.change_pendingchange"))

    @admin.display(description=_("document"))
    def shown_document(self, change: Any) -> SafeString:
        document = change.shown if hasattr(change, "shown") else _document_of(change)
        if document is None:
            return format_html("{}", _("deleted document %d") % change.document_id)
        return format_html('<a href="{}" class="text-link">{}</a>', addresses.document(document), document)

    @admin.display(description=_("state"), ordering="quarantined")
    def shown_state(self, change: PendingChange) -> SafeString:
        return pending_label(change)

    @admin.display(description=_("reason"))
    def reason(self, change: PendingChange) -> SafeString:
        return short(change.last_error, _REASON_CHARS)

    @admin.display(description=_("index version"), ordering="version")
    def shown_version(self, change: PendingChange) -> SafeString:
        return format_html('<span class="sem-nowrap">{}</span>', change.version)

    @admin.display(description=_("since"), ordering="created_at")
    def since(self, change: PendingChange) -> SafeString:
        return moment(change.created_at)

    @admin.action(description=_("Retry what failed"), permissions=["retry"])
    def retry_failed(self, request: HttpRequest, pending: PendingChangeQuerySet) -> None:
        count = tasks.retry_failed(pending)
        self.message_user(
            request,
            ngettext("%d document is queued again.", "%d documents are queued again.", count) % count,
            messages.SUCCESS if count else messages.WARNING,
        )


def _document_of(change: PendingChange) -> Document | None:
    return Document.objects.defer("body", "metadata").filter(pk=change.document_id).first()
