"""`manage.py learn_weights`: how much meaning should count beside words in a collection, by a set's judgments."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from search.evaluation import weights
from search.evaluation.learning import CannotLearn, LearnedWeight, learn_dense_weight
from search.models import EvaluationQuerySet


class Command(BaseCommand):
    """Measures only, unless told to apply; applies only what is better for queries that it was not learned from."""

    help = "Learn the weight of the dense leg from the judgments of a query set, by cross-validation."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--collection", required=True, metavar="SLUG")
        parser.add_argument("--query-set", required=True, metavar="NAME")
        parser.add_argument("--apply", action="store_true", help="rank by it from now on, if it is better")
        parser.add_argument("--format", default="text", choices=("text", "json"))

    def handle(self, *args: Any, **options: Any) -> None:
        sets = EvaluationQuerySet.objects.filter(collection__slug=options["collection"]).select_related("collection")
        query_set = sets.filter(name=options["query_set"]).first()
        if query_set is None:
            known = ", ".join(sets.values_list("name", flat=True)) or "none"
            raise CommandError(
                f"Collection {options['collection']!r} has no query set {options['query_set']!r}; it has: {known}."
            )
        try:
            learned = learn_dense_weight(query_set)
        except CannotLearn as error:
            raise CommandError(str(error)) from error
        applied = options["apply"] and learned.is_better
        if applied:
            weights.use(query_set.collection, learned.value)
        if options["format"] == "json":
            self.stdout.write(json.dumps({**_facts(learned), "applied": applied}, indent=2))
        else:
            self._write(learned, wanted=options["apply"], applied=applied)

    def _write(self, learned: LearnedWeight, *, wanted: bool, applied: bool) -> None:
        change = learned.change
        self.stdout.write(
            f"dense_weight {learned.value:g} is best for {learned.queries} queries; the collection has "
            f"{learned.baseline:g}.\nOn queries that it was not learned from: nDCG@10 {learned.ndcg:.4f} instead of "
            f"{learned.baseline_ndcg:.4f} ({change.low:+.4f} to {change.high:+.4f}, p = {change.p_value:.4f}), "
            f"{change.wins} wins, {change.ties} ties, {change.losses} losses."
        )
        if applied:
            self.stdout.write(self.style.SUCCESS(f"The collection ranks by {learned.value:g} now."))
        elif wanted:
            self.stdout.write("That may be chance: nothing was changed.")


def _facts(learned: LearnedWeight) -> dict[str, Any]:
    change = learned.change
    return {
        "dense_weight": learned.value,
        "baseline": learned.baseline,
        "queries": learned.queries,
        "ndcg": learned.ndcg,
        "baseline_ndcg": learned.baseline_ndcg,
        "ndcg_by_fold": learned.ndcg_by_fold,
        "baseline_by_fold": learned.baseline_by_fold,
        "difference": change.difference,
        "low": change.low,
        "high": change.high,
        "p_value": change.p_value,
        "is_better": learned.is_better,
    }
