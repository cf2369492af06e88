"""The files that settings make: the stylesheet of the accent, and a logo from the disk. Open to everybody.

Each has the hash of its content in its address, so that browsers may keep it for ever. An old address leads to
what holds now, for pages that were made before a change.
"""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from search import branding

_FOR_EVER = "public, max-age=31536000, immutable"
_NO_SCRIPTS = "default-src 'none'; style-src 'unsafe-inline'; sandbox"  # what a picture of vectors may do when opened


@require_safe
def theme(request: HttpRequest, digest: str) -> HttpResponseBase:
    """The stylesheet with the site's accent."""
    current = branding.theme()
    if current is None:
        raise Http404(_("This site has no colour of its own."))
    if digest != current.digest:
        return redirect("web:theme", current.digest)
    return HttpResponse(current.css, content_type="text/css; charset=utf-8", headers={"Cache-Control": _FOR_EVER})


@require_safe
def logo(request: HttpRequest, digest: str, suffix: str) -> HttpResponseBase:
    """The site's logo."""
    file = branding.logo_file()
    if file is None:
        raise Http404(_("This site has no logo of its own."))
    if digest != file.digest:
        return redirect("web:logo", file.digest, file.path.suffix.lstrip(".").lower())
    headers = {"Cache-Control": _FOR_EVER, "Content-Security-Policy": _NO_SCRIPTS}
    return FileResponse(file.path.open("rb"), content_type=file.content_type, headers=headers)
