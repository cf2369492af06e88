"""What curators keep: collections and their documents.

A document's `revision` and its PendingChange rows are the database's own work (triggers.py), so that no
write path can forget them. Nothing here encodes, enqueues or touches an index.
"""

import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, Group
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import models, router, transaction
from django.db.models import Q
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from search.authorship import present_author
from search.fingerprints import content_hash
from search.language_tags import is_language_tag, language_tag

from .fields import StorableCharField, StorableJSONField, StorableTextField

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from .index_versions import IndexVersion


_SKIPPED_BY_BROWSERS = re.compile(r"[\x00-\x20\x7f]")
_SCRIPT_ADDRESS = re.compile(r"(javascript|vbscript|data):", re.IGNORECASE)
_SHOWN_CHARS = 100  # of a value that is refused

NO_AUDIENCE = _(
    "Its visibility is “groups”, but no group is named: nobody could find it. Name a group, or make it public or staff."
)

corpus_changed = Signal()
"""Sent with `collection_ids` after a bulk write that Django sends no signal for. A hint, never the job itself."""


index_damaged = Signal()
"""Sent with `collection_id` by a reader that found an index file missing or damaged, and has noted it."""


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_path(value: str) -> bool:
    """Whether it leads somewhere on the same server: `//` and what browsers take for it lead elsewhere."""
    return value.startswith("/") and not value.replace("\\", "/").startswith("//")


def validate_address(value: str) -> None:
    """Refuse what is neither an address of the web nor a path: people are led there by a click."""
    seen = _SKIPPED_BY_BROWSERS.sub("", value)
    if _SCRIPT_ADDRESS.match(seen):
        raise ValidationError(_("An address that runs a script is not accepted; use one that begins with https://."))
    if not _is_web_address(seen) and not _is_path(seen):
        raise ValidationError(
            _("“%(value)s” is no address; use one that begins with https:// or http://, or a path such as /leave."),
            params={"value": value[:_SHOWN_CHARS]},
        )


def validate_language(value: str) -> None:
    """Refuse what is no well-formed language tag: filters, stems and spelling go by it."""
    if not is_language_tag(value):
        raise ValidationError(
            _("“%(value)s” is no language tag; write it as in BCP 47, for example %(example)s."),
            params={"value": value[:_SHOWN_CHARS], "example": language_tag(value) or "en, pt-BR, zh-Hant"},
        )


def validate_anchors(value: object) -> None:
    """Refuse what are no places in a text: [offset in characters, label], in the order of the text."""
    last = 0
    for item in value if isinstance(value, list) else [None]:
        at, label = item if isinstance(item, list | tuple) and len(item) == 2 else (None, None)
        if not isinstance(at, int) or isinstance(at, bool) or at < last or not isinstance(label, str):
            raise ValidationError(_("Expected a list of [offset, label], with offsets that ascend."))
        last = at


def lacks_audience(visibility: str, *, has_groups: bool) -> bool:
    """Whether nobody could find a document: it is for selected groups, and none is selected. Say NO_AUDIENCE then."""
    return visibility == Document.Visibility.GROUPS and not has_groups


def new_external_id() -> str:
    """Return an identifier for a document whose author gave none."""
    return uuid.uuid4().hex


@contextmanager
def signed(using: str) -> Iterator[None]:
    """Sign what the database notes of the changes in the block, together with them."""
    author = present_author()
    revisions = apps.get_model("search", "DocumentRevision").objects.using(using)
    with transaction.atomic(using=using):
        last = revisions.order_by("-id").values_list("id", flat=True).first() or 0
        yield
        mine = revisions.filter(id__gt=last, how="")
        mine.update(how=author.how, by_id=author.user_id, detail=author.detail)


