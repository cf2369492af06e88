"""ETag and If-Match of documents: a write over a change that its sender has not seen is refused, and nothing is lost.

There is no 304: an answer also says where the document is on its way into the index, which no tag covers.
"""

import re

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from search.ingestion.state_tags import state_tag
from search.models import Document

from .exceptions import PreconditionFailed

_TAGS = re.compile(r'(?:W/)?"[^"]*"(?:\s*,\s*(?:W/)?"[^"]*")*', re.ASCII)

IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The `ETag` of the document that the change was made for. If it is another by now, nothing is written: "
    "412.",
)
ETAG = OpenApiParameter(
    "ETag",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="Names the state of what can be edited, for `If-Match`.",
    response=[200, 201],
)


def etag(document: Document) -> dict[str, str]:
    """Return the header that names a document's state."""
    return {"ETag": f'"{state_tag(document)}"'}


def if_match(request: Request) -> tuple[str, ...]:
    """Return the states that the request may be applied to; () for any. Weak tags name none. Raises ValidationError."""
    given = request.headers.get("If-Match", "").strip()
    if given in ("", "*"):
        return ()
    if not _TAGS.fullmatch(given):
        message = _('If-Match must be an ETag in quotation marks, such as "0123456789abcdef", or several with commas.')
        raise ValidationError({"If-Match": [message]})
    return tuple(re.findall(r'(?<!/)"([^"]*)"', given)) or ("",)


def changed_since(document: Document | None) -> PreconditionFailed:
    """Return the refusal of a write that was made for another state; it names the present one, where there is one."""
    if document is None:
        return PreconditionFailed(_("The document was deleted meanwhile. Without If-Match, a PUT creates it again."))
    headers = etag(document)
    return PreconditionFailed(
        _(
            "The document was changed meanwhile: it is at revision %(revision)d now, with the ETag %(etag)s. Read it "
            "again, and send the change with that."
        )
        % {"revision": document.revision, "etag": headers["ETag"]},
        headers=headers,
    )
