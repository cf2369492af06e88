"""The judging page: one query, the best of several systems in an order that betrays none of them, four keys.

Every judgment is stored at once. Works with plain buttons; the script adds the keys.
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseNotAllowed, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from search.admin import addresses
from search.admin.imports.import_pages import person
from search.evaluation import pooling
from search.ingestion import judgments
from search.models import EvaluationQuery, EvaluationQuerySet, Judgment
from search.query_service import NotReady

GRADES = ((0, _("Not relevant")), (1, _("Somewhat")), (2, _("Relevant")), (3, _("Exactly this")))


class Judging(ModelAdmin):
    """Mixed into the admin of query sets: the page on which their queries are judged."""

    def get_urls(self) -> list[URLPattern]:
        def view(method: Any) -> Any:
            return self.admin_site.admin_view(method)

        return [
            path("<int:pk>/judge/", view(self.next_view), name="search_evaluationqueryset_unjudged"),
            path("judge/<int:pk>/", view(self.judge_view), name="search_evaluationquery_judge"),
            path("judge/<int:pk>/grade/", view(self.grade_view), name="search_evaluationquery_grade"),
            *super().get_urls(),
        ]

    def next_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Go to the next query of a set of which nothing is judged yet, or else to its first."""
        _check(request)
        query_set = get_object_or_404(EvaluationQuerySet, pk=pk)
        after = request.GET.get("after", "")
        query = pooling.next_to_judge(query_set, after=int(after) if after.isdecimal() and len(after) < 19 else 0)
        query = query or query_set.queries.order_by("pk").first()
        if query is None:
            self.message_user(request, _("There is no query yet; write some below."))
            return redirect(addresses.query_set(query_set))
        return redirect(addresses.judging(query))

    def judge_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show one query with what there is to judge."""
        _check(request)
        query = get_object_or_404(EvaluationQuery.objects.select_related("query_set__collection"), pk=pk)
        queries = query.query_set.queries
        problem, pooled = "", []
        try:
            pooled = pooling.pool(query, user=person(request))
        except NotReady as error:
            problem = str(error)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Judge answers"),
            "query": query,
            "collection": query.query_set.collection,
            "pooled": pooled,
            "problem": problem,
            "grades": GRADES,
            "place": queries.filter(pk__lte=query.pk).count(),
            "count": queries.count(),
            "done": queries.filter(judgments__isnull=False).distinct().count(),
            "left": sum(document.grade is None for document in pooled),
            "previous": queries.filter(pk__lt=query.pk).order_by("-pk").first(),
            "following": queries.filter(pk__gt=query.pk).order_by("pk").first(),
        }
        return TemplateResponse(request, "admin/search/evaluation/judge.html", context)

    def grade_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Store one judgment; an empty grade takes it back."""
        _check(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        query = get_object_or_404(EvaluationQuery, pk=pk)
        external_id, grade = request.POST.get("document", ""), request.POST.get("grade", "")
        if not external_id:
            raise Http404
        if grade not in {"", *(str(number) for number, _name in GRADES)}:
            return HttpResponseBadRequest(_("A grade is 0, 1, 2 or 3."))
        if grade:
            judgments.judge(query, external_id, int(grade), by=person(request), source=Judgment.Source.HAND)
        else:
            judgments.forget(query, external_id)
        if request.headers.get("Accept") == "application/json":
            return JsonResponse({"document": external_id, "grade": grade})
        return redirect(f"{addresses.judging(query)}#d{request.POST.get('place', '')}")


def _check(request: HttpRequest) -> None:
    if not request.user.has_perms(["search.view_evaluationqueryset", "search.add_judgment"]):
        raise PermissionDenied
