"""Bulk changes, made by the documents' actions, the API and the command: who asked for what, and how far it is."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action
from unfold.forms import BaseDialogForm

from search.admin import addresses, figures
from search.admin.dialogs import ask_first, leave_dialog
from search.admin.labels import choice_label, moment
from search.admin.read_only import ReadOnly
from search.ingestion import bulk_changes
from search.models import BulkChange


@admin.register(BulkChange)
class BulkChangeAdmin(ReadOnly, ModelAdmin):
    """The list, and the page of each with its progress. Whoever may make one may look at them."""

    list_display = ("shown_action", "shown_status", "progress", "changes", "who", "when")
    list_display_links = ("shown_action",)
    list_filter = (("status", ChoicesDropdownFilter), ("action", ChoicesDropdownFilter))
    list_filter_submit = True
    list_select_related = ("created_by",)
    list_per_page = 50
    fields = ("shown_action", "shown_status", "collection", "progress", "changes", "error", "who", "when", "over")
    readonly_fields = ("shown_action", "shown_status", "progress", "changes", "who", "when", "over")
    change_form_before_template = "admin/search/bulk_change_panel.html"
    actions_detail = ("cancel",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("documents")

    def has_view_permission(self, request: HttpRequest, obj: BulkChange | None = None) -> bool:
        may = ("view_bulkchange", "change_document", "delete_document")
        return any(request.user.has_perm(f"search.{name}") for name in may)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_cancel_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        change = _change_at(object_id)
        return change is not None and not change.is_over and bulk_changes.may_change(request.user, change.action)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {**(extra_context or {}), "change_now": _change_at(object_id)}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    @action(
        description=_("Stop"),
        url_path="cancel",
        permissions=["cancel"],
        icon="cancel",
        dialog=ask_first(_("Stop this change?"), _("What is changed stays changed."), _("Stop it")),
    )
    def cancel(self, request: HttpRequest, form: BaseDialogForm, object_id: str) -> HttpResponse:
        change = BulkChange.objects.get(pk=object_id)
        if bulk_changes.cancel(change):
            self.message_user(request, _("It is stopped. What is changed stays changed."), messages.SUCCESS)
        return leave_dialog(request, redirect(addresses.bulk_change(change)))

    @admin.display(description=_("action"), ordering="action")
    def shown_action(self, change: BulkChange) -> str:
        return change.get_action_display()

    @admin.display(description=_("status"), ordering="status")
    def shown_status(self, change: BulkChange) -> SafeString:
        return choice_label(BulkChange.Status(change.status))

    @admin.display(description=_("looked at"))
    def progress(self, change: BulkChange) -> str:
        return f"{figures.whole(change.next)} / {figures.whole(change.total)}"

    @admin.display(description=_("changed"), ordering="changed")
    def changes(self, change: BulkChange) -> str:
        return figures.whole(change.changed)

    @admin.display(description=_("by"), ordering="created_by__username")
    def who(self, change: BulkChange) -> str:
        return change.created_by.get_username() if change.created_by else figures.NOTHING

    @admin.display(description=_("when"), ordering="id")
    def when(self, change: BulkChange) -> SafeString:
        return moment(change.created_at)

    @admin.display(description=_("over"))
    def over(self, change: BulkChange) -> Any:
        return moment(change.finished_at) if change.finished_at else figures.NOTHING


def _change_at(object_id: Any) -> BulkChange | None:
    """Return the change of an address, whatever stands in it."""
    if not str(object_id).isascii() or not str(object_id).isdecimal():
        return None
    return BulkChange.objects.defer("documents").filter(pk=object_id).first()
