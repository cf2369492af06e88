"""Errors that no view answers: problem details below /api/, the page's own templates everywhere else."""

from django.http import HttpRequest, HttpResponseBadRequest, HttpResponseBase, HttpResponseServerError
from django.template import loader
from django.utils.html import format_html
from django.utils.translation import gettext as _

from search.api.problems import Problem, problem_response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """400, for example a Host that is not allowed."""
    if request.path.startswith("/api/"):
        return problem_response(request, Problem(400, "bad-request", _("The server does not accept this request.")))
    return HttpResponseBadRequest(_page("400.html", request))


def server_error(request: HttpRequest) -> HttpResponseBase:
    """500 from outside of any view; the exception has been logged."""
    if request.path.startswith("/api/"):
        problem = Problem(500, "internal-error", _("Something went wrong here. It has been logged."))
        return problem_response(request, problem)
    return HttpResponseServerError(_page("500.html", request))


def _page(template: str, request: HttpRequest) -> str:
    """Return a page that needs nothing of the request but its id: whatever failed, this does not.

    Where the static files have not been collected, the page does without them; the log says that they are missing.
    """
    request_id = getattr(request, "request_id", "")
    try:
        return loader.render_to_string(template, {"request_id": request_id})
    except ValueError:  # the manifest of the static files does not know the style sheet
        said = _("Something went wrong on the server.")
        return format_html("<!doctype html><meta charset=utf-8><title>{}</title><h1>{}</h1><p>{}</p>", said, said,
                           request_id)  # fmt: skip
