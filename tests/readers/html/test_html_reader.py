"""HTML: the content as Markdown with its structure, nothing that only surrounds it, and what the head declares."""

import io
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest

from search.readers.base import Limits, UnreadableFile
from search.readers.html.html_reader import HtmlReader
from tests.readers.contract import ReaderContract
from tests.readers.samples import html, xhtml


class TestHtmlReader(ReaderContract):
    name = "bread.html"

    def make_reader(self, limits: Limits | None = None) -> HtmlReader:
        return HtmlReader(limits)

    def sample(self) -> bytes:
        return html()

    def expected(self) -> list[Mapping[str, Any]]:
        return [{"title": "Bread", "language": "en", "body": "# Bread\n\nFlour and water."}]


def values(content: bytes) -> dict[str, Any]:
    [record] = HtmlReader().read(io.BytesIO(content), PurePosixPath("my bread.html"))
    return dict(record.values)


def body(markup: str) -> str:
    return str(values(html(f"<main>{markup}</main>"))["body"])


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        (
            '<h2 id=a>Dough<a class="headerlink" href="#a">¶</a></h2><p>Mix\n  <b>well</b>.<p>Wait.',
            "## Dough\n\nMix well.\n\nWait.",
        ),
        ("<ul><li>one<ul><li>deep</ul><li>two</ul>", "- one\n  - deep\n- two"),
        ('<ol start="3"><li><p>three</p><p>more</p></li><li>four</ol>', "3. three\n  more\n4. four"),
        ("<dl><dt>Levain<dd>A wild yeast.</dl>", "- Levain\n  A wild yeast."),
        ('<pre class="language-sh"><code>a  b\n  c &lt; d\n</code></pre>', "```sh\na  b\n  c < d\n```"),
        ("<pre>a ``` b</pre>", "````\na ``` b\n````"),
        ("<table><caption>Parts</caption><tr><th>a<th>b<tr><td>1<td><p>2<br>3</table>", "Parts\n\na | b\n1 | 2 3"),
        ("<table><tr><td><h1>Left</h1>x<td><p>Right</table>", "# Left\n\nx\n\nRight"),
        ("<blockquote><p>Said<p>twice</blockquote>", "> Said\n\n> twice"),
        ("one<br>two <code>x_y</code><div>three</div>four", "one\ntwo `x_y`\n\nthree\n\nfour"),
        ("a<script>1</script><style>2</style><!-- 3 -->b<p hidden>4</p><p style='display: none'>5</p>", "a b"),
        ("&eacute;&nbsp;&#x1F35E;&lol;<svg><text>no</text></svg>", "é 🍞&lol;"),
    ],
)
def test_structure_becomes_markdown(markup: str, text: str) -> None:
    assert body(markup) == text


ARTICLE = (
    "<h1>Sourdough</h1><p>Flour and water stand for five days until wild yeast and bacteria raise the dough.</p>"
    "<p>Every day half of it is thrown away, and as much flour and water is added to the rest.</p>"
    "<pre>feed --daily</pre><p>When it doubles within six hours, it is strong enough to bake with.</p>"
)
MENU = "".join(f'<li><a href="/{name}">{name}</a></li>' for name in ("Home", "Recipes", "Shop", "About us", "Contact"))


@pytest.mark.parametrize(
    "page",
    [
        f"<nav><ul>{MENU}</ul></nav><main>{ARTICLE}</main><footer>Imprint</footer>",
        f'<div class="navbar"><ul>{MENU}</ul></div><div>{ARTICLE}</div><div id="cookie-banner">We use cookies.</div>',
        f"<div><ul>{MENU}</ul></div><div><div>{ARTICLE}</div></div><p>© 2024 Bakers. All rights reserved.</p>",
        f'<div role="navigation">{MENU}</div>{ARTICLE}<div class="sidebar"><p>Related: rye.</p></div>',
    ],
    ids=["elements", "classes", "plain divs", "roles"],
)
def test_what_surrounds_the_content_is_left_out(page: str) -> None:
    text = values(html(page))["body"]
    assert text.startswith("# Sourdough\n\nFlour and water stand")
    assert "```\nfeed --daily\n```" in text
    assert text.endswith("strong enough to bake with.")


