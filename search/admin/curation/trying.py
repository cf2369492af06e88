"""The panel below a form that shows what its entry, as it stands there, would do to a query. Saves and logs nothing."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from search import query_service
from search.admin.curation import ranking_changes
from search.admin.curation.ranking_changes import RankingChange
from search.evaluation.trials import Trial


@dataclass(frozen=True, slots=True)
class Tried:
    """A query answered with and without an entry."""

    query: str
    change: RankingChange
    said: str = ""


class Trying(ModelAdmin):
    """Mixed into the admin of what changes rankings; the subclass says how to ask with it and without (`try_out`)."""

    change_form_outer_after_template = "admin/search/try_out.html"

    class Media:
        css = {"all": ["search/admin/curation.css"]}

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.try_out_view)
        name = f"search_{self.opts.model_name}_try"
        return [
            path("try/", view, name=f"{name}_new"),
            path("<int:pk>/try/", view, name=name),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, obj: Any = None, **kwargs: Any
    ) -> HttpResponse:
        name = f"admin:search_{self.opts.model_name}_try"
        url = reverse(f"{name}_new") if obj is None else reverse(name, args=[obj.pk])
        answer: HttpResponse = super().render_change_form(
            request, {**context, "try_url": url}, *args, obj=obj, **kwargs
        )
        return answer

    def try_out(self, request: HttpRequest, entry: Any, query: str) -> Tried:
        """Return what the entry would do; an empty query means the one that suits the entry best."""
        raise NotImplementedError

    def try_out_view(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """Return the piece of the page with the two rankings, or with what is wrong in the form."""
        saved = self.get_object(request, str(pk)) if pk is not None else None
        if pk is not None and saved is None:
            raise Http404
        allowed = self.has_add_permission(request) if saved is None else self.has_view_permission(request, saved)
        if not allowed:
            raise PermissionDenied
        entry, wrong = self._entry(request, saved)
        context: dict[str, Any] = {"wrong": wrong}
        if entry is not None:
            try:
                context["tried"] = self.try_out(request, entry, request.POST.get("try_query", "").strip())
            except (query_service.InvalidQuery, query_service.NotReady) as error:
                context["wrong"] = [str(error)]
        return render(request, "admin/search/try_out_answer.html", context)

    def tried(self, trial: Trial, *, said: str = "") -> Tried:
        """Return what a trial found, as the panel shows it."""
        return Tried(trial.query, ranking_changes.between(trial.before, trial.after), said)

    def _entry(self, request: HttpRequest, saved: Any) -> tuple[Any, list[str]]:
        """Return the entry as it stands in the form, unsaved, or what is wrong; the saved one for those who look."""
        if saved is not None and not self.has_change_permission(request, saved):
            return saved, []
        form = self.get_form(request, saved, change=saved is not None)(request.POST, instance=saved)
        if form.is_valid():
            return form.save(commit=False), []
        named = [
            (str(form.fields[name].label) + ": " if name in form.fields else "") + " ".join(map(str, errors))
            for name, errors in form.errors.items()
        ]
        return None, named or [_("The form is not complete.")]
