"""Query sets: what people ask, what would be good answers, and how good the answers were, run after run.

Judging has its own page (judging.py), runs and their comparison theirs (evaluation_runs.py). Measures nothing itself.
"""

import tempfile
from pathlib import Path
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import action
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget

from search.admin import addresses
from search.admin.evaluation.evaluation_charts import history_of
from search.admin.evaluation.judging import Judging
from search.admin.evaluation.weight_learning import WeightLearning
from search.admin.figures import NOTHING
from search.admin.imports.import_pages import person
from search.evaluation import query_sets
from search.evaluation.datasets import BadDataset
from search.evaluation.metrics import NDCG
from search.evaluation.uploaded_queries import read_uploaded
from search.ingestion import judgments
from search.ingestion.judgments import BadJudgments, JudgedQuery
from search.models import EvaluationQuerySet, EvaluationRun

_ID_CHARS = 500
_SHOWN_QUERIES = 500
_MOST_FILE_BYTES = 50 << 20


class QuerySetForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    """A set's facts, and two ways to fill it: queries as lines, or files with judgments."""

    new_queries = forms.CharField(
        label=_("More queries"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}),
        help_text=_("One on each line, as people would type them."),
    )
    file = forms.FileField(
        label=_("Queries from a file"),
        required=False,
        widget=UnfoldAdminFileFieldWidget(),
        help_text=_(
            "A CSV with the columns query, external_id (the document's) and grade (0 to 3); a BEIR data set as ZIP; or "
            "TREC topics or BEIR's queries.jsonl, with their qrels below."
        ),
    )
    qrels = forms.FileField(
        label=_("Qrels"),
        required=False,
        widget=UnfoldAdminFileFieldWidget(),
        help_text=_("Judgments of topics or of a queries.jsonl: query, iteration, document, grade on each line."),
    )

    class Meta:
        model = EvaluationQuerySet
        fields = ("collection", "name", "description", "guards_gate")
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 2})}

    def clean_file(self) -> Any:
        return _not_too_large(self.cleaned_data["file"])

    def clean_qrels(self) -> Any:
        return _not_too_large(self.cleaned_data["qrels"])

    def clean(self) -> dict[str, Any]:
        """Read the files, once both are there; what cannot be read is said at the first."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        file, qrels = values.get("file"), values.get("qrels")
        values["judged"] = []
        if qrels and not file and "file" not in self.errors:
            self.add_error("file", _("Qrels name queries by their ids; choose the file with the queries, too."))
        elif file and not self.errors:
            try:
                values["judged"] = _read(file, qrels)
            except BadDataset as error:
                self.add_error("file", str(error))
        return values

    def clean_new_queries(self) -> list[JudgedQuery]:
        """Return each line once."""
        lines = dict.fromkeys(" ".join(line.split()) for line in self.cleaned_data["new_queries"].splitlines())
        return [JudgedQuery(line[:_ID_CHARS], line, {}) for line in lines if line]


@admin.register(EvaluationQuerySet)
class QuerySetAdmin(Judging, WeightLearning, ModelAdmin):
    """The list with each set's last result; the form; judging; the button that measures."""

    form = QuerySetForm
    list_display = ("name", "collection", "shown_queries", "shown_judged", "last_ndcg", "guards_gate")
    list_filter = (("collection", RelatedDropdownFilter),)
    list_select_related = ("collection",)
    search_fields = ("name",)
    show_full_result_count = False
    actions_detail = ("judge", "measure", "runs", "learn")
    change_form_after_template = "admin/search/evaluation/query_set.html"
    fields = ("collection", "name", "description", "guards_gate", "new_queries", "file", "qrels")

    class Media:
        css = {"all": ["search/admin/evaluation.css"]}

    def get_queryset(self, request: HttpRequest) -> QuerySet[EvaluationQuerySet]:
        sets: QuerySet[EvaluationQuerySet] = super().get_queryset(request)
        runs = EvaluationRun.objects.finished().filter(query_set=OuterRef("pk")).order_by("-pk")
        judged = Count("queries", filter=Q(queries__judgments__isnull=False), distinct=True)
        return sets.annotate(
            queries_=Count("queries", distinct=True), judged_=judged, metrics_=Subquery(runs.values("metrics")[:1])
        )

    def get_readonly_fields(self, request: HttpRequest, obj: EvaluationQuerySet | None = None) -> tuple[str, ...]:
        return ("collection",) if obj is not None else ()

    def save_model(self, request: HttpRequest, obj: EvaluationQuerySet, form: QuerySetForm, change: bool) -> None:
        """Save the set and what came with it. The set that guards the gate takes that over from another."""
        if not change:
            obj.created_by = person(request)
        query_sets.take_over_gate(obj)
        super().save_model(request, obj, form, change)
        known = set(obj.queries.values_list("text", flat=True))
        new = [query for query in form.cleaned_data.get("new_queries") or [] if query.text not in known]
        try:
            stored = judgments.store(obj, [*new, *form.cleaned_data["judged"]], by=person(request))
        except BadJudgments as error:
            self.message_user(request, str(error), messages.ERROR)
            return
        if stored.queries:
            text = ngettext("%d query is stored.", "%d queries are stored.", stored.queries) % stored.queries
            self.message_user(request, text, messages.SUCCESS)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = EvaluationQuerySet.objects.filter(pk=object_id).first() if object_id.isdecimal() else None
        context: dict[str, Any] = {}
        if found is not None:
            queries = found.queries.with_counts().order_by("pk")
            context = {"query_set": found, "queries": queries[:_SHOWN_QUERIES], "history": history_of(found)}
        page: HttpResponse = super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})
        return page

    def has_judge_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("search.add_judgment"))

    def has_measure_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("search.add_evaluationrun"))

    @action(description=_("Judge"), url_path="to-judging", icon="thumbs_up_down", permissions=["judge"])
    def judge(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect(addresses.judging_of_set(object_id))

    @action(description=_("Measure"), url_path="to-measuring", icon="straighten", permissions=["measure"])
    def measure(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect(addresses.new_run(object_id))

    @action(description=_("Runs"), url_path="to-runs", icon="monitoring")
    def runs(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect(addresses.runs(object_id))

    @admin.display(description=_("queries"), ordering="queries_")
    def shown_queries(self, query_set: Any) -> str:
        return f"{query_set.queries_:,}"

    @admin.display(description=_("judged"), ordering="judged_")
    def shown_judged(self, query_set: Any) -> str:
        return f"{query_set.judged_:,}"

    @admin.display(description=_("last nDCG@10"))
    def last_ndcg(self, query_set: Any) -> SafeString:
        found = (query_set.metrics_ or {}).get(NDCG)
        return format_html("{}", f"{found['mean']:.3f}" if found else NOTHING)


def _not_too_large(upload: "UploadedFile[Any] | None") -> "UploadedFile[Any] | None":
    if upload and (upload.size or 0) > _MOST_FILE_BYTES:
        raise forms.ValidationError(_("The file is larger than 50 MB; use the command evaluate_search for it."))
    return upload


def _read(file: "UploadedFile[Any]", qrels: "UploadedFile[Any] | None") -> list[JudgedQuery]:
    """Return the judged queries of an upload. Raises BadDataset, with the files' own names."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("queries.upload", "qrels.upload")]
        uploads = [upload for upload in (file, qrels) if upload]
        for path, upload in zip(paths, uploads, strict=False):
            with path.open("wb") as copy:
                copy.writelines(upload.chunks())
        try:
            return read_uploaded(paths[0], paths[1] if qrels else None)
        except BadDataset as error:
            text = str(error)
            for path, upload in zip(paths, uploads, strict=False):
                text = text.replace(str(path), upload.name or "").replace(path.name, upload.name or "")
            raise BadDataset(text) from error
