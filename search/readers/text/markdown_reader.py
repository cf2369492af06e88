"""Markdown, with front matter in YAML (`---`) or TOML (`+++`).

The body stays as it is written, so that offsets into it are offsets into the file behind the front matter.
Never expands YAML aliases: a few lines of them make gigabytes.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import PurePosixPath
from typing import Any, BinaryIO

import yaml

from search.language_tags import language_tag
from search.readers.documents.dates import iso_date
from search.readers.documents.web_addresses import web_address
from search.readers.documents.whole_document import DocumentReader

from .declared_encoding import decode
from .markdown_text import one_line, plain_lines, refuse_too_long

_FRONT_MATTER = re.compile(r"(---|\+\+\+)[ \t]*\n(.*?\n)??(?:\1|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_MATTER_CHARS = 100_000
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING_CHARS = 2_000  # of a heading that are looked at for a title
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*")
_LINK = re.compile(r"!?\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")
_EMPHASIS = re.compile(r"(\*{1,3}|`+)(\S(?:.*?\S)?)\1")
_DATES = {
    "date": "published", "published": "published", "publish_date": "published", "created": "created",
    "modified": "modified", "updated": "modified", "lastmod": "modified", "last_modified": "modified",
}  # fmt: skip
_AUTHORS = ("author", "authors", "by")
_LANGUAGES = ("language", "lang", "locale")
_ADDRESSES = ("url", "canonical_url", "canonical")


class MarkdownReader(DocumentReader):
    """A Markdown file as one record, its front matter as metadata."""

    format = "markdown"
    extensions = (".md", ".markdown", ".mdown", ".mkd")
    kind = "Markdown file"

    def values(self, file: BinaryIO, path: PurePosixPath) -> dict[str, Any]:
        text = plain_lines(decode(file.read(), self).removeprefix("\ufeff"))
        front, body, problem = split_front_matter(text)
        refuse_too_long(len(body), self.limits)
        values = from_front_matter(front)
        values["title"] = values["title"] or first_heading(_FRONT_MATTER.sub("", body, count=1) if problem else body)
        values["metadata"] |= {"format": self.format} | ({"front_matter_error": problem} if problem else {})
        return {**values, "body": body}


def split_front_matter(text: str) -> tuple[dict[str, Any], str, str]:
    """Return the front matter, the text behind it, and why front matter that is there could not be read.

    Front matter that cannot be read stays a part of the text: nothing is lost.
    """
    match = _FRONT_MATTER.match(text, 0, _FRONT_MATTER_CHARS)
    if not match:
        return {}, text, ""
    try:
        front = tomllib.loads(match[2] or "") if match[1] == "+++" else _yaml(match[2] or "")
    except (ValueError, OverflowError, RecursionError, yaml.YAMLError) as error:
        return {}, text, f"The front matter cannot be read: {one_line(str(error))[:200]}"
    if front is None:
        front = {}
    if not isinstance(front, dict):
        return {}, text, ""  # a text between two rules
    return front, text[match.end() :].lstrip("\n"), ""


def _yaml(text: str) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in Python takes minutes for thousands of brackets
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(f"it uses the alias *{event.anchor}; write the value out instead")
    return yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe ones


def from_front_matter(front: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that front matter gives, all unknown keys of it in `metadata`."""
    values: dict[str, Any] = {"title": "", "metadata": {}}
    for key, value in front.items():
        name = str(key).strip()
        lowered = name.lower().replace("-", "_")
        if lowered == "title":
            values["title"] = one_line(str(value)) if value is not None else ""
        elif lowered in _LANGUAGES and language_tag(value):
            values["language"] = language_tag(value)
        elif lowered in _ADDRESSES and web_address(value):
            values["url"] = web_address(value)
        elif lowered in _DATES and iso_date(value):
            values["metadata"][_DATES[lowered]] = iso_date(value)
        elif lowered in _AUTHORS:
            values["metadata"]["authors"] = _names(value)
        else:
            values["metadata"][name] = _json(value)
    return values


def first_heading(body: str) -> str:
    """Return the text of the first heading outside code, without its markup; "" when there is none."""
    fence, before = "", ""
    for line in body.split("\n"):
        line = line[:_HEADING_CHARS]
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip().strip(fence[0]):
                fence = ""
        elif mark:
            fence, before = mark[1], ""
        elif found := _heading_in(line):
            return _without_markup(found)
        elif before and _UNDERLINE.fullmatch(line):
            return _without_markup(before)
        else:
            before = line if line.strip() and not line.startswith(("    ", "\t", ">", "- ", "* ", "|")) else ""
    return ""


def _heading_in(line: str) -> str:
    """Return the text of a heading that begins with `#`, or ""."""
    text = line.strip()
    rest = text.lstrip("#")
    level = len(text) - len(rest)
    if not 1 <= level <= 6 or line.startswith(("    ", "\t")) or rest[:1] not in (" ", "\t"):
        return ""
    open_end = rest.rstrip("#")
    return (open_end if open_end.endswith((" ", "\t")) else rest).strip()


def _without_markup(text: str) -> str:
    return one_line(_EMPHASIS.sub(r"\2", _LINK.sub(r"\1", text)))


def _names(value: Any) -> list[str]:
    """Return the authors of "A", ["A", "B"] or [{"name": "A"}]."""
    items = value if isinstance(value, list) else [value]
    names = [item.get("name") if isinstance(item, dict) else item for item in items]
    return [one_line(str(name)) for name in names if name]


def _json(value: Any) -> Any:
    """Return a value of YAML or TOML as JSON has it."""
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_json(item) for item in value]
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, float):
        return value if abs(value) < float("inf") else str(value)
    return value if isinstance(value, str | int | bool | None) else str(value)
