"""A condition for many ids at once."""

import json
from collections.abc import Sequence
from typing import Any

from django.db.models import F, Lookup


class Among(Lookup):
    """Whether a whole number is among many, which go to the database as one parameter.

    `pk__in` does the same; Django looks at each of its values several times, which for the hundreds of candidates of a
    search takes longer than the database does.
    """

    lookup_name = "among"
    prepare_rhs = False

    def __init__(self, name: str, numbers: Sequence[int]) -> None:
        super().__init__(F(name), list(numbers))

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        left, parameters = self.process_lhs(compiler, connection)
        return f"{left} IN (SELECT value FROM json_each(%s))", [*parameters, json.dumps(self.rhs)]  # noqa: S608

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        left, parameters = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s)", [*parameters, self.rhs]
