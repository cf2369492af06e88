"""The admin's list of documents at any size: which rows a page shows, without reading the texts of all others."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold.views import ChangeList

from search.indexing.status import document_statuses
from search.models import Document

_FEW = 10_000


class DocumentPaginator(Paginator):  # type: ignore[type-arg]  # generic in its stubs only
    """Pages of documents: what matches is looked up by ids, and only the rows of the page are read.

    Few matches are collected first and sorted then. Databases, told to sort and to stop after a page, walk through all
    documents in their order until they have found enough: the rarer the match, the longer.
    """

    object_list: QuerySet[Document]

    @cached_property
    def count(self) -> int:
        return len(self._few) if self._few is not None else self.object_list.order_by().count()

    @cached_property
    def _few(self) -> list[int] | None:
        """The ids of all matches; None when there are many."""
        ids = list(self.object_list.order_by().values_list("pk", flat=True)[: _FEW + 1])
        return ids if len(ids) <= _FEW else None

    def page(self, number: Any) -> Page[Document]:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        return Page(self.rows(first, first + self.per_page), number, self)

    def rows(self, first: int, end: int) -> list[Document]:
        """Return the matches from one place to another, without their texts, in a fixed number of queries."""
        matches = self.object_list if self._few is None else self._all().filter(pk__in=self._few)
        ids = list(matches.order_by(*self._order()).values_list("pk", flat=True)[first:end])
        found = self._all().select_related("collection").defer("body", "metadata", "anchors").in_bulk(ids)
        return [found[pk] for pk in ids if pk in found]

    def _order(self) -> tuple[Any, ...]:
        return tuple(self.object_list.query.order_by) or tuple(Document._meta.ordering or ())

    def _all(self) -> QuerySet[Document]:
        return Document.objects.using(self.object_list.db)


class DocumentList(ChangeList):
    """One page of documents without their texts, and the status of each in a fixed number of queries."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.multi_page or (self.show_all and self.can_show_all):
            self.result_list = self.paginator.rows(0, self.result_count)
        statuses = document_statuses(self.result_list)
        for document in self.result_list:
            document.indexing_status = statuses[document.pk]
