"""What curators say about single queries: rules that lift, lower or hide a document, and words that mean the same.

Rows only; who matches a query is decided in retrieval/rules.py, what a synonym adds in retrieval/synonyms.py.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .corpus import Collection, Document
from .fields import StorableCharField, StorableTextField

MAX_POSITION = 100
MAX_QUERIES = 50
MAX_QUERY_CHARS = 500
EXTERNAL_ID_CHARS = 500


def lines_of(text: str) -> list[str]:
    """Return the lines of a text that hold something, each once."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def words_of(text: str) -> list[str]:
    """Return what stands between commas and line ends, each once, with single spaces."""
    pieces = (" ".join(piece.split()) for piece in text.replace("\n", ",").split(","))
    return list(dict.fromkeys(piece for piece in pieces if piece))


class CurationRuleQuerySet(models.QuerySet["CurationRule"]):
    """Rules by whether they apply."""

    def in_force(self, at: datetime) -> Self:
        """Rules that are switched on and valid at that time."""
        begun = Q(valid_from=None) | Q(valid_from__lte=at)
        not_over = Q(valid_to=None) | Q(valid_to__gt=at)
        return self.filter(begun, not_over, enabled=True)


class CurationRule(models.Model):
    """What happens to one document when a query is asked that the rule is about.

    The document is named by its external id: a rule outlives it, does nothing while it is away, and holds again for
    the one that comes back.
    """

    class Match(models.TextChoices):
        EXACT = "exact", _("These queries")
        PATTERN = "pattern", _("Queries of this pattern (* stands for anything)")
        MEANING = "meaning", _("Queries of similar meaning")

    class Action(models.TextChoices):
        PIN = "pin", _("Pin")
        BOOST = "boost", _("Boost")
        BURY = "bury", _("Bury")
        HIDE = "hide", _("Hide")

    collection = models.ForeignKey(
        Collection, on_delete=models.CASCADE, related_name="curation_rules", verbose_name=_("collection")
    )
    match = models.CharField(_("applies to"), max_length=10, choices=Match.choices, default=Match.EXACT)
    queries = StorableTextField(_("queries"), help_text=_("One on each line. Case and spaces make no difference."))
    similarity = models.FloatField(
        _("least similarity"),
        default=0.75,
        validators=[MinValueValidator(0.3), MaxValueValidator(1.0)],
        help_text=_("For queries of similar meaning: the least cosine to one of the queries above, from 0.3 to 1."),
    )
    action = models.CharField(_("what happens"), max_length=5, choices=Action.choices, default=Action.PIN)
    external_id = StorableCharField(_("document's external id"), max_length=EXTERNAL_ID_CHARS)
    document = models.ForeignObject(  # no column; read it by `document_now`, as it may be away
        Document,
        on_delete=models.DO_NOTHING,
        from_fields=["collection", "external_id"],
        to_fields=["collection", "external_id"],
        related_name="+",
        null=True,
        editable=False,
        serialize=False,
        verbose_name=_("document"),
    )
    position = models.PositiveSmallIntegerField(
        _("position"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_POSITION)],
        help_text=_("For pinning: the place in the results, 1 is the first."),
    )
    strength = models.FloatField(
        _("strength"),
        default=0.2,
        validators=[MinValueValidator(0.01), MaxValueValidator(1.0)],
        help_text=_("For boosting and burying: the share of the best result's score that is added or taken, up to 1."),
    )
    valid_from = models.DateTimeField(_("valid from"), null=True, blank=True)
    valid_to = models.DateTimeField(_("valid to"), null=True, blank=True)
    enabled = models.BooleanField(_("switched on"), default=True)
    note = StorableTextField(_("note"), blank=True, default="", help_text=_("Why the rule is there; for curators."))
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("made by"),
    )
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True, editable=False)

    objects = CurationRuleQuerySet.as_manager()

    class Meta:
        ordering = ["collection", "id"]
        verbose_name = _("curation rule")
        verbose_name_plural = _("curation rules")
        constraints = [
            models.CheckConstraint(
                condition=Q(action__in=["pin", "boost", "bury", "hide"]), name="search_curationrule_action_known"
            ),
            models.CheckConstraint(
                condition=Q(match__in=["exact", "pattern", "meaning"]), name="search_curationrule_match_known"
            ),
        ]
        indexes = [models.Index(fields=["collection", "enabled"], name="search_curationrule_live")]

    def __str__(self) -> str:
        return f"{self.get_action_display()}: {', '.join(self.query_lines[:3])}"

    @property
    def query_lines(self) -> list[str]:
        """The queries, patterns or examples, one each."""
        return lines_of(self.queries)

    @property
    def document_now(self) -> Document | None:
        """The document that the rule is about, or None while it is away."""
        try:
            return self.document
        except Document.DoesNotExist:
            return None

    def clean_fields(self, exclude: Iterable[str] | None = None) -> None:
        """Check the fields that are columns."""
        super().clean_fields({"document", *(exclude or ())})

    def clean(self) -> None:
        """Refuse a rule that could never apply."""
        lines = self.query_lines
        problems: dict[str, str] = {}
        if not lines:
            problems["queries"] = str(_("Give at least one query."))
        elif len(lines) > MAX_QUERIES or max(map(len, lines)) > MAX_QUERY_CHARS:
            problems["queries"] = str(
                _("At most %(queries)d queries of at most %(chars)d characters each.")
                % {"queries": MAX_QUERIES, "chars": MAX_QUERY_CHARS}
            )
        elif self.match == self.Match.PATTERN and any(not line.strip("*? ") for line in lines):
            problems["queries"] = str(_("A pattern needs some letters: * alone would apply to every query."))
        if self.valid_from and self.valid_to and self.valid_from >= self.valid_to:
            problems["valid_to"] = str(_("The rule would end before it begins."))
        if problems:
            raise ValidationError(problems)


