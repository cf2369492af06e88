"""`make screenshots`: pictures of every page in light and dark, wide and on a phone, and a page that shows them all.

    python -m tests.screens FOLDER

Prints what axe, the consoles and the layout complain of, and exits with 1 if there is anything of ours.
"""

import html
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.journeys.screen import FLAGS, chromium
from tests.journeys.stack import ADMIN
from tests.screens.camera import FOUR, Picture, window
from tests.screens.pages import admin_pages, installation, visitors_pages
from tests.screens.states import states
from tests.screens.test_accessibility import in_state, not_ours, sign_in


def main() -> int:
    """Return the exit status."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    pictures: list[Picture] = []
    with installation() as (stack, ids), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        for look in FOUR:
            for pages in (visitors_pages(ids), admin_pages(ids)):
                with window(browser, stack.admin.origin, look) as opened:
                    if pages[0].signed_in:
                        sign_in(opened)
                    for shown in pages:
                        opened.problems.clear()
                        opened.go(shown.path)
                        pictures.append(opened.picture(shown.name, folder))
        with states(stack, ids, ADMIN) as all_states:
            for state in all_states:
                for look in FOUR:
                    with in_state(browser, stack, state, look) as opened:
                        pictures.append(opened.picture(state.name, folder))
        browser.close()
    (folder / "index.html").write_text(contact_sheet(pictures), encoding="utf-8")
    complaints = [line for picture in pictures for line in complaints_of(picture)]
    sys.stdout.write("\n".join([*complaints, f"{len(pictures)} pictures: {folder / 'index.html'}\n"]))
    return 1 if complaints else 0


def complaints_of(picture: Picture) -> list[str]:
    """Return what was noticed on a picture and is ours."""
    place = f"{picture.name} ({picture.look})"
    ours = [v for v in picture.violations if not not_ours(v.rule, v.selector)]
    lines = [f"{place}: {violation.rule} at {violation.selector}" for violation in ours]
    lines += [f"{place}: {problem}" for problem in picture.problems]
    return lines + ([f"{place}: wider than the window by {picture.wider_by} px"] if picture.wider_by else [])


def contact_sheet(pictures: list[Picture]) -> str:
    """Return a page that shows all pictures, those of one page side by side."""
    rows = []
    for name in dict.fromkeys(picture.name for picture in pictures):
        files = [html.escape(picture.file) for picture in pictures if picture.name == name]
        shots = "".join(f'<a href="{file}"><img src="{file}" alt="{file}" height="320"></a>' for file in files)
        rows.append(f"<h2>{html.escape(name)}</h2><p>{shots}</p>")
    return f"<!doctype html><meta charset=utf-8><title>Screenshots</title>{''.join(rows)}"


if __name__ == "__main__":
    sys.exit(main())
