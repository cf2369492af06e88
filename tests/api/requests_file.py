"""Plays docs/requests.http against the application, as a REST client in an editor would. Judges nothing."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.conf import settings
from django.test import Client

FILE = Path(settings.BASE_DIR) / "docs" / "requests.http"
_PLACEHOLDER = re.compile(r"\{\{(.+?)\}\}")
_STEP = re.compile(r"\w+|\[\d+\]")


@dataclass
class Asked:
    """One request of the file, with its placeholders filled in."""

    title: str
    method: str
    address: str
    headers: dict[str, str]
    body: str
    name: str = ""
    at_once: bool = False

    @property
    def path(self) -> str:
        """The path of the address."""
        return urlsplit(self.address).path

    @property
    def parameters(self) -> dict[str, str]:
        """What follows the `?`."""
        return dict(parse_qsl(urlsplit(self.address).query))


@dataclass
class Play:
    """One run through the file: what was named so far, and what is done before each request."""

    token: str
    before_each: Callable[[], Any]
    answers: dict[str, Any] = field(default_factory=dict)

    def go(self) -> Iterator[tuple[Asked, Any]]:
        """Send each request in its order; yields it with its answer."""
        client = Client()
        for block in FILE.read_text().split("\n### ")[1:]:
            asked = request_of(block, self._value)
            if not asked.at_once:
                self.before_each()
            headers: Any = dict(asked.headers)
            content_type = headers.pop("Content-Type", "application/octet-stream")
            body = asked.body.replace("\n", "\r\n") if content_type.startswith("multipart/") else asked.body
            answer = client.generic(asked.method, asked.address, body, content_type=content_type, headers=headers)
            if asked.name:
                self.answers[asked.name] = answer
            yield asked, answer

    def _value(self, placeholder: str) -> str:
        """Return what `{{made.response.body.id}}` and its like stand for."""
        if placeholder in ("host", "token"):
            return {"host": "", "token": self.token}[placeholder]
        name, _response, part, steps = placeholder.split(".", 3)
        answer = self.answers[name]
        if part == "headers":
            return str(answer.headers[steps])
        value = json.loads(answer.content)
        for step in _STEP.findall(steps):
            value = value[int(step[1:-1])] if step.startswith("[") else value[step]
        return str(value)


def request_of(block: str, value: Callable[[str], str]) -> Asked:
    """Return the request of one block, which begins with its title."""
    text = _PLACEHOLDER.sub(lambda found: value(found[1]), block)
    head, _empty, body = text.partition("\n\n")
    title, *lines = head.splitlines()
    comments = [line.removeprefix("# ") for line in lines if line.startswith("#")]
    first, *headers = [line for line in lines if not line.startswith("#")]
    method, _space, address = first.partition(" ")
    named = [comment.removeprefix("@name ") for comment in comments if comment.startswith("@name ")]
    return Asked(
        title=title,
        method=method,
        address=address.strip(),
        headers=dict(header.split(": ", 1) for header in headers),
        body=body.rstrip("\n"),
        name=named[0] if named else "",
        at_once=any(comment.startswith("At once") for comment in comments),
    )
