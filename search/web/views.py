"""The pages for people: search, a document, and the progress of indexing.

Each view makes one call and renders what it returns. Nothing here decides what is found or who may see it.
"""

from urllib.parse import urlsplit

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django_htmx.http import push_url, replace_url, reswap, retarget

from search.models import Collection, Document

from .access import PageRequest, came_from, page, wants_part
from .answering import answer, visible_progress
from .answers import Answer, State
from .asking import Asked
from .reading import read_document
from .similarity import read_similar


@page
def search_page(request: PageRequest) -> HttpResponse:
    """The search form and, below it, what there is to say to what was asked."""
    asked = Asked.from_parameters(request.GET)
    found = answer(asked, request.user, after=request.headers.get("X-Search-Before", ""))
    if wants_part(request) and asked.cursor:
        return _continued(request, found)
    response = render_answer(request, found, part=wants_part(request))
    if wants_part(request):
        before = Asked.from_parameters(QueryDict(urlsplit(came_from(request)).query))
        note_url = replace_url if asked.refines(before) else push_url
        return note_url(response, asked.url)
    return response


def render_answer(request: HttpRequest, answer: Answer, *, part: bool = False) -> HttpResponse:
    """Return `answer` as a whole page, or as the part of it below the search field."""
    template = "search/_part.html" if part else "search/search.html"
    response = render(request, template, {"answer": answer, "asked": answer.asked}, status=answer.status)
    if answer.retry_after_seconds:
        response.headers["Retry-After"] = str(answer.retry_after_seconds)
    if answer.response is not None:
        response.headers["Server-Timing"] = answer.response.took_ms.header
    return response


def _continued(request: HttpRequest, answer: Answer) -> HttpResponse:
    """Return what is added to the results that are shown, or in their place what there is to say instead.

    The address then asks for all that is shown, so that going back or reloading shows it again.
    """
    if answer.state is State.RESULTS:
        response = render(request, "search/_next.html", {"answer": answer, "asked": answer.asked})
        return replace_url(response, answer.asked.down_to(answer.last_rank).url)
    return reswap(retarget(render_answer(request, answer, part=True), "#more"), "innerHTML")


@page
def progress(request: PageRequest) -> HttpResponse:
    """How far indexing is, for the pages that are waiting for it."""
    collection = Collection.objects.filter(slug=Asked.from_parameters(request.GET).collection).first()
    if collection is None:
        raise Http404(_("There is no such collection."))
    context = {"progress": visible_progress(collection, request.user), "collection": collection}
    return render(request, "search/_progress.html", context | {"again": came_from(request)})


@page
def document_page(request: PageRequest, document_id: int) -> HttpResponse:
    """One document in full. `q` names what is marked in it and the way back, `chunk` the passage to begin with."""
    asked = Asked.from_parameters(request.GET)
    chunk_id = _id(request.GET.get("chunk", ""))
    try:
        reading = read_document(document_id, request.user, asked=asked, chunk_id=chunk_id, whole="whole" in request.GET)
    except Document.DoesNotExist:
        raise Http404(_("There is no such document, or it is not meant for you.")) from None
    document = reading.document
    context = {"reading": reading, "document": document, "asked": asked, "chunk": chunk_id}
    return render(
        request, "search/document.html", context | {"collection_url": Asked(collection=document.collection.slug).url}
    )


@page
def similar_documents(request: PageRequest, document_id: int) -> HttpResponse:
    """What is like one document: a part of its page, or a page of its own without scripts."""
    try:
        likeness = read_similar(document_id, request.user)
    except Document.DoesNotExist:
        raise Http404(_("There is no such document, or it is not meant for you.")) from None
    template = "search/_similar.html" if wants_part(request) else "search/similar.html"
    asked = Asked.from_parameters(request.GET)
    return render(request, template, {"likeness": likeness, "document": likeness.document, "asked": asked})


def _id(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
