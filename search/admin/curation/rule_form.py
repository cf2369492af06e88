"""The form of a curation rule: its document is chosen from those that are there, and kept when it is away."""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from search.models import Chunk, CurationRule, Document

if TYPE_CHECKING:
    _Form = forms.ModelForm[CurationRule]
else:
    _Form = forms.ModelForm


class CurationRuleForm(_Form):
    """A rule with its document, which may be left empty only where the rule has one that is not there now."""

    document = forms.ModelChoiceField(
        label=_lazy("Document"), queryset=Document.objects.defer("body", "metadata"), required=False
    )

    class Meta:
        model = CurationRule
        fields = (
            "collection", "match", "queries", "similarity", "action", "position", "strength",
            "enabled", "valid_from", "valid_to", "note",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "document" not in self.fields:
            return  # for those who may only look
        field = cast("forms.ModelChoiceField[Document]", self.fields["document"])
        field.widget = _chooser(field)
        now = self.instance.document_now if self.instance.external_id else None
        if now is not None:
            self.initial.setdefault("document", now.pk)
        elif self.instance.external_id:
            field.help_text = _(
                "Its document “%s” is not there now; the rule holds again when it is. Leave this empty to keep it."
            ) % self.instance.external_id  # fmt: skip

    def clean(self) -> dict[str, Any] | None:
        """Put the chosen document's name into the rule."""
        cleaned = super().clean() or {}
        chosen: Document | None = cleaned.get("document")
        collection = cleaned.get("collection")
        kept = self.instance.external_id and self.instance.document_now is None
        if chosen is None and not kept and "document" not in self.errors:
            self.add_error("document", _("Choose the document that the rule is about."))
        elif chosen is not None and collection is not None and chosen.collection_id != collection.pk:
            self.add_error("document", _("This document is in another collection."))
        elif chosen is not None:
            self.instance.external_id = chosen.external_id
        return cleaned


def _chooser(field: "forms.ModelChoiceField[Document]") -> forms.Widget:
    """Return the widget that looks documents up while somebody types: that of any foreign key to documents."""
    widget = AutocompleteSelect(Chunk._meta.get_field("document"), admin.site)
    widget.choices = field.choices
    return widget
