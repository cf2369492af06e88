"""One document for a reader: its text in blocks, the passages that a search found in it, and its place in the index.

Never shows a document that the reader may not see, and says so in the same way as for one that does not exist.
"""

from dataclasses import dataclass

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser

from search.indexing.status import DocumentStatus, document_statuses
from search.models import Document
from search.retrieval.highlighting import past_title
from search.retrieval.passages import Passage, matching_passages

from .asking import Asked
from .blocks import blocks_of, leveled, plain
from .marking import MarkedBlock, marked

FIRST_CHARS = 200_000
_AFTER_PASSAGE_CHARS = 20_000
_MOST_CHARS = 2_000_000  # that are shown without being asked for, however far behind the best passage is
_MOST_READ_CHARS = 1_000_000  # a longer text is shown as it stands


@dataclass(frozen=True, slots=True)
class Reading:
    """What a document page shows: `passages` are marked, of which `best` is the number of the best.

    `status` is for staff only.
    """

    document: Document
    blocks: tuple[MarkedBlock, ...]
    passages: int = 0
    best: int = 0
    hidden_chars: int = 0
    status: DocumentStatus | None = None

    @property
    def numbers(self) -> range:
        """The marked passages, from 1, in the order of the text."""
        return range(1, self.passages + 1)


def read_document(
    document_id: int,
    user: AbstractBaseUser | AnonymousUser,
    *,
    asked: Asked,
    chunk_id: int | None = None,
    whole: bool = False,
) -> Reading:
    """Return document `document_id` for `user`, with the passages marked that answer `asked`.

    That of chunk `chunk_id` counts as the best. Texts longer than FIRST_CHARS are cut behind it unless `whole`.
    Raises Document.DoesNotExist where there is no such document that `user` may see.
    """
    document = Document.objects.visible_to(user).select_related("collection").get(pk=document_id)
    found = matching_passages(document, asked.query, user=user, mode=asked.checked_mode, first=chunk_id)
    shown = document.body if whole else document.body[: _shown_chars(found)]
    passages = [passage for passage in found if passage.start < len(shown)]
    is_all = _is_all(document.body, passages)
    is_staff = bool(getattr(user, "is_staff", False))
    return Reading(
        document=document,
        blocks=_read(document, shown, passages, shade=not is_all),
        passages=0 if is_all else len(passages),
        best=1 + sum(passage.start < passages[0].start for passage in passages) if passages else 0,
        hidden_chars=len(document.body) - len(shown),
        status=document_statuses([document])[document.pk] if is_staff else None,
    )


def _shown_chars(found: tuple[Passage, ...]) -> int:
    wanted = found[0].end + _AFTER_PASSAGE_CHARS if found else 0
    return max(FIRST_CHARS, min(wanted, _MOST_CHARS))


def _read(document: Document, shown: str, passages: list[Passage], *, shade: bool) -> tuple[MarkedBlock, ...]:
    begin = past_title(shown, 0, len(shown), document.title)
    places = [(at, str(label)) for at, label in document.anchors]
    blocks = blocks_of(shown, places) if len(shown) <= _MOST_READ_CHARS else plain(shown)
    kept = [block for block in blocks if block.start >= begin or block.start < 0]
    return marked(shown, tuple(leveled(kept)), passages, shade=shade)


def _is_all(body: str, passages: list[Passage]) -> bool:
    """True when a single passage is the whole text: marking all of it says nothing."""
    if len(passages) != 1:
        return False
    return not (body[: passages[0].start].strip() or body[passages[0].end :].strip())
