"""`manage.py api_tokens`: makes, lists, rotates and revokes tokens. A secret goes to stdout once, and nowhere else."""

import argparse
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from search.access import tokens
from search.access.scopes import Scope
from search.models import ApiToken, Collection


class Command(BaseCommand):
    help = "Make, list, rotate and revoke tokens for the REST API."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="Make a token and print it; it is not shown again.")
        create.add_argument("owner", help="The user in whose name it acts.")
        create.add_argument("name", help="What it is for.")
        create.add_argument("--scope", action="append", required=True, choices=[scope.value for scope in Scope])
        create.add_argument("--collection", action="append", default=[], help="Limit it to these. Default: all.")
        create.add_argument("--days", type=int, help="How long it works. Default: until it is revoked.")
        actions.add_parser("list", help="List the tokens, without their secrets.")
        rotate = actions.add_parser("rotate", help="Make a new one like it; the old one works for another day at most.")
        rotate.add_argument("public_id")
        actions.add_parser("revoke", help="End a token at once.").add_argument("public_id")

    def handle(self, *args: Any, **options: Any) -> None:
        getattr(self, f"_{options['action']}")(options)

    def _create(self, options: dict[str, Any]) -> None:
        owner = User.objects.filter(username=options["owner"]).first()
        if owner is None:
            raise CommandError(f"There is no user {options['owner']}.")
        found = list(Collection.objects.filter(slug__in=options["collection"]))
        if missing := set(options["collection"]) - {collection.slug for collection in found}:
            raise CommandError(f"There is no collection {', '.join(sorted(missing))}.")
        until = None if options["days"] is None else timezone.now() + timedelta(days=options["days"])
        issued = tokens.issue(owner, options["name"], options["scope"], collections=found, expires_at=until)
        self.stdout.write(issued.text)

    def _list(self, options: dict[str, Any]) -> None:
        for token in ApiToken.objects.select_related("owner"):
            works = "works" if token.works_at(timezone.now()) else "over"
            self.stdout.write(f"{token.public_id}  {token.owner}  {works}  {','.join(token.scopes)}  {token.name}")

    def _rotate(self, options: dict[str, Any]) -> None:
        try:
            self.stdout.write(tokens.rotate(_token(options["public_id"])).text)
        except ValueError as error:
            raise CommandError(str(error)) from error

    def _revoke(self, options: dict[str, Any]) -> None:
        tokens.revoke(_token(options["public_id"]))


def _token(public_id: str) -> ApiToken:
    token = ApiToken.objects.filter(public_id=public_id).first()
    if token is None:
        raise CommandError(f"There is no token {public_id}. `api_tokens list` shows them.")
    return token
