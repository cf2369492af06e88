"""From what was asked to what the page says: one of a few named states, each with its own template.

Calls `query_service.search` at most once and turns its refusals into states. Never renders, and never shows a
number or a title that did not pass `visible_to`.
"""

from dataclasses import replace

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from search import query_service
from search.datatypes import SearchResponse
from search.indexing.progress import CollectionProgress, collection_progresses
from search.models import Collection, Document

from .answers import Answer, Link, State
from .asking import Asked
from .examples import example_queries
from .metadata_keys import respelled

Visitor = AbstractBaseUser | AnonymousUser


def answer(asked: Asked, user: Visitor, *, after: str = "") -> Answer:
    """Return what the page says to `user` who asked `asked`; `after` names the search that this one follows."""
    collections = tuple(Collection.objects.only("id", "slug", "name", "description"))
    if not collections:
        return Answer(State.NO_COLLECTION, asked)
    collection = chosen_collection(asked.collection, collections)
    if collection is None:
        return Answer(State.UNKNOWN_COLLECTION, asked, collections)
    if not asked.query:
        return _start(asked, user, collections, collection)
    try:
        response = query_service.search(
            asked.query,
            user=user,
            collection=asked.collection if "," in asked.collection else collection.slug,
            k=asked.k,
            mode=asked.mode,
            filters=asked.filters,
            sort=asked.sort,
            weak=asked.weak,
            cursor=asked.cursor,
            facets=(),
            source="page",
            after=after,
        )
    except query_service.UnknownCollection:  # deleted since it was read above
        return Answer(State.UNKNOWN_COLLECTION, asked, collections)
    except query_service.InvalidQuery as error:
        return Answer(State.BAD_QUERY, asked, collections, collection, message=str(error))
    except query_service.NotReady as error:
        return _not_ready(asked, user, collections, collection, error)
    alone = response.pending_documents and "," not in asked.collection
    progress = visible_progress(collection, user) if alone else None
    found = answered(asked, collections, collection, response, progress)
    return found if response.results else replace(found, respelled=_respelled(found, user))


def answered(
    asked: Asked,
    collections: tuple[Collection, ...],
    collection: Collection,
    response: SearchResponse,
    progress: CollectionProgress | None = None,
) -> Answer:
    """Return how `response` is shown: as results, as the nearest there is, or as nothing."""
    found = State.RESULTS if response.good_match or asked.cursor else State.DISTANT
    behind = progress if progress is not None and not progress.up_to_date else None
    state = found if response.results else State.NOTHING
    return Answer(state, asked, collections, collection, response, behind)


def chosen_collection(slug: str, collections: tuple[Collection, ...]) -> Collection | None:
    """Return the collection with this slug, the installation's default for no slug, or None if there is none.

    Of several with commas between them it is the first, if all of them are there.
    """
    if not slug:
        return query_service.default_collection()
    known = {collection.slug: collection for collection in collections}
    chosen = [known.get(each.strip()) for each in slug.split(",") if each.strip()]
    return chosen[0] if chosen and all(chosen) else None


def _start(asked: Asked, user: Visitor, collections: tuple[Collection, ...], collection: Collection) -> Answer:
    progress = visible_progress(collection, user)
    queries = example_queries(collection, user) if progress.indexed else ()
    examples = tuple(Link(query, asked.asking(query).url) for query in queries)
    return Answer(State.START, asked, collections, collection, progress=progress, examples=examples)


def _not_ready(
    asked: Asked,
    user: Visitor,
    collections: tuple[Collection, ...],
    collection: Collection,
    error: query_service.NotReady,
) -> Answer:
    return Answer(
        State.NOT_READY,
        asked,
        collections,
        collection,
        progress=visible_progress(collection, user),
        message=str(error),
        retry_after_seconds=error.retry_after_seconds,
    )


def _respelled(answer: Answer, user: Visitor) -> Link | None:
    if answer.response is None or answer.collection is None:
        return None
    searched = answer.response.collection.split(",")
    those = [each for each in answer.collections if each.slug in searched]
    found = respelled(answer.asked, answer.response.filters, those, user)
    return Link(f"metadata.{found[0]}", found[1].url) if found else None


def visible_progress(collection: Collection, user: Visitor) -> CollectionProgress:
    """Return how far the collection's index is with the documents that `user` may see."""
    return collection_progresses([collection], visible=Document.objects.visible_to(user))[collection.pk]
