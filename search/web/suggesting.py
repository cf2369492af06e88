"""The list below the search field while somebody types. Makes one call and renders what it returns."""

from django.http import HttpResponse
from django.shortcuts import render

from search import query_service
from search.retrieval.suggestions import Suggestion, suggestions

from .access import PageRequest, page
from .asking import Asked

_MOST_CHARS = 200


@page
def suggest(request: PageRequest) -> HttpResponse:
    """Titles and past queries for `q`; an empty list where nothing can be suggested, for nobody has asked yet."""
    asked = Asked.from_parameters(request.GET)
    typed = request.GET.get("q", "")[:_MOST_CHARS]
    return render(request, "search/_suggestions.html", {"suggestions": _found(asked, typed, request), "asked": asked})


def _found(asked: Asked, typed: str, request: PageRequest) -> tuple[Suggestion, ...]:
    try:
        return suggestions(query_service.active_version(asked.collection), typed, user=request.user)
    except (query_service.UnknownCollection, query_service.NotReady):
        return ()
