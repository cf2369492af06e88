"""`manage.py search_documents "query"`: what the page and the API would answer, on the terminal."""

import dataclasses
import json
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from search import query_service
from search.datatypes import SearchResponse
from search.models import Collection

_NAMED = 20  # collections in a message


class Command(BaseCommand):
    """Searches one collection."""

    help = "Search a collection, as an anonymous visitor or as --user."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("query")
        parser.add_argument("--collection", default="", help="slug; default: the installation's default collection")
        parser.add_argument("--k", type=int, default=10, help="how many documents, 1 to 100")
        parser.add_argument("--mode", default="hybrid", choices=query_service.MODES)
        parser.add_argument("--user", default="", help="see what this user may see")
        parser.add_argument("--format", default="text", choices=("text", "json"))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            response = query_service.search(
                options["query"],
                user=_user(options["user"]),
                collection=options["collection"],
                k=options["k"],
                mode=options["mode"],
            )
        except query_service.UnknownCollection as error:
            names = ", ".join(Collection.objects.order_by("slug").values_list("slug", flat=True)[:_NAMED]) or "none"
            raise CommandError(f"There is no collection {str(error)!r}; there are: {names}.") from error
        except (query_service.InvalidQuery, query_service.NotReady) as error:
            raise CommandError(str(error)) from error
        if options["format"] == "json":
            self.stdout.write(json.dumps(dataclasses.asdict(response), indent=2, ensure_ascii=False))
        else:
            self._write(response)

    def _write(self, response: SearchResponse) -> None:
        for reason in response.degraded:
            self.stderr.write(self.style.WARNING(reason))
        if not response.good_match:
            self.stdout.write("No good match." + (" The nearest documents:" if response.results else ""))
        for result in response.results:
            self.stdout.write(f"{result.rank:>3}. {self.style.SUCCESS(result.title or result.external_id)}")
            text = "".join(self.style.WARNING(piece) if match else piece for piece, match in result.snippet.pieces)
            self.stdout.write(f"     {text}")
        at_least = "at least " if response.total_relation == "gte" else ""
        self.stdout.write(
            f"{at_least}{response.total} documents, {response.took_ms.total:.0f} ms, "
            f"{response.collection} v{response.index_version}"
            + (f", {response.pending_documents} waiting to be indexed" if response.pending_documents else "")
        )


def _user(name: str) -> Any:
    if not name:
        return None
    user = get_user_model().objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name!r}.")
    return user
