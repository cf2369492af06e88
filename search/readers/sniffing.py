"""Which format a file has, by its name and by its content. Where the two contradict each other, neither is believed.

Text formats among themselves are told by the name, as far as the content allows it: a page of HTML is a fine text
file, but it is no CSV. Never reads more than the head that it is given.
"""

from pathlib import PurePosixPath

from search.readers.text.markdown_text import one_line
from search.readers.text.text_encoding import beginning

from .base import NoDocument, UnreadableFile
from .content_kinds import EML, HTML, JSON, JSONL, TAR, TEXT, XML, ZIP, Content, content_of, json_lines, mail_headers

HEAD_BYTES = 1 << 16  # enough for all that is looked for
EXTENSIONS: dict[str, str] = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json",
    ".xlsx": "xlsx", ".xlsm": "xlsx", ".txt": "text", ".text": "text", ".log": "text", ".rst": "text",
    ".rest": "text", ".adoc": "text", ".asciidoc": "text", ".org": "text", ".md": "markdown",
    ".markdown": "markdown", ".mdown": "markdown", ".mkd": "markdown", ".html": "html", ".htm": "html",
    ".xhtml": "html", ".pdf": "pdf", ".docx": "docx", ".epub": "epub", ".eml": "eml", ".zip": "zip", ".tar": "tar",
    ".tgz": "tar", ".tbz2": "tar", ".txz": "tar", ".tar.gz": "tar", ".tar.bz2": "tar", ".tar.xz": "tar",
}  # fmt: skip
_TEXTS = ("csv", "tsv", "jsonl", "json", "text", "markdown", "html", "eml")
_PACKED = ("docx", "xlsx", "epub", "zip")  # ZIP archives, all of them
_NO_JSON = Content("", "no JSON")
_NO_MAIL = Content("", "text without the headers of an e-mail")


def sniff(name: str, head: bytes) -> str:
    """Return the format of a file from its name and its first bytes, best HEAD_BYTES of them.

    Raises UnreadableFile when there is no such format, or when name and content contradict each other; NoDocument
    when the file, by its name as by its content, is of a kind that holds no text.
    """
    shown = one_line(PurePosixPath(name).name)[-100:] or "It"
    ending = _ending(name)
    if not head:
        raise UnreadableFile(f"“{shown}” is empty.")
    content = content_of(head)
    if ending not in EXTENSIONS:
        return _by_content(shown, ending, content)
    format_name = EXTENSIONS[ending]
    found = _agreed(format_name, content, head)
    if isinstance(found, Content):
        raise UnreadableFile(_contradiction(shown, ending, found))
    return found


def _agreed(format_name: str, content: Content, head: bytes) -> str | Content:
    """Return the format if the content can be that, else what the content is."""
    if format_name == content.format:
        return content.format
    if format_name in _TEXTS:
        return _agreed_text(format_name, content, head)
    if format_name in _PACKED and content is ZIP:
        return format_name  # its beginning does not tell; the reader will
    if format_name == "pdf" and b"%PDF-" in head[:1024]:
        return "pdf"
    if format_name == "tar" and not head[:512].strip(b"\0"):
        return "tar"  # an empty one
    return content


def _agreed_text(format_name: str, content: Content, head: bytes) -> str | Content:
    text = beginning(head)
    if content.format not in _TEXTS:
        return content
    if not text.strip():
        return format_name  # the reader says that there is nothing in it
    if format_name in ("csv", "tsv"):
        return content if content in (HTML, XML, JSON, JSONL) else format_name
    if format_name in ("json", "jsonl"):
        return _agreed_json(format_name, content, text)
    if format_name == "eml":
        return format_name if mail_headers(text) else (_NO_MAIL if content is TEXT else content)
    return format_name


def _agreed_json(format_name: str, content: Content, text: str) -> str | Content:
    if text.lstrip()[:1] not in ("{", "["):
        return _NO_JSON if content is TEXT else content
    in_lines = json_lines(text)
    return format_name if in_lines is None else ("jsonl" if in_lines else "json")


def _by_content(shown: str, ending: str, content: Content) -> str:
    if not content.format:
        message = f"“{shown}” is {content.words}, which cannot be read. {content.advice}".strip()
        raise NoDocument(message, content.words) if content.is_no_document else UnreadableFile(message)
    if ending and content in (JSON, JSONL, EML):
        return "text"  # of a kind that is known to somebody else
    return content.format


def _contradiction(shown: str, ending: str, content: Content) -> str:
    advice = content.advice
    if content.format and not advice:
        right = ".tar" if content is TAR else next(key for key, value in EXTENSIONS.items() if value == content.format)
        advice = f"If that is what it should be, rename it to end in {right}."
    return f"“{shown}” ends in {ending}, but its content is {content.words}. {advice}".strip()


def _ending(name: str) -> str:
    """Return the part of a name that says what the file is, in lower case; "" when there is none."""
    path = PurePosixPath(name.lower())
    double = "".join(path.suffixes[-2:])
    if double in EXTENSIONS:
        return double
    suffix = path.suffix
    return suffix if suffix[1:].isalnum() and len(suffix) <= 10 else ""
