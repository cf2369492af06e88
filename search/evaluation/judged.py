"""Reads what is known about queries: their grades. Writes nothing."""

from collections.abc import Iterable

from search.models import Judgment

_AT_ONCE = 500


def grades_of(query_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Return query id → external id of a document → grade; queries that nobody has judged have none."""
    ids = list(query_ids)
    grades: dict[int, dict[str, int]] = {pk: {} for pk in ids}
    for at in range(0, len(ids), _AT_ONCE):
        rows = Judgment.objects.filter(query__in=ids[at : at + _AT_ONCE])
        for query_id, external_id, grade in rows.values_list("query_id", "external_id", "grade"):
            grades[query_id][external_id] = grade
    return grades
