"""Index versions: facts that nobody edits, and the one decision that is left to people, which version is live."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import filesizeformat
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action
from unfold.views import ChangeList

from search.admin import addresses
from search.admin.dialogs import ask_first, leave_dialog
from search.admin.labels import choice_label, failed_label, moment, short
from search.admin.read_only import ReadOnly
from search.indexing import lifecycle
from search.indexing.progress import PendingWork, pending_work
from search.models import IndexVersion, Segment

_HASH_CHARS = 16


class SegmentInline(ReadOnly, TabularInline):
    """The files that a version's dense part consists of, as the database knows them."""

    model = Segment
    fields = ("shown_state", "rows", "size", "hash", "path", "created")
    readonly_fields = fields
    extra = 0
    hide_title = True

    @admin.display(description=_("state"))
    def shown_state(self, segment: Segment) -> SafeString:
        return choice_label(Segment.State(segment.state))

    @admin.display(description=_("size"))
    def size(self, segment: Segment) -> str:
        return filesizeformat(segment.size_bytes)

    @admin.display(description=_("SHA-256"))
    def hash(self, segment: Segment) -> SafeString:
        return short(segment.sha256, _HASH_CHARS)

    @admin.display(description=_("created"))
    def created(self, segment: Segment) -> SafeString:
        return moment(segment.created_at)


class IndexVersionList(ChangeList):
    """One page of versions, with the pending work of each in one query."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        work = pending_work([version.pk for version in self.result_list])
        for version in self.result_list:
            version.work = work.get(version.pk, PendingWork())


@admin.register(IndexVersion)
class IndexVersionAdmin(ReadOnly, ModelAdmin):
    """The list and the facts of each version, read-only but for `activate`."""

    list_display = ("__str__", "shown_state", "documents", "chunks", "waiting", "failed", "created", "activated")
    list_filter = (("collection", RelatedDropdownFilter), ("state", ChoicesDropdownFilter))
    list_filter_submit = True
    list_select_related = ("collection",)
    list_per_page = 50
    show_full_result_count = False
    actions = ("activate_selected",)
    actions_detail = ("activate",)
    inlines = (SegmentInline,)
    readonly_fields = ("shown_state", "waiting", "failed")
    fieldsets = (
        (None, {"fields": (("collection", "number"), "shown_state", "last_error")}),
        (_("Progress"), {"fields": (("documents", "waiting", "failed"), ("chunks", "encoded_chunks"))}),
        (
            _("Recipe"),
            {
                "fields": (
                    "encoder_name",
                    ("encoder_runtime", "encoder_revision"),
                    "dimension",
                    "encoder_fingerprint",
                    "chunking",
                    "chunking_fingerprint",
                    ("engine", "engine_options"),
                )
            },
        ),
        (
            _("History"),
            {
                "fields": (
                    ("created_at", "created_by"),
                    ("ready_at", "activate_when_ready"),
                    ("activated_at", "retired_at"),
                    ("changed_at", "generation"),
                )
            },
        ),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return IndexVersionList

    def has_activate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return bool(request.user.has_perm("search.change_indexversion"))

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[UnfoldAction]:
        """Offer `activate` only where it can work."""
        actions: list[UnfoldAction] = super().get_actions_detail(request, object_id)
        ready = IndexVersion.objects.filter(pk=object_id, state=IndexVersion.State.READY).exists()
        return actions if ready else []

    @admin.display(description=_("state"), ordering="state")
    def shown_state(self, version: IndexVersion) -> SafeString:
        return choice_label(IndexVersion.State(version.state))

    @admin.display(description=_("created"), ordering="created_at")
    def created(self, version: IndexVersion) -> SafeString:
        return moment(version.created_at)

    @admin.display(description=_("activated"), ordering="activated_at")
    def activated(self, version: IndexVersion) -> SafeString:
        return moment(version.activated_at)

    @admin.display(description=_("waiting"))
    def waiting(self, version: IndexVersion) -> int:
        return _work(version).waiting

    @admin.display(description=_("failed"))
    def failed(self, version: IndexVersion) -> SafeString:
        return failed_label(_work(version).failed, addresses.failed_changes(version))

    @admin.action(description=_("Activate"), permissions=["activate"])
    def activate_selected(self, request: HttpRequest, versions: QuerySet[IndexVersion]) -> None:
        for version in versions:
            self._activate(request, version)

    @action(
        description=_("Activate"),
        url_path="activate",
        permissions=["activate"],
        icon="play_arrow",
        dialog=ask_first(
            _("Make this version live?"),
            _("Every search uses it from its next query on; the version that is live now is retired."),
            _("Activate"),
        ),
    )
    def activate(self, request: HttpRequest, form: object, object_id: str) -> HttpResponse:
        version = get_object_or_404(IndexVersion, pk=object_id)
        self._activate(request, version)
        return leave_dialog(request, redirect(addresses.index_version(version)))

    def _activate(self, request: HttpRequest, version: IndexVersion) -> None:
        """Put a ready version live, and say what happened."""
        if version.state != IndexVersion.State.READY:
            refusal = _("%(version)s is not ready, so it stays as it is: %(state)s.")
            said = refusal % {"version": version, "state": version.get_state_display()}
            self.message_user(request, said, messages.ERROR)
            return
        try:
            lifecycle.activate(version)
        except lifecycle.CannotActivate as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        self.message_user(request, _("%s is live.") % version, messages.SUCCESS)


def _work(version: Any) -> PendingWork:
    """Return what the list has counted for all its rows, or count for the one version of a form."""
    counted: PendingWork | None = getattr(version, "work", None)
    return counted or pending_work([version.pk]).get(version.pk, PendingWork())
