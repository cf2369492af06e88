"""Paging by cursor over ids: a page never repeats or skips a row, however much is written meanwhile."""

from typing import Any

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request

_MAX_ID = 2**63 - 1


class IdCursorPagination(CursorPagination):
    """`?cursor=` as `next` and `previous` give it, `?page_size=` from 1 to 100."""

    ordering = "id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 100
    invalid_cursor_message = "Invalid cursor. Follow `next` and `previous` as they are, or start without one."

    def decode_cursor(self, request: Request) -> Cursor | None:
        cursor: Cursor | None = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None and not _is_id(str(cursor.position)):
            raise NotFound(self.invalid_cursor_message)
        return cursor

    def get_paginated_response_schema(self, schema: Any) -> dict[str, Any]:
        address = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": address, "previous": address, "results": schema},
        }


def _is_id(position: str) -> bool:
    return position.isascii() and position.isdigit() and len(position) < 20 and int(position) <= _MAX_ID
