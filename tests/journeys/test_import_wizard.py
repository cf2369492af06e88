"""A curator imports a table in the admin: upload, columns, dry run, import, a failed row mended, the document found.

Twice: by forms over HTTP, which needs nothing, and in a real browser with the page's script, where one is installed.
"""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.screen import needs_chromium
from tests.journeys.stack import Stack
from tests.servers import wait_until

pytestmark = pytest.mark.timeout(300)

ROWS = (
    "nr,frage,answer,source,office\n"
    "L-1,Who keeps the lamp?,The lighthouse keeper winds the clockwork that turns it.,https://example.org/lamp,North\n"
    "L-2,Who bakes the bread?,The baker lets the dough rise for two hours.,https://example.org/bread,South\n"
    "L-3,Who tunes the organ?,The organ builder listens to every pipe in turn.,javascript:alert(1),North\n"
)
COLUMNS = {"nr": "external_id", "frage": "title", "answer": "body", "source": "url"}
NEW = "/admin/search/importjob/add/"


def field_of(page: str, column: str) -> str:
    """Return the name of the field that says what becomes of a column."""
    found = re.search(rf'<label for="id_(field_\d+)"[^>]*>{column}</label>', page)
    assert found, f"no column {column} on the page"
    return found[1]


def test_forms_alone_bring_a_table_in_and_mend_what_failed(stack: Stack, slug: str) -> None:
    admin = stack.admin
    draft = admin.upload(f"{NEW}?collection={stack.collection_id(slug)}", {"lamps.csv": ROWS.encode()})
    address = draft.url.removeprefix(admin.origin)
    job = address.split("/")[4]
    assert "Who keeps the lamp?" in draft.text and "lamps.csv" in draft.text, draft.errors()

    chosen = {field_of(draft.text, column): field for column, field in COLUMNS.items()}
    previewed = admin.press(address, address, action="preview", **chosen)
    assert re.search(r"sem-row-title[^>]*>Who keeps the lamp\?", previewed.text), "the title is not mapped"
    tried = admin.press(address, address, action="try", **chosen)
    assert tried.url == draft.url, tried.errors()

    def over() -> bool:
        """Follow the piece of the page that moves until the page has none any more."""
        piece = re.search(r'hx-get="(/admin/search/importjob/\d+/progress/[^"]*)"', admin.get(address).text)
        if piece:
            assert admin.get(piece[1].replace("&amp;", "&")).status == 200
        return not piece

    wait_until(over, seconds=60, what="the dry run is over")
    assert "1 row would not get in" in admin.get(address).text
    assert not stack.sql("SELECT id FROM search_document WHERE collection_id = %s", (stack.collection_id(slug),))

    admin.press(address, f"/admin/search/importjob/{job}/start/")
    wait_until(lambda: "1 row did not get in" in admin.get(address).text, seconds=60, what="the import is over")
    failures = admin.get(f"/admin/search/importjob/{job}/failures/?state=open").text
    assert "line 4" in failures and "javascript:alert(1)" in failures
    row = re.search(rf'href="(/admin/search/importjob/{job}/failures/\d+/)"', failures)
    assert row
    mended = admin.submit(row[1], url="https://example.org/organ", title="Who tunes the organ?")
    assert re.search(r'/admin/search/document/\d+/change/">Who tunes the organ\?', mended.text), mended.errors()

    stack.wait_indexed(slug)
    assert "Done; what did not get in at first has been taken care of." in admin.get(address).text
    assert "Who tunes the organ?" in admin.get("/", q="listening to pipes", collection=slug).text
    assert sorted(stack.found("who does what", slug)) == ["L-1", "L-2", "L-3"]


@needs_chromium
@pytest.mark.parametrize(
    "installation",
    [pytest.param("sqlite", marks=[pytest.mark.journey, pytest.mark.xdist_group("journeys-sqlite")])],
    indirect=True,
)
def test_a_browser_brings_a_folder_in_and_mends_what_failed(
    stack: Stack, slug: str, screen: Page, tmp_path: Path
) -> None:
    folder = tmp_path / "island"
    (folder / "notes").mkdir(parents=True)
    (folder / "lamps.csv").write_text(ROWS)
    (folder / "notes" / "harbour.txt").write_text("The harbour master writes down every ship.\n")
    screen.goto(NEW)
    screen.select_option("[name=collection]", label=f"Journey {slug}")
    screen.set_input_files("[data-folder]", folder)
    expect(screen.locator("[data-list]")).to_contain_text("island/notes/harbour.txt")

    screen.click("text=Upload and look inside")
    for column, field in COLUMNS.items():
        screen.get_by_label(column, exact=True).select_option(field)
    screen.click("text=Update preview")
    expect(screen.locator(".sem-preview")).to_contain_text("island/notes/harbour.txt")
    expect(screen.locator(".sem-row-title", has_text="Who keeps the lamp?")).to_be_visible()

    screen.click("text=Try it on everything")
    expect(screen.locator("#sem-state")).to_contain_text("1 row would not get in", timeout=60_000)
    screen.click("text=Import now")
    expect(screen.locator("#sem-state")).to_contain_text("Done, but 1 row did not get in", timeout=60_000)

    screen.click("text=Mend 1 failure")
    screen.click(".sem-failures a >> text=Mend")
    screen.fill("[name=url]", "https://example.org/organ")
    screen.click("text=Save the document")
    expect(screen.locator("body")).to_contain_text("The row is in: Who tunes the organ?")

    stack.wait_indexed(slug)
    screen.goto(f"/?q=listening+to+pipes&collection={slug}")
    expect(screen.locator("main")).to_contain_text("Who tunes the organ?")
    assert sorted(stack.found("who does what", slug)) == ["L-1", "L-2", "L-3", "island/notes/harbour.txt"]
