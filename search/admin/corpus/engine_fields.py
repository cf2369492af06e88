"""An engine's most asked-for options as form fields, so that nobody has to write JSON to choose an index type.

What is chosen goes into the collection's `engine_options` under the engine's own keys; the engine checks it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

AUTO, OTHER = "auto", "other"
INDEX_TYPES: tuple[tuple[str, str | Promise], ...] = (
    (AUTO, _("Automatic: tries what fits, measures, and tunes it to the recall below")),
    ("rule", _("Rule of thumb: Flat, from 100,000 chunks IVFFlat, from 10 million IVFPQ")),
    ("Flat", _("Flat: exact; compares with every vector")),
    ("SQ8", _("SQ8: compares with every vector, a quarter of the memory")),
    ("HNSW", _("HNSW: a graph; fastest, and needs the most memory")),
    ("HNSW,SQ8", _("HNSW,SQ8: a graph over vectors of a quarter of the size")),
    ("IVFFlat", _("IVFFlat: looks into some partitions only")),
    ("IVFPQ", _("IVFPQ: partitions and very small codes; for many millions of chunks")),
    ("IVFPQFastScan", _("IVFPQFastScan: partitions, tiny codes, then the best again with more precision")),
    ("RaBitQ", _("RaBitQ: one bit a number, then the best again with more precision")),
    ("IVFRaBitQ", _("IVFRaBitQ: partitions and one bit a number, then the best again with more precision")),
    (OTHER, _("Another: a FAISS factory string")),
)
KEYS = ("index_type", "recall", "memory_mb")
# Which option a refusal is about; one that the engine does not know has no field.
_FIRST_KEY = re.compile(r"index_type|recall|memory_mb|nprobe|efSearch|efConstruction|k_factor|unknown", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Engine options taken apart: what the fields hold, and what is left for the JSON."""

    fields: dict[str, Any]
    further: dict[str, Any]


class EngineFields(forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    """The fields, for the form of a collection."""

    index_type = forms.ChoiceField(
        label=_("Index type"), choices=INDEX_TYPES, required=False, widget=UnfoldAdminSelectWidget
    )
    factory_string = forms.CharField(
        label=_("Factory string"),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Only with “Another”, for example IVF1024,PQ48x4fs,RFlat."),
    )
    recall = forms.FloatField(
        label=_("Recall to reach"),
        required=False,
        min_value=0.5,
        max_value=1,
        widget=UnfoldAdminDecimalFieldWidget(attrs={"step": "0.001", "placeholder": "0.98"}),
        help_text=_("Share of the ten truly nearest chunks that a search has to find, 0.5 to 1. Empty: 0.98."),
    )
    memory_mb = forms.IntegerField(
        label=_("Memory budget in MB"),
        required=False,
        min_value=1,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("How large the index may be in memory. Empty: as large as it needs."),
    )


def taken_apart(options: Mapping[str, Any]) -> Chosen:
    """Return what the fields and the JSON show of stored options."""
    name = options.get("index_type", AUTO)
    known = name in [value for value, _label in INDEX_TYPES] and name != OTHER
    fields = {
        "index_type": name if known else OTHER,
        "factory_string": "" if known else name,
        "recall": options.get("recall"),
        "memory_mb": options.get("memory_mb"),
    }
    return Chosen(fields, {key: value for key, value in options.items() if key not in KEYS})


def put_together(fields: Mapping[str, Any], further: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options to store. What is left at its default is not written down, so that defaults can improve."""
    options = dict(further)
    index_type = fields.get("index_type") or AUTO
    if index_type == OTHER:
        options["index_type"] = (fields.get("factory_string") or "").strip()
    elif index_type != AUTO:
        options["index_type"] = index_type
    for key in ("recall", "memory_mb"):
        if fields.get(key) is not None:
            options[key] = fields[key]
    return options


def field_of(message: str, fields: Mapping[str, Any]) -> str:
    """Return the field beside which a refusal belongs: that of the first option that it names, else the type."""
    named = _FIRST_KEY.search(message)
    key = named.group() if named else "index_type"
    if key == "index_type" and fields.get("index_type") == OTHER:
        return "factory_string"
    return key if key in KEYS else "engine_options"
