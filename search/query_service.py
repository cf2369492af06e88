"""The one public entry to searching: page, API and command all call `search`."""

from typing import TYPE_CHECKING

from search.datatypes import SearchResponse

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

MODES = ("hybrid", "dense", "lexical")
MAX_K = 100


class InvalidQuery(ValueError):
    """What was asked cannot be answered; `field` names the parameter at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class UnknownCollection(LookupError):
    """No collection has this slug."""


class NotReady(Exception):
    """There is no active version, or nothing of it can be loaded; try again in `retry_after_seconds`."""

    def __init__(self, message: str, retry_after_seconds: int = 5) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


def search(
    query: str,
    *,
    user: "AbstractBaseUser | AnonymousUser | None" = None,
    collection: str = "",
    k: int = 10,
    mode: str = "hybrid",
) -> SearchResponse:
    """Return the `k` best documents of a collection that `user` may see.

    An empty `collection` means the installation's default. Raises InvalidQuery, UnknownCollection or
    NotReady; a leg that cannot take part is named in `degraded` instead.
    """
    raise NotImplementedError
