"""The limits of reading one file, from settings."""

from search.conf import conf
from search.readers.base import Limits, row_bytes_for


def limits() -> Limits:
    """Return what one file may cost on this installation."""
    settings = conf()
    return Limits(
        file_bytes=settings.IMPORT_MAX_FILE_MB << 20,
        text_chars=settings.MAX_DOCUMENT_CHARS,
        row_bytes=row_bytes_for(settings.MAX_DOCUMENT_CHARS),
        pages=settings.IMPORT_MAX_PAGES,
        entries=settings.IMPORT_MAX_ENTRIES,
        unpacked_bytes=settings.IMPORT_MAX_UNPACKED_MB << 20,
        memory_bytes=settings.IMPORT_MEMORY_MB << 20,
        cpu_seconds=settings.IMPORT_CPU_SECONDS,
        wall_seconds=settings.IMPORT_WALL_SECONDS,
    )
