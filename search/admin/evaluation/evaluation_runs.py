"""Evaluation runs: starting one, watching it, what it measured, and two of them side by side."""

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from search import tasks
from search.admin import addresses
from search.admin.figures import NOTHING
from search.admin.imports.import_pages import person
from search.admin.labels import choice_label, moment
from search.admin.read_only import ReadOnly
from search.evaluation import comparison, metrics, runner
from search.models import EvaluationQuerySet, EvaluationRun

_SHOWN_QUERIES = 200
_OTHER_RUNS = 50


class RunForm(forms.Form):
    """What is to be measured."""

    mode = forms.ChoiceField(label=_("Mode"), choices=EvaluationRun.Mode.choices, widget=UnfoldAdminSelectWidget)
    options = forms.JSONField(
        label=_("Retrieval options"), required=False, widget=UnfoldAdminTextInputWidget,
        help_text=_('Over those of the collection, for example {"dense_weight": 0.7}. Empty: as people search.'),
    )  # fmt: skip
    label = forms.CharField(label=_("Label"), required=False, max_length=200, widget=UnfoldAdminTextInputWidget)


@admin.register(EvaluationRun)
class EvaluationRunAdmin(ReadOnly, ModelAdmin):
    """The list of runs, the page of one, the form that starts one, the comparison of two."""

    list_display = ("shown_name", "query_set", "shown_version", "mode", "ndcg", "recall", "shown_state", "started")
    list_display_links = ("shown_name",)
    list_filter = (("query_set", RelatedDropdownFilter), ("state", ChoicesDropdownFilter))
    list_select_related = ("query_set__collection",)
    show_full_result_count = False
    change_form_before_template = "admin/search/evaluation/run.html"
    actions_detail = ("cancel",)
    fields = ("query_set", "shown_version", "mode", "options", "k", "created_by", "created_at", "finished_at")
    readonly_fields = ("shown_version",)

    class Media:
        css = {"all": ["search/admin/evaluation.css"]}

    def get_urls(self) -> list[URLPattern]:
        def view(method: Any) -> Any:
            return self.admin_site.admin_view(method)

        return [
            path("new/<int:pk>/", view(self.new_view), name="search_evaluationrun_new"),
            path("compare/", view(self.compare_view), name="search_evaluationrun_compare"),
            *super().get_urls(),
        ]

    def new_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask what is to be measured, and queue it."""
        if not request.user.has_perm("search.add_evaluationrun"):
            raise PermissionDenied
        query_set = get_object_or_404(EvaluationQuerySet, pk=pk)
        form = RunForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            values = form.cleaned_data
            options = values["options"] or {}
            try:
                if not isinstance(options, dict):
                    raise runner.BadRun(_("%s is not a JSON object.") % json.dumps(options))
                run = tasks.start_evaluation(
                    query_set, mode=values["mode"], options=options, label=values["label"], by=person(request)
                )
                return redirect(addresses.run(run))
            except runner.BadRun as error:
                form.add_error(None, str(error))
        context = {"opts": self.opts, "title": _("Measure"), "form": form, "query_set": query_set}
        return TemplateResponse(
            request, "admin/search/evaluation/new_run.html", {**self.admin_site.each_context(request), **context}
        )

    def compare_view(self, request: HttpRequest) -> HttpResponse:
        """Show two runs of one set side by side."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        runs = EvaluationRun.objects.finished().select_related("query_set__collection")
        first, second = (runs.filter(pk=_number(request.GET.get(name, ""))).first() for name in ("first", "second"))
        if first is None or second is None or first.query_set_id != second.query_set_id:
            raise Http404(_("Choose two finished runs of one query set."))
        compared = comparison.compare(first, second)
        changed = [query for query in compared.queries if query.change]
        context = {
            "opts": self.opts,
            "title": _("Two runs side by side"),
            "first": first,
            "second": second,
            "compared": compared,
            "worst": [query for query in changed if query.change < 0][:_SHOWN_QUERIES],
            "best": [query for query in reversed(changed) if query.change > 0][:_SHOWN_QUERIES],
            "labels": LABELS,
        }
        return TemplateResponse(
            request, "admin/search/evaluation/comparison.html", {**self.admin_site.each_context(request), **context}
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        run = EvaluationRun.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        context: dict[str, Any] = {}
        if run is not None:
            others = EvaluationRun.objects.finished().filter(query_set=run.query_set_id).exclude(pk=run.pk)
            rows = [(LABELS.get(name, name), value) for name, value in run.metrics.items() if "mean" in value]
            took = run.metrics.get(runner.TOOK, {})
            context = {"run": run, "rows": rows, "took": took, "others": others.order_by("-pk")[:_OTHER_RUNS]}
        page: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})
        return page

    def has_cancel_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("search.change_evaluationrun"))

    @action(description=_("Stop"), url_path="stop", icon="stop_circle", permissions=["cancel"])
    def cancel(self, request: HttpRequest, object_id: int) -> HttpResponse:
        run = get_object_or_404(EvaluationRun, pk=object_id)
        runner.cancel(run)
        self.message_user(request, _("The run is stopped, unless it had ended before."), messages.INFO)
        return redirect(addresses.run(run))

    @admin.display(description=_("run"))
    def shown_name(self, run: EvaluationRun) -> str:
        return f"#{run.pk} {run.label}".strip()

    @admin.display(description=_("index version"))
    def shown_version(self, run: EvaluationRun) -> str:
        return NOTHING if run.version_number is None else f"v{run.version_number}"

    @admin.display(description=_("nDCG@10"))
    def ndcg(self, run: EvaluationRun) -> str:
        found = run.metrics.get(metrics.NDCG)
        return f"{found['mean']:.3f} ({found['low']:.3f}–{found['high']:.3f})" if found else NOTHING

    @admin.display(description=_("recall"))
    def recall(self, run: EvaluationRun) -> str:
        found = next((value for name, value in run.metrics.items() if name.startswith("recall")), None)
        return f"{found['mean']:.3f}" if found else NOTHING

    @admin.display(description=_("state"), ordering="state")
    def shown_state(self, run: EvaluationRun) -> SafeString:
        return choice_label(EvaluationRun.State(run.state))

    @admin.display(description=_("started"), ordering="started_at")
    def started(self, run: EvaluationRun) -> SafeString | str:
        return moment(run.started_at) if run.started_at else NOTHING


LABELS = {metrics.NDCG: "nDCG@10", runner.GOOD_MATCH: _("called a good match")}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
