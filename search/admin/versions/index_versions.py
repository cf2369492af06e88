"""Index versions: facts that nobody edits, and the decisions that are left to people (version_actions.py)."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.views import ChangeList

from search.admin import addresses, figures
from search.admin.labels import choice_label, failed_label, moment, short, version_bar, version_label
from search.admin.read_only import ReadOnly
from search.admin.versions.running_builds import running_builds
from search.admin.versions.version_actions import VersionActions
from search.admin.versions.version_comparison import options
from search.admin.versions.version_panel import version_panel
from search.indexing.version_progress import VersionProgress, version_progress, version_progresses
from search.models import IndexVersion, Segment

_HASH_CHARS = 12


class SegmentInline(ReadOnly, TabularInline):
    """The files that a version's dense part consists of, as the database knows them."""

    model = Segment
    fields = ("shown_state", "index_type", "parameter_list", "rows", "recall", "size", "hash", "created")
    readonly_fields = fields
    extra = 0
    hide_title = True

    @admin.display(description=_("state"))
    def shown_state(self, segment: Segment) -> SafeString:
        return choice_label(Segment.State(segment.state))

    @admin.display(description=_("search parameters"))
    def parameter_list(self, segment: Segment) -> str:
        return options(segment.parameters) if segment.parameters else figures.NOTHING

    @admin.display(description=_("recall@10"))
    def recall(self, segment: Segment) -> str:
        return figures.recall(segment.measured.get("recall"))

    @admin.display(description=_("size"))
    def size(self, segment: Segment) -> str:
        return figures.size(segment.size_bytes)

    @admin.display(description=_("SHA-256"))
    def hash(self, segment: Segment) -> SafeString:
        return short(segment.sha256, _HASH_CHARS)

    @admin.display(description=_("created"))
    def created(self, segment: Segment) -> SafeString:
        return moment(segment.created_at)


class IndexVersionList(ChangeList):
    """One page of versions, with the progress of each in a fixed number of queries."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        progresses = version_progresses(self.result_list)
        for version in self.result_list:
            version.progress = progresses[version.pk]


@admin.register(IndexVersion)
class IndexVersionAdmin(ReadOnly, VersionActions):
    """The list and the page of each version, read-only but for its buttons."""

    list_display = (
        "__str__", "shown_state", "shown_recall", "median", "shown_chunks", "disk", "progress", "failed", "created",
    )  # fmt: skip
    list_filter = (("collection", RelatedDropdownFilter), ("state", ChoicesDropdownFilter))
    list_filter_submit = True
    list_select_related = ("collection",)
    list_per_page = 50
    show_full_result_count = False
    actions = ()
    actions_detail_hide_default = True  # Django's own history: nobody edits a version, so it is always empty
    inlines = (SegmentInline,)
    fieldsets = (
        (
            _("Recipe"),
            {
                "classes": ("collapse",),
                "fields": (
                    "encoder_name",
                    ("encoder_runtime", "encoder_revision"),
                    ("dimension", "encoder_fingerprint"),
                    ("chunking", "chunking_fingerprint"),
                    ("engine", "engine_options"),
                ),
            },
        ),
        (
            _("Dates and counts"),
            {
                "classes": ("collapse",),
                "fields": (
                    ("created_at", "created_by"),
                    ("ready_at", "activate_when_ready"),
                    ("activated_at", "retired_at"),
                    ("changed_at", "generation"),
                    ("documents", "encoded_chunks"),
                    ("checked_at", "drift"),
                ),
            },
        ),
    )
    change_form_before_template = "admin/search/version_panel.html"
    change_form_after_template = "admin/search/version_history.html"

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return IndexVersionList

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("running/", view(self.running_view), name="search_indexversion_running"),
            path("<int:pk>/progress/", view(self.progress_view), name="search_indexversion_progress"),
        ]
        return [*own, *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: IndexVersion | None = None, **kwargs: Any
    ) -> HttpResponse:
        panel = version_panel(obj) if obj is not None else None
        answer: HttpResponse = super().render_change_form(
            request, {**context, "panel": panel}, *args, obj=obj, **kwargs
        )
        return answer

    def progress_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return the piece of the page that moves; the whole page anew once anything else on it has changed."""
        self._check_may_view(request)
        version = get_object_or_404(IndexVersion, pk=pk)
        if request.GET.get("seen") != addresses.seen(version):
            return HttpResponse(headers={"HX-Refresh": "true"})
        context = {"progress": version_progress(version), "progress_url": addresses.version_progress(version)}
        return render(request, "admin/search/version_progress.html", context)

    def running_view(self, request: HttpRequest) -> HttpResponse:
        """Return the piece of the first page that shows what is being built."""
        self._check_may_view(request)
        return render(request, "admin/search/running_builds.html", {"running": running_builds()})

    @admin.display(description=_("state"), ordering="state")
    def shown_state(self, version: IndexVersion) -> SafeString:
        return version_label(version)

    @admin.display(description=_("recall@10"), ordering="recall")
    def shown_recall(self, version: IndexVersion) -> str:
        return figures.recall(version.recall)

    @admin.display(description=_("median query"), ordering="median_us")
    def median(self, version: IndexVersion) -> str:
        return figures.microseconds(version.median_us)

    @admin.display(description=_("chunks"), ordering="chunks")
    def shown_chunks(self, version: IndexVersion) -> str:
        return figures.whole(version.chunks)

    @admin.display(description=_("disk"), ordering="disk_bytes")
    def disk(self, version: IndexVersion) -> str:
        return figures.size(version.disk_bytes)

    @admin.display(description=_("progress"))
    def progress(self, version: IndexVersion) -> SafeString:
        return version_bar(_progress(version))

    @admin.display(description=_("failed"))
    def failed(self, version: IndexVersion) -> SafeString:
        return failed_label(_progress(version).failed, addresses.failed_changes(version))

    @admin.display(description=_("created"), ordering="created_at")
    def created(self, version: IndexVersion) -> SafeString:
        return moment(version.created_at)

    def _check_may_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied


def _progress(version: Any) -> VersionProgress:
    """Return what the list has counted for all its rows."""
    counted: VersionProgress = version.progress
    return counted
