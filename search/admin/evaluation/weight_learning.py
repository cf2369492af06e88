"""Learns a collection's weight of meaning from a set's judgments, says what it is worth, applies it when told."""

from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action

from search.admin import addresses
from search.evaluation import weights
from search.evaluation.learning import CannotLearn, LearnedWeight, learn_dense_weight
from search.models import EvaluationQuerySet

_SALT = "search.admin.evaluation.weight_learning"


class WeightLearning(ModelAdmin):
    """Mixed into the admin of query sets."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.learn_view)
        return [path("<int:pk>/learn/", view, name="search_evaluationqueryset_learning"), *super().get_urls()]

    def has_learn_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return bool(request.user.has_perm("search.change_collection"))

    @action(description=_("Learn the weight"), url_path="to-learning", icon="tune", permissions=["learn"])
    def learn(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect(addresses.learning(object_id))

    def learn_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Explain, measure when told to, apply when told to; what is applied is what was shown."""
        if not self.has_learn_permission(request):
            raise PermissionDenied
        query_set = get_object_or_404(EvaluationQuerySet.objects.select_related("collection"), pk=pk)
        learned: LearnedWeight | None = None
        problem = ""
        if request.method == "POST" and "apply" in request.POST:
            return self._apply(request, query_set)
        if request.method == "POST":
            try:
                learned = learn_dense_weight(query_set)
            except CannotLearn as error:
                problem = str(error)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Learn the weight of meaning"),
            "query_set": query_set,
            "learned": learned,
            "problem": problem,
            "offer": signing.dumps([pk, learned.value], salt=_SALT) if learned else "",
        }
        return TemplateResponse(request, "admin/search/evaluation/learning.html", context)

    def _apply(self, request: HttpRequest, query_set: EvaluationQuerySet) -> HttpResponse:
        try:
            pk, value = signing.loads(request.POST["apply"], salt=_SALT, max_age=3_600)
        except signing.BadSignature:
            pk, value = 0, 0.0
        if pk != query_set.pk:
            self.message_user(request, _("That was measured too long ago. Measure again."), messages.ERROR)
            return redirect(addresses.learning(query_set.pk))
        weights.use(query_set.collection, value)
        text = _("%(collection)s ranks with a weight of %(value)s from now on.")
        self.message_user(request, text % {"collection": query_set.collection, "value": f"{value:g}"}, messages.SUCCESS)
        return redirect(addresses.query_set(query_set))
