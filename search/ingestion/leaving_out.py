"""What lies among documents and is none: pictures, fonts, styles, scripts, hidden files. Counted, and no failure.

The rule is one for folders, uploads and archives. A file that is all of an import is meant: there it is an error.
Documents of a kind that cannot be read yet (an OpenDocument file, say) are failures, for their text is missing. Reads
no file.
"""

from pathlib import PurePosixPath

from django.db.models import Count
from django.utils.translation import gettext as _

from search.ingestion.folders.folder_scan import is_wanted
from search.models import ImportFile, ImportJob

_HIDDEN = "a hidden or scratch file"
_KINDS = {
    "a style sheet": (".css", ".scss", ".sass", ".less"),
    "a script of a web page": (".js", ".mjs", ".cjs"),
    "a source map": (".map",),
    "a picture": (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico", ".bmp", ".tif", ".tiff", ".avif", ".heic"),
    "a font": (".woff", ".woff2", ".ttf", ".otf", ".eot"),
    "sound or video": (".mp3", ".mp4", ".m4a", ".wav", ".ogg", ".flac", ".webm", ".mov", ".avi", ".mkv"),
}
_BY_ENDING = {ending: kind for kind, endings in _KINDS.items() for ending in endings}


def came_with_others(job: ImportJob, file: ImportFile) -> bool:
    """Tell whether a file is part of a folder, an archive or an upload of several, and was not chosen by itself."""
    return file.parent_id is not None or job.source == ImportJob.Source.FOLDER or job.files_total > 1


def kind_by_name(job: ImportJob, file: ImportFile) -> str:
    """Return what a file is that is left out for its name, in words; "" when it has to be looked at."""
    if not came_with_others(job, file):
        return ""
    path = PurePosixPath(file.name)
    if not all(map(is_wanted, path.parts)):
        return _HIDDEN
    return _BY_ENDING.get(path.suffix.lower(), "")


def kinds(job: ImportJob) -> dict[str, int]:
    """Return how many files of each kind were left out, the most frequent first."""
    rows = job.files.filter(status=ImportFile.Status.LEFT_OUT).order_by().values("error").annotate(count=Count("pk"))
    return {row["error"]: row["count"] for row in rows.order_by("-count", "error")}


def line(job: ImportJob) -> str:
    """Return what was left out in one line; "" when nothing was."""
    found = kinds(job)
    if not found:
        return ""
    listed = ", ".join(f"{count:,} × {kind}" for kind, count in found.items())
    return _("Left out, because they are no documents: %(listed)s.") % {"listed": listed}
