"""`manage.py explain_search "query" DOCUMENT`: why a search shows a document where it does, or where it lost it."""

import dataclasses
import json
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser

from search import query_service
from search.models import Document, IndexVersion
from search.retrieval.explanations import Explanation, Leg, explain
from search.retrieval.filtering.filters import InvalidFilter


class Command(BaseCommand):
    """Explains one document's place in one search."""

    help = "Say why a query finds a document where it does, or at which stage the document is lost."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("query")
        parser.add_argument("document", help="external id of the document, or its number")
        parser.add_argument("--collection", default="", help="slug; default: the installation's default collection")
        parser.add_argument("--mode", default="hybrid", choices=query_service.MODES)
        parser.add_argument("--k", type=int, default=10, help="how many documents the first page has")
        parser.add_argument("--filter", action="append", default=[], help="as in a search; may be given several times")
        parser.add_argument("--user", default="", help="through the eyes of this user; default: a visitor")
        parser.add_argument("--format", default="text", choices=("text", "json"))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            version = query_service.active_version(options["collection"])
            found = explain(
                version,
                options["query"],
                _document(version, options["document"]),
                user=_user(options["user"]),
                mode=options["mode"],
                k=options["k"],
                filters=options["filter"],
            )
        except query_service.UnknownCollection as error:
            raise CommandError(f"There is no collection {str(error)!r}.") from error
        except (query_service.NotReady, InvalidFilter) as error:
            raise CommandError(str(error)) from error
        if options["format"] == "json":
            self.stdout.write(json.dumps(dataclasses.asdict(found), indent=2, ensure_ascii=False))
        else:
            self._write(found)

    def _write(self, found: Explanation) -> None:
        self.stdout.write(f"{self.style.SUCCESS(found.title)}: {found.stage}. {found.reason}")
        for name, leg in (("meaning", found.dense), ("words", found.lexical)):
            if leg is not None:
                self._write_leg(name, leg)
        if found.fused_rank is not None:
            weight = f", {found.dense_weight:g} by meaning"
            self.stdout.write(f"fusion: place {found.fused_rank}, {found.fused_score:.3f} ({found.fusion}{weight})")
        if found.rerank is not None:
            again = found.rerank
            places = f"place {again.rank_before} → {again.rank_after}"
            self.stdout.write(f"reranked ({again.by}): {places}, {again.score:.3f}")
        for effect in found.effects:
            rule = effect.rule
            self.stdout.write(f"rule {rule.rule_id}: {rule.action}, place {effect.rank_before} → {effect.rank_after}")
        for reason in found.degraded:
            self.stderr.write(self.style.WARNING(reason))

    def _write_leg(self, name: str, leg: Leg) -> None:
        place = f"place {leg.rank}" if leg.rank else "not among the"
        where = f"characters {leg.start} to {leg.end}" + (f", {leg.place}" if leg.place else "")
        self.stdout.write(f"{name}: {place} of {leg.candidates} candidates, {leg.score:.3f}, {where}")
        for term in leg.terms:
            self.stdout.write(
                f"  {term.term} ({term.field}): {term.frequency} times, idf {term.idf:.2f}, {term.score:.3f}"
            )


def _document(version: IndexVersion, name: str) -> Document:
    documents = Document.objects.select_related("collection")
    document = documents.filter(collection=version.collection_id, external_id=name).first()
    if document is None and name.isascii() and name.isdecimal() and len(name) < 19:
        document = documents.filter(pk=int(name)).first()
    if document is None:
        raise CommandError(f"There is no document {name!r} in {version.collection.slug}, by external id or by number.")
    return document


def _user(name: str) -> Any:
    if not name:
        return None
    user = get_user_model().objects.filter(username=name).first()
    if user is None:
        raise CommandError(f"There is no user {name!r}.")
    return user
