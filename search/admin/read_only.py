"""What the index writes and people only read: no adding, no editing, no deleting by hand."""

from typing import Any

from django.http import HttpRequest


class ReadOnly:
    """Mixed into an admin class, leaves the permission to view and takes the others, from superusers too."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
