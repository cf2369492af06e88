"""The language of visitors' pages: the browser's, or what the switch says, which a cookie keeps. No address changes.

Admin and API speak the installation's language: only visitors' pages are translated as a whole.

Takes no CSRF token, so that no page needs a cookie for showing it: all that somebody else could do with it is to
change the language, and the same press of a button changes it back.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from .content_policy import elsewhere


class VisitorsLanguageMiddleware(LocaleMiddleware):
    """Chooses the language of a visitor's page as Django does."""

    def process_request(self, request: HttpRequest) -> None:
        """Activate the visitor's language, or the installation's own where the page is of the admin or the API."""
        if request.path.startswith(elsewhere()):
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = translation.get_language()
        else:
            super().process_request(request)


@csrf_exempt
@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """Keep `language` for this browser and go to `next`, which must be one of our pages."""
    response = redirect(_next(request))
    chosen = request.POST.get("language", "")
    if chosen in dict(settings.LANGUAGES) and check_for_language(chosen):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            chosen,
            max_age=settings.LANGUAGE_COOKIE_AGE or 365 * 24 * 3600,
            path=settings.LANGUAGE_COOKIE_PATH,
            domain=settings.LANGUAGE_COOKIE_DOMAIN,
            secure=request.is_secure(),
            httponly=True,
            samesite="Lax",
        )
    return response


def _next(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if ours else reverse("web:search")
