"""A person's browser, as far as the journeys need one: cookies, redirects, and forms filled in as served."""

import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

TIMEOUT_SECONDS = 30


@dataclass
class Form:
    """A form of a page: where it goes and what it holds before anybody types."""

    action: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Page:
    """An answer, after redirects."""

    status: int
    url: str
    text: str

    def json(self) -> Any:
        return json.loads(self.text)

    def errors(self) -> list[str]:
        """Return what the page says is wrong with its form."""
        return re.findall(r'class="[^"]*error[^"]*"[^>]*>(.*?)</(?:ul|p|div|li)>', self.text, re.DOTALL)

    def form_with(self, names: set[str]) -> Form:
        """Return the form that has all of these fields."""
        reader = _FormReader()
        reader.feed(self.text)
        for form in reader.forms:
            if names <= form.names:
                return form
        known = [sorted(form.names) for form in reader.forms]
        raise AssertionError(f"{self.url} ({self.status}) has no form with {sorted(names)}; it has {known}")

    def form_to(self, action: str) -> Form:
        """Return the first form that is sent to this address."""
        reader = _FormReader()
        reader.feed(self.text)
        for form in reader.forms:
            if form.action == action:
                return form
        known = [form.action for form in reader.forms]
        raise AssertionError(f"{self.url} ({self.status}) has no form to {action}; it has {known}")


class Browser:
    """One person's session with one web server."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, path: str, **query: Any) -> Page:
        """Open an address."""
        return self._open("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))

    def send(self, method: str, path: str, payload: Any = None) -> Page:
        """Call the API as a script of this person's would: JSON, with the session's CSRF token."""
        headers = {"X-CSRFToken": self._cookie("csrftoken"), "Referer": self.origin + "/"}
        if payload is None:
            return self._open(method, path, None, headers)
        return self._open(method, path, json.dumps(payload).encode(), headers | {"Content-Type": "application/json"})

    def press(self, path: str, action: str, /, **filled: str) -> Page:
        """Open the page at `path` and send its form that goes to `action`, with a button's name and value if given."""
        page = self.get(path)
        return self._send_form(page, page.form_to(action), filled)

    def upload(self, path: str, files: dict[str, bytes], **filled: str) -> Page:
        """Open the page at `path` and send its form that takes files, with these."""
        page = self.get(path)
        form = page.form_with({"files"})
        kept = dict(form.fields) | filled
        body, content_type = _multipart(kept, files)
        target = urllib.parse.urljoin(page.url, form.action).removeprefix(self.origin)
        return self._open("POST", target, body, {"Referer": page.url, "Content-Type": content_type})

    def submit(self, path: str, **filled: str | list[str]) -> Page:
        """Open the page at `path`, fill in its form and send it; everything else stays as it was served."""
        page = self.get(path)
        return self._send_form(page, page.form_with(set(filled)), filled)

    def _send_form(self, page: Page, form: Form, filled: Mapping[str, str | list[str]]) -> Page:
        kept = [(name, value) for name, value in form.fields if name not in filled]
        typed = [(name, v) for name, value in filled.items() for v in ([value] if isinstance(value, str) else value)]
        body = urllib.parse.urlencode(kept + typed).encode()
        target = urllib.parse.urljoin(page.url, form.action)
        return self._open("POST", target.removeprefix(self.origin), body, {"Referer": page.url})

    def log_in(self, username: str, password: str) -> None:
        """Log in through the admin's own page."""
        page = self.submit("/admin/login/?next=/admin/", username=username, password=password)
        assert page.status == 200 and self._cookie("sessionid"), f"Could not log in: {page.status} {page.url}"

    def _cookie(self, name: str) -> str:
        return next((cookie.value or "" for cookie in self.cookies if cookie.name == name), "")

    def _open(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Page:
        request = urllib.request.Request(self.origin + path, data=body, headers=headers or {}, method=method)
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                return Page(answer.status, answer.url, answer.read().decode())
        except urllib.error.HTTPError as problem:
            with problem:
                return Page(problem.code, problem.url or path, problem.read().decode(errors="replace"))


def _multipart(fields: Mapping[str, str], files: Mapping[str, bytes]) -> tuple[bytes, str]:
    """Return a form's values and files as a multipart body, with its content type."""
    boundary = "a-line-that-is-in-no-file-of-a-journey"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="'
    parts = [f'{head}{name}"\r\n\r\n{value}\r\n'.encode() for name, value in fields.items()]
    for name, content in files.items():
        start = f'{head}files"; filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
        parts.append(start.encode() + content + b"\r\n")
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


class _FormReader(HTMLParser):
    """Collects the forms of a page with the values a browser would send."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select = ""
        self._options: list[tuple[str, bool]] = []  # value, is it selected
        self._multiple = False
        self._textarea: str | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        if tag == "form":
            self._form = Form(given.get("action") or "")
            self.forms.append(self._form)
        if self._form is None:
            return
        if name and tag in ("input", "select", "textarea"):
            self._form.names.add(name)
        if tag == "input" and name:
            kind = (given.get("type") or "text").lower()
            if kind not in ("submit", "button", "file", "image", "checkbox", "radio") or "checked" in given:
                self._form.fields.append((name, given.get("value") or ("on" if "checked" in given else "")))
        elif tag == "select":
            self._select, self._options, self._multiple = name, [], "multiple" in given
        elif tag == "option":
            self._options.append((given.get("value") or "", "selected" in given))
        elif tag == "textarea":
            self._textarea, self._text = name, ""

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._form is not None and self._textarea:
            self._form.fields.append((self._textarea, self._text.removeprefix("\n")))
            self._textarea = None
        elif tag == "select" and self._form is not None and self._select:
            chosen = [value for value, selected in self._options if selected]
            if not chosen and not self._multiple:  # as browsers do
                chosen = [value for value, _ in self._options[:1]]
            self._form.fields += [(self._select, value) for value in chosen]
            self._select = ""
        elif tag == "form":
            self._form = None
