"""How the admin's templates write figures and states; the words and formats are those of its lists."""

from django import template
from django.utils.safestring import SafeString

from search.admin import figures, labels
from search.admin.imports.encoding_names import encoding_name
from search.models import ImportFailure, ImportFile, ImportJob, IndexVersion

register = template.Library()

register.filter("whole", figures.whole)
register.filter("recall", figures.recall)
register.filter("covered", figures.covered)
register.filter("microseconds", figures.microseconds)
register.filter("duration", figures.seconds)
register.filter("size", figures.size)
register.filter("per_second", figures.per_second)
register.filter("encoding_name", encoding_name)


@register.simple_tag
def version_label(version: IndexVersion) -> SafeString:
    """Return a version's state as a coloured label."""
    return labels.version_label(version)


@register.simple_tag
def import_label(job: ImportJob) -> SafeString:
    """Return an import's status as a coloured label."""
    return labels.import_label(job)


@register.simple_tag
def failure_label(failure: ImportFailure) -> SafeString:
    """Return what has become of a row that did not get in as a coloured label."""
    return labels.choice_label(ImportFailure.State(failure.state))


@register.simple_tag
def file_label(file: ImportFile) -> SafeString:
    """Return how far a file of an import is as a coloured label."""
    return labels.choice_label(ImportFile.Status(file.status))
