"""Signs what a request changes in documents: by the admin or the API, by whom, with which token."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from search.authorship import PROGRAM, Author, written_by

_WAYS = ("admin", "api")
_DETAIL_CHARS = 200


class AuthorMiddleware:
    """Comes after the one that knows the user; whoever a token stands for is known only when something is written."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with written_by(lambda: author_of(request)):
            return self.get_response(request)


def author_of(request: HttpRequest) -> Author:
    """Return who a request's changes are by. The API's framework puts its user and token where Django's are."""
    match = request.resolver_match
    way = match.namespaces[0] if match and match.namespaces else ""
    user, token = getattr(request, "user", None), getattr(request, "auth", None)
    detail: Any = getattr(token, "name", "")
    user_id = user.pk if user is not None and user.is_authenticated else None
    return Author(way if way in _WAYS else PROGRAM, user_id, str(detail)[:_DETAIL_CHARS])
