"""What people did with a result, told over HTTP by pages that search through the API: opened, helpful or not."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from search.access.scopes import Scope
from search.analytics import recording
from search.models import Document, SearchReaction

from .fields import Choice, KnownFieldsOnly, RowId, StorableText
from .once import Once
from .parsers import sent
from .permissions import MayRead
from .schema import problems
from .token_policies import TokenPolicy, in_view, narrowed

_NO_DOCUMENT = _("There is no such document in the collection that was searched.")


class FeedbackSerializer(KnownFieldsOnly[Any]):
    """What was done with one result of one search."""

    query_id = StorableText(max_length=200, help_text="`query_id` of the search's answer; good for a day.")
    document = RowId(help_text="`id` of the document.")
    kind = Choice(
        choices=SearchReaction.Kind.choices,
        help_text="`click`: it was opened. `up`, `down`: it is helpful or not; the last word counts.",
    )


class FeedbackView(Once):
    """Reactions to results."""

    permission_classes = [MayRead]
    token_policy = TokenPolicy({"POST": Scope.SEARCH_READ}, in_view)

    @extend_schema(
        operation_id="search_feedback",
        request=FeedbackSerializer,
        responses={204: None, **problems(400, 401, 404, 411, 413, 415)},
    )
    def post(self, request: Request) -> Response:
        """Note that a result was opened, or found helpful or not. The same twice counts once."""
        values = FeedbackSerializer().run_validation(sent(request))
        if not narrowed(request, Document.objects.all()).filter(pk=values["document"]).exists():
            raise NotFound(_NO_DOCUMENT)
        try:
            recording.react(values["query_id"], values["document"], values["kind"], user=request.user)
        except recording.UnknownSearch:
            raise NotFound(_("There is no such search in the log: its id is older than a day, or not one.")) from None
        except Document.DoesNotExist:
            raise NotFound(_NO_DOCUMENT) from None
        return Response(status=204)
