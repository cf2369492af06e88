"""How the admin's templates write figures and states; the words and formats are those of its lists."""

from django import template
from django.utils.safestring import SafeString

from search.admin import figures, labels
from search.models import IndexVersion

register = template.Library()

register.filter("whole", figures.whole)
register.filter("recall", figures.recall)
register.filter("microseconds", figures.microseconds)
register.filter("duration", figures.seconds)
register.filter("size", figures.size)
register.filter("per_second", figures.per_second)


@register.simple_tag
def version_label(version: IndexVersion) -> SafeString:
    """Return a version's state as a coloured label."""
    return labels.version_label(version)