class Collection(models.Model):
    """A curated set of documents with its own encoder, chunking, engine and retrieval options."""

    slug = models.SlugField(_("slug"), max_length=80, unique=True, validators=[validate_slug])
    name = StorableCharField(_("name"), max_length=200)
    description = StorableTextField(_("description"), blank=True, default="")
    encoder_name = StorableCharField(
        _("encoder"),
        max_length=500,
        blank=True,
        default="",
        help_text=_("A sentence-transformers name or a local path. Empty: the installation's default."),
    )
    encoder_revision = models.CharField(_("encoder revision"), max_length=100, blank=True, default="")
    encoder_runtime = models.CharField(_("encoder runtime"), max_length=50, blank=True, default="")
    chunking = StorableJSONField(
        _("chunking options"),
        default=dict,
        blank=True,
        help_text=_('For example {"max_tokens": 200, "overlap_tokens": 32}. Empty: the defaults.'),
    )
    engine = models.CharField(_("engine"), max_length=50, default="faiss")
    engine_options = StorableJSONField(_("engine options"), default=dict, blank=True)
    retrieval = StorableJSONField(
        _("retrieval options"),
        default=dict,
        blank=True,
        help_text=_('For example {"fusion": "convex", "dense_weight": 0.6}. Empty: the defaults.'),
    )
    last_error = models.TextField(_("last indexing error"), blank=True, default="", editable=False)
    rebuild_requested_at = models.DateTimeField(_("rebuild requested"), null=True, blank=True, editable=False)
    rebuild_requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("rebuild requested by"),
    )
    rebuild_activates = models.BooleanField(
        _("rebuild goes live"),
        default=True,
        editable=False,
        help_text=_("Whether the version that was asked for goes live by itself once its gate lets it."),
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("collection")
        verbose_name_plural = _("collections")

    def __str__(self) -> str:
        return self.name

    def active_version(self) -> "IndexVersion | None":
        """Return the version that searches use, or None while there is none yet."""
        return self.index_versions.active().first()


class DocumentQuerySet(models.QuerySet["Document"]):
    """Filters by who may see what, and bulk writes that wake the worker."""

    def published(self) -> Self:
        """Documents that belong in the index."""
        return self.filter(state=Document.State.PUBLISHED)

    def visible_to(self, user: "AbstractBaseUser | AnonymousUser | None") -> Self:
        """Published documents that `user` may find. The one rule behind every result, count and snippet."""
        published = self.published()
        if user is None or not user.is_authenticated:
            return published.filter(visibility=Document.Visibility.PUBLIC)
        if getattr(user, "is_superuser", False):
            return published
        allowed = Q(visibility=Document.Visibility.PUBLIC)
        if getattr(user, "is_staff", False):
            allowed |= Q(visibility=Document.Visibility.STAFF)
        groups = Document.groups.through.objects.filter(group__user=user.pk).values("document_id")
        return published.filter(allowed | Q(visibility=Document.Visibility.GROUPS, pk__in=groups))

    def update(self, **kwargs: Any) -> int:
        collections = self._collections()
        with signed(self.db):
            count = super().update(**kwargs)
        moved_to = kwargs.get("collection_id", kwargs.get("collection"))
        if moved_to is not None:
            collections.add(getattr(moved_to, "pk", moved_to))
        self._changed(collections)
        return count

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> tuple[int, dict[str, int]]:
        collections = self._collections()
        deleted = super().delete()
        self._changed(collections)
        return deleted

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def bulk_create(self, objs: Iterable["Document"], *args: Any, **kwargs: Any) -> list["Document"]:
        documents = list(objs)
        for document in documents:
            document.content_hash = content_hash(document.title, document.body)
        created = super().bulk_create(documents, *args, **kwargs)
        self._changed({document.collection_id for document in documents})
        return created

    def bulk_update(self, objs: Iterable["Document"], fields: Iterable[str], *args: Any, **kwargs: Any) -> int:
        documents = list(objs)
        names = list(fields)
        if {"title", "body"} & set(names):
            names.append("content_hash")
            for document in documents:
                document.content_hash = content_hash(document.title, document.body)
        count = super().bulk_update(documents, names, *args, **kwargs)
        self._changed({document.collection_id for document in documents})
        return count

    def _collections(self) -> set[int]:
        if self.query.is_sliced:
            return set()
        return set(self.order_by().values_list("collection_id", flat=True).distinct())

    def _changed(self, collection_ids: set[int]) -> None:
        if collection_ids:
            corpus_changed.send(sender=Document, collection_ids=collection_ids, using=self.db)


class Document(models.Model):
    """A source record: what people search for and what curators edit."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        PUBLISHED = "published", _("Published")
        ARCHIVED = "archived", _("Archived")

    class Visibility(models.TextChoices):
        PUBLIC = "public", _("Everyone")
        STAFF = "staff", _("Staff")
        GROUPS = "groups", _("Selected groups")

    collection = models.ForeignKey(
        Collection, on_delete=models.CASCADE, related_name="documents", verbose_name=_("collection")
    )
    external_id = StorableCharField(
        _("external id"),
        max_length=500,
        default=new_external_id,
        help_text=_("The document's identity in the system it comes from; unique in its collection."),
    )
    title = StorableCharField(_("title"), max_length=1000, blank=True, default="")
    body = StorableTextField(_("body"), blank=True, default="")
    url = StorableCharField(_("address"), max_length=2000, blank=True, default="", validators=[validate_address])
    language = models.CharField(
        _("language"),
        max_length=35,
        blank=True,
        default="",
        validators=[validate_language],
        help_text=_("As in en, de or pt-BR; it decides how words are stemmed."),
    )
    metadata = StorableJSONField(_("metadata"), default=dict, blank=True)
    state = models.CharField(
        _("state"),
        max_length=10,
        choices=State.choices,
        default=State.PUBLISHED,
        help_text=_("Only published documents can be found."),
    )
    visibility = models.CharField(_("visible to"), max_length=10, choices=Visibility.choices, default=Visibility.PUBLIC)
    groups = models.ManyToManyField(
        Group,
        blank=True,
        related_name="+",
        verbose_name=_("groups"),
        help_text=_("Who may find it when it is visible to selected groups."),
    )
    anchors = StorableJSONField(
        _("places"),
        default=list,
        db_default=models.Value([], models.JSONField()),
        blank=True,
        editable=False,
        help_text=_("Where its pages or chapters begin: [[offset in characters, label], …]."),
    )
    content_hash = models.CharField(_("content hash"), max_length=32, default="", db_default="", editable=False)
    duplicate_of = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="linked_duplicates",
        verbose_name=_("duplicate of"),
    )
    revision = models.BigIntegerField(_("revision"), default=1, db_default=1, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("updated"), auto_now=True, editable=False)

    objects = DocumentQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at", "-id"]
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        constraints = [
            models.UniqueConstraint(
                fields=["collection", "external_id"],
                name="search_document_external_id_unique",
                violation_error_message=_("This collection already has a document with this external id."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "published", "archived"]), name="search_document_state_known"
            ),
            models.CheckConstraint(
                condition=Q(visibility__in=["public", "staff", "groups"]), name="search_document_visibility_known"
            ),
            models.CheckConstraint(condition=~Q(external_id=""), name="search_document_external_id_not_empty"),
        ]
        indexes = [
            models.Index(fields=["collection", "state", "id"], name="search_document_by_state"),
            models.Index(fields=["-updated_at", "-id"], name="search_document_by_update"),
            models.Index(fields=["collection", "content_hash"], name="search_document_by_content"),
            models.Index(fields=["language", "-updated_at", "-id"], name="search_document_by_language"),
        ]

    def __str__(self) -> str:
        return self.title or self.external_id

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save it with the hash of its content, by which duplicates are found."""
        self.content_hash = content_hash(self.title, self.body)
        names = kwargs.get("update_fields")
        if names is not None and {"title", "body"} & set(names):
            kwargs["update_fields"] = {*names, "content_hash"}
        if self._state.adding:
            super().save(*args, **kwargs)
            return
        with signed(kwargs.get("using") or router.db_for_write(Document, instance=self)):
            super().save(*args, **kwargs)

    def place_at(self, offset: int) -> str:
        """Return the label of the page or chapter that a character of the body lies in; empty when none is known."""
        labels = [label for start, label in self.anchors if start <= offset]
        return labels[-1] if labels else ""

    def clean(self) -> None:
        """Reject metadata that is not an object: filters and facets address it by key."""
        if not isinstance(self.metadata, dict):
            raise ValidationError({"metadata": _('Metadata must be a JSON object, for example {"team": "sales"}.')})
