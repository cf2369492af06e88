"""Answers that are lines of JSON, sent from a file or as they are made."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer

from .parsers import NDJSON


class NdjsonRenderer(BaseRenderer):
    """Lets clients ask for lines by their Accept header. The views that offer it send them by themselves."""

    media_type = NDJSON
    format = "ndjson"

    def render(
        self, data: Any, accepted_media_type: str | None = None, renderer_context: Mapping[str, Any] | None = None
    ) -> Any:
        return data
