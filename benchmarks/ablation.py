"""Measures what each ingredient of the ranking is worth on test collections, by the code that people's queries run.

    python benchmarks/ablation.py DATASET... [--queries N] [--data-dir DIR]

Each DATASET is a folder in the BEIR layout. It goes into an SQLite database below --data-dir (kept, so that a
second run encodes nothing). Prints nDCG@10 of the default without one ingredient at a time, and of other ways to join
the legs; then the share of judged queries, and of questions on other subjects, that are called no good match. What is
decided when a text is indexed (each word twice, one of the title as two) cannot be left out here.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

if TYPE_CHECKING:
    from search.evaluation.learning import Scored
    from search.models import EvaluationQuery, IndexVersion
    from search.retrieval_options import RetrievalOptions

OFF_TOPIC = Path(__file__).with_name("off_topic_queries.txt")
TANTIVY_STOP_WORDS = (
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this "
    "to was will with"
)
Asked = Sequence[tuple["EvaluationQuery", dict[str, int]]]


def main() -> None:
    """Index each test collection, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", type=Path, nargs="+")
    parser.add_argument("--queries", type=int, default=0, help="a random N of the judged queries")
    parser.add_argument("--data-dir", type=Path, default=Path(tempfile.gettempdir()) / "semsearch-ablation")
    arguments = parser.parse_args()
    os.environ["SEMSEARCH_DATA_DIR"] = str(arguments.data_dir)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "semsearch_project.settings.dev")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    for folder in arguments.datasets:
        report(folder.name, *prepared(folder, folder.name, arguments.queries))


def prepared(folder: Path, name: str, most: int) -> tuple["IndexVersion", Asked]:
    """Make the collection, index it, and return its live version and the queries with their grades."""
    import random

    from search.evaluation import dataset_collections
    from search.evaluation.datasets import BeirFolder
    from search.evaluation.judged import grades_of
    from search.models import EvaluationQuery

    made = dataset_collections.prepare(BeirFolder(folder), slug=name)
    for _applied in dataset_collections.index(made.collection):
        pass
    version = made.collection.active_version()
    assert version is not None
    queries = list(EvaluationQuery.objects.filter(query_set=made.query_set).measurable().order_by("pk"))
    if most and most < len(queries):
        queries = random.Random(1).sample(queries, most)
    grades = grades_of(query.pk for query in queries)
    return version, [(query, grades[query.pk]) for query in queries]


def report(name: str, version: "IndexVersion", asked: Asked) -> None:
    """Print one test collection's figures."""
    from search import query_service
    from search.conf import conf
    from search.evaluation.runner import everybody
    from search.retrieval_options import RetrievalOptions

    default = RetrievalOptions()
    print(f"{name}: {len(asked)} queries, {version.documents} documents, {version.chunks} chunks", flush=True)
    full = scored(version, default, asked)
    for label, method, weight in (
        ("the default: standardised", "standardised", default.dense_weight),
        ("convex combination, 0.6 dense", "convex", 0.6),
        ("reciprocal ranks", "rrf", 0.0),
        ("dense alone", "standardised", 1.0),
        ("lexical alone", "standardised", 0.0),
    ):
        print(f"  {label:40s}{ndcg(full, method, weight):.4f}", flush=True)
    untitled = scored(version, replace(default, title_weight=0), asked)
    print(f"  {'without the title once more':40s}{ndcg(untitled, default.fusion, default.dense_weight):.4f}")
    for label, module, constant, value in without():
        with changed(module, constant, value):
            less = scored(version, default, asked)
        print(f"  {label:40s}{ndcg(less, default.fusion, default.dense_weight):.4f}", flush=True)

    def refused(texts: Sequence[str]) -> float:
        answers = [
            query_service.search(text[: conf().MAX_QUERY_CHARS], user=everybody(), version=version, log=False)
            for text in texts
        ]
        return 100 * sum(not answer.good_match for answer in answers) / len(answers)

    print(f"  {'judged queries: no good match':40s}{refused([query.text for query, _ in asked]):.1f} %")
    off_topic = OFF_TOPIC.read_text(encoding="utf-8").splitlines()
    print(f"  {'other subjects: no good match':40s}{refused(off_topic):.1f} %", flush=True)


def scored(version: "IndexVersion", options: "RetrievalOptions", asked: Asked) -> list["Scored"]:
    """Ask every query and return what both legs say of its candidates."""
    from search.evaluation.learning import scored_by_both

    return [scored_by_both(version, options, query.text, grades) for query, grades in asked]


def ndcg(queries: Sequence["Scored"], method: str, weight: float) -> float:
    """Return the mean nDCG@10."""
    from search.evaluation.learning import ndcg_of

    return sum(ndcg_of(each, method, weight) for each in queries) / len(queries)


def without() -> list[tuple[str, ModuleType, str, object]]:
    """Return what can be left out: its name, and the constant that leaves it out. People cannot, hence constants."""
    from search.lexical import neighbours, stop_words
    from search.retrieval import centring

    return [
        ("without taking off the centre", centring, "_SHARE", 0.0),
        ("without words side by side", neighbours, "_WEIGHT", 0.0),
        ("with tantivy's English stop words", stop_words, "ENGLISH", frozenset(TANTIVY_STOP_WORDS.split())),
    ]


@contextmanager
def changed(module: ModuleType, constant: str, value: object) -> Iterator[None]:
    """Let a module's constant be another one for a while."""
    from search.lexical.analysis import is_stop_word

    before = getattr(module, constant)
    setattr(module, constant, value)
    is_stop_word.cache_clear()
    try:
        yield
    finally:
        setattr(module, constant, before)
        is_stop_word.cache_clear()


if __name__ == "__main__":
    main()