def test_a_page_of_links_alone_keeps_them() -> None:
    assert values(html(f"<h1>Index</h1><ul>{MENU}</ul>"))["body"].startswith("# Index\n\n- Home\n- Recipes")


def test_a_class_that_only_sounds_like_boilerplate_loses_no_text() -> None:
    assert "five days" in values(html(f'<div class="has-sidebar menu">{ARTICLE}</div>'))["body"]


def test_the_head_gives_title_language_address_authors_and_dates() -> None:
    head = (
        "<title>Bread &amp; butter</title><link rel=canonical href='https://example.org/b'>"
        "<meta name=author content='Ada'><meta property='article:author' content='https://example.org/ada'>"
        "<meta property='article:published_time' content='2024-03-01T12:30:00+01:00'>"
        "<meta name='dcterms.modified' content='2024/3/2'><meta name=keywords content='flour, water'>"
        "<meta name=description content='How to bake.'><meta name=date content='yesterday'>"
    )
    found = values(html(head=head, attributes=' lang="pt-br"'))
    assert found.pop("body") == "# Bread\n\nFlour and water."
    assert found == {
        "title": "Bread & butter",
        "language": "pt-BR",
        "url": "https://example.org/b",
        "metadata": {
            "authors": ["Ada"],
            "subject": "How to bake.",
            "keywords": ["flour", "water"],
            "published": "2024-03-01T12:30:00+01:00",
            "modified": "2024-03-02",
            "format": "html",
        },
    }


def test_linked_data_gives_what_the_head_does_not() -> None:
    data = '{"@graph": [{"@type": "WebSite"}, {"author": [{"name": "Ada"}], "datePublished": "2024-03-01"}]}'
    metadata = values(html(head=f'<script type="application/ld+json">{data}</script>'))["metadata"]
    assert metadata == {"authors": ["Ada"], "published": "2024-03-01", "format": "html"}


@pytest.mark.parametrize("address", ["javascript:alert(1)", "/relative", "ftp://example.org", "https://[bad"])
def test_addresses_that_nobody_should_follow_are_left_out(address: str) -> None:
    assert "url" not in values(html(head=f'<link rel="canonical" href="{address}">'))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("<meta charset=iso-8859-1><p>5 € für Brötchen".encode("cp1252"), "5 € für Brötchen"),
        ("<meta charset=shift_jis><p>パンを焼く".encode("cp932"), "パンを焼く"),
        ("<p>Brötchen".encode("utf-16"), "Brötchen"),
        ("<meta charset=utf-16><p>Brötchen".encode(), "Brötchen"),
        (b"<meta charset=rot13><p>Bread", "Bread"),
        (b"<meta charset=utf-8><p>Bre\xffad \x00 now, with enough text", "Breÿad now, with enough text"),
    ],
    ids=["windows", "japanese", "mark", "lie", "no charset", "one bad byte"],
)
def test_encodings_are_read_as_declared_or_detected(raw: bytes, text: str) -> None:
    found = values(raw)["body"]
    assert found == text if "\xff" not in text and "ÿ" not in text else found.startswith("Bre")


def test_xhtml_with_empty_elements_is_read_as_xml() -> None:
    page = xhtml('<script src="x.js"/><a id="top"/><p>Flour&nbsp;&amp; water</p>')
    assert values(page.encode())["body"] == "Flour & water"


def test_entities_are_never_expanded_nor_fetched() -> None:
    declared = '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">'
    for page in (
        f'<!DOCTYPE html [{declared}]><html xmlns="http://www.w3.org/1999/xhtml"><body><p>x &b; &f;</p></body></html>',
        f"<!DOCTYPE html [{declared}]><html><body><p>x &b; &f;</p></body></html>",
    ):
        text = values(page.encode())["body"]
        assert "aaaa" not in text and "root:" not in text


def test_a_page_nested_too_deeply_is_refused_rather_than_cut() -> None:
    with pytest.raises(UnreadableFile, match="cannot be read as a whole"):
        values(b"<div>" * 5_000 + b"the end")
