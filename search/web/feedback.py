"""What visitors say by opening a result or by a thumb. Each request makes one call; no visitor is noted.

The signed id of the search stands in for a CSRF token: only who was given that answer can know it.
"""

from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from search.analytics import recording
from search.conf import conf
from search.models import Document, SearchReaction


@csrf_exempt
@require_POST
def feedback(request: HttpRequest) -> HttpResponse:
    """Note a reaction: `query_id`, `document` and `kind`. A script gets no page; a form gets the way back."""
    if not conf().PUBLIC_SEARCH and not request.user.is_authenticated:
        return HttpResponseForbidden()
    sent = request.POST
    kind, number = sent.get("kind", ""), sent.get("document", "")
    if kind not in SearchReaction.Kind.values or not (number.isascii() and number.isdecimal() and len(number) < 19):
        return HttpResponse(status=400)
    try:
        recording.react(sent.get("query_id", ""), int(number), kind, user=request.user)
        noted = True
    except (recording.UnknownSearch, Document.DoesNotExist):
        noted = False
    if "HX-Request" in request.headers:
        return render(request, "search/_thanked.html", {"noted": noted, "kind": kind})
    if kind == SearchReaction.Kind.CLICK:
        return HttpResponse(status=204 if noted else 404)
    return render(request, "search/thanked.html", {"noted": noted, "kind": kind, "back": _back(request)})


def _back(request: HttpRequest) -> str:
    """Return the page that the form stood on, if it is one of ours."""
    came_from = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure())
    return came_from if ours else reverse("web:search")
