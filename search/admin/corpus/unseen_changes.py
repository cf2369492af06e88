"""What somebody else saved in a document while its form was open, beside what is about to be saved. Changes nothing."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from search.admin.corpus.differences import Piece, differences
from search.ingestion.state_tags import state_tag
from search.models import Document


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A field whose stored value is another than the one in the form."""

    name: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class UnseenChange:
    """A change that the form's author has not seen: what is stored now, against what they are about to save."""

    tag: str
    at: datetime
    by: str
    """Who saved it in the admin; empty where an import, a command or the API did."""
    fields: tuple[FieldDifference, ...]


def unseen_change(pk: int, seen: str, values: Mapping[str, Any]) -> UnseenChange | None:
    """Return what was saved since the state `seen`, if anything was; locks the row, so needs a transaction.

    `values` are those of the form, by the names of the model's fields.
    """
    stored = Document.objects.select_for_update().filter(pk=pk).first()
    if stored is None or (tag := state_tag(stored)) == seen:
        return None
    fields = (_difference(stored, name, value) for name, value in values.items())
    return UnseenChange(tag, stored.updated_at, _saved_by(stored), tuple(field for field in fields if field))


def _difference(stored: Document, name: str, given: Any) -> FieldDifference | None:
    field = Document._meta.get_field(name)
    is_many = field.many_to_many
    there, here = as_text(getattr(stored, name).all() if is_many else getattr(stored, name)), as_text(given)
    if there == here:
        return None
    return FieldDifference(str(getattr(field, "verbose_name", name)), tuple(differences(there, here)))


def as_text(value: Any) -> str:
    """Return a field's value as text that can be compared and shown."""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)
    if isinstance(value, Iterable) and not isinstance(value, str | Model):
        return ", ".join(sorted(str(each) for each in value))
    return str(value).replace("\r\n", "\n")


def _saved_by(stored: Document) -> str:
    """Return who saved it last, if that was in the admin, which notes a save after it was made."""
    kind = ContentType.objects.get_for_model(Document)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(stored.pk), action_time__gte=stored.updated_at)
    entry = entries.select_related("user").order_by("-action_time").first()
    return entry.user.get_username() if entry else ""
