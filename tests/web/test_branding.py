"""An installation with a name, logo, colour, foot and start text of its own, by settings and without a fork."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from search import branding, checks
from search.colors import Color, contrast
from search.models import Collection

ROOT = Path(__file__).resolve().parents[2]
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
Brand = Callable[..., None]
pytestmark = pytest.mark.django_db


@pytest.fixture
def brand(settings: Any) -> Brand:
    """Set SITE_ settings."""

    def change(**values: str) -> None:
        settings.SEMSEARCH = {**settings.SEMSEARCH, **{f"SITE_{key}": value for key, value in values.items()}}

    return change


def test_name_foot_and_start_text_are_on_the_pages_and_escaped(
    client: Client, collection: Collection, brand: Brand
) -> None:
    brand(NAME="Acme <b>", FOOTER="Only for <us>", START_TEXT="Ask <away>")

    page = client.get("/").text

    assert "<title>Docs – Acme &lt;b&gt;</title>" in page
    assert "<span>Acme &lt;b&gt;</span>" in page
    assert "Only for &lt;us&gt;" in page and "What you ask stays" not in page
    assert "Ask &lt;away&gt;" in page
    assert "Semsearch" not in page
    assert "Acme &lt;b&gt;" in client.get("/nowhere/").text


def test_the_admin_has_the_same_name_logo_and_colour(client: Client, brand: Brand, tmp_path: Path) -> None:
    logo = tmp_path / "acme.svg"
    logo.write_text(SVG)
    brand(NAME="Acme", LOGO=str(logo))
    client.force_login(User.objects.create_superuser("admin"))

    page = client.get("/admin/").text

    assert "| Acme</title>" in page
    assert branding.site().logo_url in page
    assert (branding.admin_shades("#7a2048") or {})["600"] == "#7a2048"
    assert branding.admin_shades("") is branding.admin_shades("mauve") is None


def test_a_colour_is_a_stylesheet_that_browsers_keep_for_ever(client: Client, brand: Brand) -> None:
    assert "/theme/" not in client.get("/").text
    assert client.get("/theme/x.css").status_code == 404
    brand(COLOR="#7a2048")
    address = branding.site().theme_url

    sheet = client.get(address)

    assert f'<link rel="stylesheet" href="{address}">' in client.get("/").text
    assert "--accent: #7a2048;" in sheet.text
    assert sheet.headers["Content-Type"].startswith("text/css")
    assert "immutable" in sheet.headers["Cache-Control"]
    assert client.get("/theme/old.css").headers["Location"] == address


@pytest.mark.parametrize("color", ["#ffcc00", "#fff", "#000", "#0066ff", "#7a2048,#111111", "#ff0000"])
def test_any_colour_can_be_read_in_light_and_in_dark(brand: Brand, color: str) -> None:
    brand(COLOR=color)
    theme = branding.theme()
    assert theme is not None
    light, dark = theme.css.split("@media")

    for css, paper in ((light, "#fcfbf9"), (dark, "#1c1e1b")):
        found = {name: Color.read(value) for name, value in re.findall(r"(--[a-z-]+): (#\w+);", css)}
        for ground in (found["--wash"], Color.read(paper), found["--on-accent"]):
            assert contrast(found["--accent"], ground) >= 4.5
        assert contrast(found["--accent-deep"], found["--on-accent"]) >= 4.5


def test_a_logo_on_the_disk_is_served_by_its_content_and_runs_nothing(
    client: Client, collection: Collection, brand: Brand, tmp_path: Path
) -> None:
    logo = tmp_path / "acme.SVG"
    logo.write_text(SVG)
    brand(LOGO=str(logo))
    address = branding.site().logo_url

    picture = client.get(address)

    assert f'<img class="own-logo" src="{address}" alt="" height="32">' in client.get("/").text
    assert picture.getvalue() == SVG.encode()
    assert picture.headers["Content-Type"] == "image/svg+xml"
    assert "sandbox" in picture.headers["Content-Security-Policy"]
    assert "immutable" in picture.headers["Cache-Control"]
    assert client.get("/logo/old.svg").headers["Location"] == address


def test_a_file_that_is_no_picture_is_never_served(client: Client, brand: Brand, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    brand(LOGO=str(secret))

    assert branding.site().logo_url == ""
    assert client.get("/logo/x.txt").status_code == 404
    assert [message.id for message in checks.branding_can_be_shown(None)] == ["search.E011"]


def test_a_logo_can_be_one_of_the_static_files(brand: Brand) -> None:
    brand(LOGO="search/favicon.svg")

    assert branding.site().logo_url == "/static/search/favicon.svg"
    assert checks.branding_can_be_shown(None) == []


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, []),
        ({"COLOR": "#1f5f4d"}, []),
        ({"COLOR": "mauve"}, ["search.E010"]),
        ({"COLOR": "#111,#222,#333"}, ["search.E010"]),
        ({"LOGO": "nowhere/logo.svg"}, ["search.E011"]),
        ({"TEMPLATES": "/nowhere/at/all"}, ["search.E012"]),
    ],
)
def test_what_cannot_be_shown_is_said_at_start(brand: Brand, values: dict[str, str], found: list[str]) -> None:
    brand(**values)

    assert [message.id for message in checks.branding_can_be_shown(None)] == found


def test_a_colour_too_pale_is_said_with_the_one_that_is_shown_and_suffices(brand: Brand) -> None:
    brand(COLOR="#ffcc00")
    (message,) = checks.branding_can_be_shown(None)
    theme = branding.theme()
    assert message.id == "search.W010" and theme is not None
    assert f"Write SITE_COLOR={theme.light},#ffcc00." in str(message.hint)

    brand(COLOR=f"{theme.light},#ffcc00")

    assert checks.branding_can_be_shown(None) == []
    assert branding.theme() == theme


def test_a_template_of_the_installation_overrides_one_block_and_keeps_the_rest(
    client: Client, collection: Collection, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "base.html").write_text(
        '{% extends "base.html" %}{% block header %}<p>Moved soon</p>{{ block.super }}{% endblock %}'
    )
    [ours] = settings.TEMPLATES
    settings.TEMPLATES = [{**ours, "DIRS": [tmp_path, *ours["DIRS"]]}]

    page = client.get("/").text

    assert page.index("Moved soon") < page.index('<header class="bar">')
    assert '<form id="search"' in page


def test_the_setting_for_templates_puts_its_folder_before_ours(tmp_path: Path) -> None:
    (tmp_path / "base.html").write_text('{% extends "base.html" %}{% block footer_text %}Only for us{% endblock %}')
    show = (
        "import django; django.setup()\n"
        "from django.template.loader import render_to_string\nprint(render_to_string('500.html'))"
    )
    environment = {
        **os.environ,
        "SEMSEARCH_SITE_TEMPLATES": str(tmp_path),
        "SEMSEARCH_DATA_DIR": str(tmp_path / "data"),
    }

    page = subprocess.run(
        [sys.executable, "-c", show], cwd=ROOT, env=environment, capture_output=True, check=True
    ).stdout

    assert b"Only for us" in page and b"What you ask stays" not in page
    assert b'class="brand"' in page


def test_every_block_of_the_pages_is_documented_and_no_other() -> None:
    table = (ROOT / "docs" / "branding.md").read_text().split("| template | block | holds |")[1]
    rows = "\n".join(line.rsplit("|", 2)[0] for line in table.split("\n\n")[0].splitlines())
    nested = {"brand", "nav", "footer_text"}
    pages = [ROOT / "templates" / name for name in ("base.html", "search/search.html", "search/document.html")]
    blocks = {block for page in pages for block in re.findall(r"{% block (\w+) %}", page.read_text())}

    assert set(re.findall(r"`([a-z_]+)`", rows)) == blocks - nested
    assert all(f"`{name}`" in table for name in nested)