class SynonymSet(models.Model):
    """Words and groups of words that a collection's searches take for one another."""

    collection = models.ForeignKey(
        Collection, on_delete=models.CASCADE, related_name="synonym_sets", verbose_name=_("collection")
    )
    words = StorableTextField(
        _("words"),
        help_text=_("Words or short phrases with commas between them, for example: PTO, paid time off, holiday."),
    )
    finds = StorableTextField(
        _("also find"),
        blank=True,
        default="",
        help_text=_(
            "Empty: each of the words above also finds all the others. Otherwise: the words above also find these, "
            "and not the other way round."
        ),
    )
    enabled = models.BooleanField(_("switched on"), default=True)
    note = StorableTextField(_("note"), blank=True, default="")
    updated_at = models.DateTimeField(_("changed"), auto_now=True, editable=False)

    class Meta:
        ordering = ["collection", "id"]
        verbose_name = _("synonyms")
        verbose_name_plural = _("synonyms")
        indexes = [models.Index(fields=["collection", "enabled"], name="search_synonymset_live")]

    def __str__(self) -> str:
        words = ", ".join(self.word_list)
        return f"{words} → {', '.join(self.found_list)}" if self.finds.strip() else words

    @property
    def word_list(self) -> list[str]:
        """The words of the left side."""
        return words_of(self.words)

    @property
    def found_list(self) -> list[str]:
        """The words that are found, too, where it goes one way."""
        return words_of(self.finds)

    def clean(self) -> None:
        """Refuse sets that add nothing."""
        words, finds = self.word_list, self.found_list
        if not finds and len(words) < 2:
            raise ValidationError({"words": _("Give at least two words, or say what else they find.")})
        if not words:
            raise ValidationError({"words": _("Give at least one word.")})
        if len(words) + len(finds) > MAX_QUERIES or any(len(word) > MAX_QUERY_CHARS for word in words + finds):
            raise ValidationError({"words": _("At most %d words.") % MAX_QUERIES})
