"""POST requests with an Idempotency-Key: done once, and answered alike however often they are sent within a day.

Bulk requests and imports, which may be large and take long, have their own way (`bulk_keys`).
"""

import hashlib
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search.access import keyed_requests
from search.models import ApiToken, KeyedRequest

from .bulk_keys import MAX_KEY_CHARS, idempotency_key, used_otherwise
from .exceptions import Conflict

REPLAYED = "Idempotency-Replayed"
_KEPT_HEADERS = ("Content-Type", "Location", "ETag")
_WAIT_SECONDS = 2.0
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": MAX_KEY_CHARS, "pattern": r"^[!-~]+$"},
    OpenApiParameter.HEADER,
    description="Sent again under the same key within a day, the request is not done again and is answered alike, "
    f"with the header `{REPLAYED}`. What was refused is looked at again.",
)


class _Replay(Exception):
    """Leads from the check of a request to its answer, past the view."""

    def __init__(self, kept: KeyedRequest) -> None:
        self.kept = kept


class Once(APIView):
    """A view whose POST requests may have a key. Comes first among the bases."""

    _claimed: KeyedRequest | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check what every request is checked for; then claim the key, or stop where the answer is known."""
        super().initial(request, *args, **kwargs)
        key = idempotency_key(request) if request.method == "POST" else ""
        if not key or not isinstance(request.user, User) or not self._is_short(request):
            return
        claimed = self._claim(request, request.user, key)
        if claimed.status is not None:
            raise _Replay(claimed)
        self._claimed = claimed

    def handle_exception(self, exc: Exception) -> Response:
        """Answer with what was kept; and whatever else happens, a request that failed has no key."""
        if isinstance(exc, _Replay):
            kept = exc.kept
            headers = {**kept.headers, REPLAYED: "true"}
            return HttpResponse(bytes(kept.body), status=kept.status, headers=headers)  # type: ignore[return-value]
        if self._claimed is not None:
            keyed_requests.give_up(self._claimed)
            self._claimed = None
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Keep the answer once it is written out."""
        final = super().finalize_response(request, response, *args, **kwargs)
        claimed = self._claimed
        if claimed is not None:
            final.add_post_render_callback(lambda rendered: _keep(claimed, rendered))
        return final

    def _is_short(self, request: Request) -> bool:
        """False for a body that the view is going to refuse unread."""
        if "HTTP_TRANSFER_ENCODING" in request.META:
            return False
        most = getattr(self, "max_body_bytes", None)
        return most is None or int(request.META.get("CONTENT_LENGTH") or 0) <= most

    def _claim(self, request: Request, owner: User, key: str) -> KeyedRequest:
        token = request.auth if isinstance(request.auth, ApiToken) else None
        named = f"{request.get_full_path()}\n{request.content_type}\n".encode()
        try:
            digest = hashlib.sha256(named + request._request.body).hexdigest()
            return keyed_requests.claim(owner, key, digest, token)
        except keyed_requests.UsedOtherwise:
            raise used_otherwise(key) from None
        except keyed_requests.InProgress:
            detail = _("A request with the Idempotency-Key %s is being worked on. Send it again in a moment.") % key
            raise Conflict(detail, wait=_WAIT_SECONDS) from None
        except keyed_requests.BrokenOff:
            detail = _(
                "The request with the Idempotency-Key %s was begun and ended without an answer. Look whether it was "
                "done, and choose a new key if you send it again."
            )
            raise Conflict(detail % key) from None
        except keyed_requests.RightsChanged:
            detail = _(
                "The request with the Idempotency-Key %s has been done, and your rights have changed since; its answer "
                "is not repeated. Look whether all is as you want it."
            )
            raise Conflict(detail % key) from None


def _keep(claimed: KeyedRequest, rendered: Response) -> None:
    """Keep a success; forget a refusal."""
    if rendered.status_code >= 400:
        keyed_requests.give_up(claimed)
        return
    headers = {name: rendered.headers[name] for name in _KEPT_HEADERS if name in rendered.headers}
    keyed_requests.keep(claimed, rendered.status_code, headers, rendered.content)
