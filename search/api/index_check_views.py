"""Comparing an index version with the database over HTTP: the worker does it, a little in each sweep.

GET tells what the last comparison found; POST asks for another one, and for what differs to be mended.
"""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from search.indexing import drift
from search.models import IndexVersion

from .exceptions import Conflict
from .fields import KnownFieldsOnly
from .index_version_actions import VersionAction, given
from .index_version_views import index_version_at
from .once import Once
from .schema import problems


class CheckSerializer(KnownFieldsOnly[Any]):
    """What is asked for."""

    repair = serializers.BooleanField(
        default=False, help_text="Mend what differs, encoding no text twice, and compare once more."
    )


class IndexCheckSerializer(serializers.ModelSerializer[IndexVersion]):
    """The last comparison of a version, and whether another one is asked for."""

    index_version = serializers.IntegerField(source="pk")
    clean = serializers.SerializerMethodField(help_text="Null while it has never been compared.")
    report = serializers.DictField(
        source="drift_report",
        help_text="What was compared; each kind of difference with its `count` and the `first` of it. Empty before.",
    )

    class Meta:
        model = IndexVersion
        fields = (
            "index_version",
            "check_requested_at",
            "repair_requested_at",
            "checked_at",
            "clean",
            "drift",
            "report",
        )

    def get_clean(self, version: IndexVersion) -> bool | None:
        return None if version.drift is None else version.drift == 0


class IndexCheckView(Once, VersionAction):
    """The comparison of one version."""

    serializer_class = IndexCheckSerializer

    @extend_schema(
        operation_id="index_versions_check_result",
        responses={200: IndexCheckSerializer, **problems(401, 403, 404)},
    )
    def get(self, request: Request, pk: int) -> Response:
        """Tell what the last comparison found, and whether another one is due."""
        return Response(IndexCheckSerializer(index_version_at(pk)).data)

    @extend_schema(
        operation_id="index_versions_check",
        request=CheckSerializer,
        responses={202: IndexCheckSerializer, **problems(400, 401, 403, 404, 409, 411, 413, 415)},
    )
    def post(self, request: Request, pk: int) -> Response:
        """Ask the worker to compare every document, chunk, vector, entry and file; it is done a little at a time."""
        repair = given(CheckSerializer, request)["repair"]
        version = index_version_at(pk)
        if version.pruned_at is not None:
            raise Conflict(_("%s was pruned: it holds nothing any more.") % version)
        drift.request(version, repair=repair)
        return Response(IndexCheckSerializer(index_version_at(pk)).data, status=202)
