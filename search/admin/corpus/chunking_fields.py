"""A chunker and its options as form fields, so that nobody has to write JSON to choose how texts are cut.

What is chosen goes into the collection's `chunking` options under the chunker's own keys; the chunker checks it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminDecimalFieldWidget, UnfoldAdminIntegerFieldWidget, UnfoldAdminSelectWidget

DEFAULT = "sentence"
CHUNKER_NAMES: dict[str, str | Promise] = {
    DEFAULT: _("Sentences: whole sentences and paragraphs, as many as fit"),
    "heading": _("Headings: keeps to the sections, and carries the headings above into each chunk"),
    "tokens": _("Tokens: a fixed number, wherever that cuts"),
    "whole": _("Whole document: one chunk; a longer text in as few even parts as fit"),
}
KEYS = ("chunker", "max_tokens", "overlap_tokens", "title_share")
# Which option a refusal is about: the one in quotes where there is none of that name, else the first word.
_NAMED = re.compile(r"Unknown chunking option '(\w+)'|(\w+) is |No (chunker) ")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Chunking options taken apart: what the fields hold, and what is left for the JSON."""

    fields: dict[str, Any]
    further: dict[str, Any]


class ChunkingFields(forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    """The fields, for the form of a collection."""

    chunker = forms.ChoiceField(label=_("Chunker"), required=False, widget=UnfoldAdminSelectWidget)
    max_tokens = forms.IntegerField(
        label=_("Tokens in a chunk"),
        required=False,
        widget=UnfoldAdminIntegerFieldWidget(attrs={"min": "16"}),
        help_text=_("At most, with the title that is carried into it. Empty: what the encoder reads at once."),
    )
    overlap_tokens = forms.IntegerField(
        label=_("Tokens of overlap"),
        required=False,
        widget=UnfoldAdminIntegerFieldWidget(attrs={"min": "0", "placeholder": "32"}),
        help_text=_(
            "How much of the chunk before it a chunk repeats, at most half. Empty: 32. Whole documents have none."
        ),
    )
    title_share = forms.FloatField(
        label=_("Share of the title"),
        required=False,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "0.05", "min": "0", "max": "0.5", "placeholder": "0.25"}),
        help_text=_(
            "How much of a chunk a long title may take, and the headings as much again, 0 to 0.5. Empty: 0.25."
        ),
    )


def choices(names: Mapping[str, str]) -> list[tuple[str, str | Promise]]:
    """Return what can be chosen of the installation's chunkers."""
    return [(name, CHUNKER_NAMES.get(name, name)) for name in names]


def taken_apart(options: Mapping[str, Any]) -> Chosen:
    """Return what the fields and the JSON show of stored options."""
    fields = {"chunker": DEFAULT, **{key: options[key] for key in KEYS if options.get(key) is not None}}
    return Chosen(fields, {key: value for key, value in options.items() if key not in KEYS})


def put_together(fields: Mapping[str, Any], further: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options to store: those stored before where they mean the same, else without what is a default."""
    options = {key: fields[key] for key in KEYS if fields.get(key) not in (None, "")} | dict(further)
    return dict(stored) if _plain(options) == _plain(stored) else _plain(options)


def field_of(message: str) -> str:
    """Return the field beside which a refusal belongs."""
    named = _NAMED.match(message)
    name = next(filter(None, named.groups()), "") if named else ""
    return name if name in KEYS else "chunking"


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value is not None and (key, value) != ("chunker", DEFAULT)}
