"""Which reader reads which format. A reader's module, and with it its parser, is imported when it is first needed."""

from collections.abc import Mapping
from importlib import import_module

from .base import Limits, Reader

READERS: Mapping[str, str] = {
    "csv": "search.readers.tables.csv_reader.CsvReader",
    "tsv": "search.readers.tables.csv_reader.TsvReader",
    "jsonl": "search.readers.tables.jsonl_reader.JsonlReader",
    "json": "search.readers.tables.json_reader.JsonReader",
    "xlsx": "search.readers.tables.xlsx_reader.XlsxReader",
    "text": "search.readers.text.text_reader.TextReader",
    "markdown": "search.readers.text.markdown_reader.MarkdownReader",
    "html": "search.readers.html.html_reader.HtmlReader",
    "pdf": "search.readers.documents.pdf_reader.PdfReader",
    "docx": "search.readers.documents.docx_reader.DocxReader",
    "epub": "search.readers.documents.epub_reader.EpubReader",
    "eml": "search.readers.documents.eml_reader.EmlReader",
}


class UnknownFormat(ValueError):
    """No reader is known by this format's name."""


def formats(readers: Mapping[str, str] = READERS) -> tuple[str, ...]:
    """Return the names of the formats that can be read; archives of them are none themselves."""
    return tuple(readers)


def reader_class(format_name: str, readers: Mapping[str, str] = READERS) -> type[Reader]:
    """Return the class behind a format. Raises UnknownFormat."""
    if format_name not in readers:
        raise UnknownFormat(f"There is no reader for “{format_name}”. Formats are: {', '.join(readers)}.")
    module, _, name = readers[format_name].rpartition(".")
    found: type[Reader] = getattr(import_module(module), name)
    return found


def reader_for(
    format_name: str, limits: Limits | None = None, readers: Mapping[str, str] = READERS, *, encoding: str = ""
) -> Reader:
    """Return the reader of a format, with limits; `encoding` as in Reader. Raises UnknownFormat."""
    return reader_class(format_name, readers)(limits, encoding)
