"""What every page for people has in common: who may open it, and what browsers and caches may do with it.

Never decides about a document: that is `Document.objects.visible_to`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from search.conf import conf


class PageRequest(HttpRequest):
    """A request that has passed `HtmxMiddleware`."""

    htmx: HtmxDetails


P = ParamSpec("P")


def page(
    view: Callable[Concatenate[PageRequest, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Make `view` a page: GET and HEAD only, private, and behind the login where search is not public."""

    @require_safe
    @vary_on_headers("Cookie", "HX-Request")
    @cache_control(private=True, no_cache=True)
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        page_request = cast(PageRequest, request)
        if not conf().PUBLIC_SEARCH and not page_request.user.is_authenticated:
            return _to_login(page_request)
        return view(page_request, *args, **kwargs)

    return guarded


def came_from(request: PageRequest) -> str:
    """Return path and query of the page that htmx asks for, or "" when it did not ask or does not say."""
    try:
        return request.htmx.current_url_abs_path or ""
    except ValueError:  # the header is the visitor's; it need not be an address
        return ""


def wants_part(request: PageRequest) -> bool:
    """True when htmx will put the answer into a page that is already there."""
    return bool(request.htmx) and not request.htmx.history_restore_request


def _to_login(request: PageRequest) -> HttpResponseBase:
    """A script cannot show a login page in the middle of another page: tell htmx to leave it instead."""
    back_to = came_from(request) or request.get_full_path()
    redirect = redirect_to_login(back_to, login_url=reverse("admin:login"))
    return HttpResponseClientRedirect(redirect.url) if request.htmx else redirect
