"""The texts of the visitors' pages and their German: taken out of the sources, held against the catalogue, compiled.

    python -m tests.catalogue        adds what is new to the catalogue, marks nothing as done, and compiles it

Needs no GNU gettext: templates are read by Django's own parser, modules by Python's.
"""

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import polib  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "search/locale/de/LC_MESSAGES/django.po"
TEMPLATES = ("templates/*.html", "templates/search/**/*.html")
MODULES = ("search/web/**/*.py", "search/query_service.py", "search/retrieval/**/*.py", "search/branding.py")
_CALLS = {"_": 1, "gettext": 1, "gettext_lazy": 1, "ngettext": 2, "ngettext_lazy": 2}
Message = tuple[str, str]
"""A text, and its plural or ""."""


def messages() -> dict[Message, set[str]]:
    """Return every text that visitors can read, with the files that have it."""
    found: dict[Message, set[str]] = {}
    for pattern in TEMPLATES:
        for path in sorted(ROOT.glob(pattern)):
            for message in _of_template(path.relative_to(ROOT / "templates").as_posix()):
                found.setdefault(message, set()).add(path.relative_to(ROOT).as_posix())
    for pattern in MODULES:
        for path in sorted(ROOT.glob(pattern)):
            for message in _of_module(path):
                found.setdefault(message, set()).add(path.relative_to(ROOT).as_posix())
    return found


def _of_template(name: str) -> Iterator[Message]:
    from django.template.loader import get_template
    from django.templatetags.i18n import BlockTranslateNode, TranslateNode

    nodes = get_template(name).template.nodelist  # type: ignore[attr-defined]
    for node in nodes.get_nodes_by_type(TranslateNode):
        text = node.filter_expression.var.literal
        assert isinstance(text, str), f"{name} translates what is not a text"
        yield text.replace("%%", "%"), ""
    for node in nodes.get_nodes_by_type(BlockTranslateNode):
        plural = node.render_token_list(node.plural)[0] if node.plural else ""
        yield node.render_token_list(node.singular)[0], plural


def _of_module(path: Path) -> Iterator[Message]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
            texts = [ast.literal_eval(argument) for argument in node.args[: _CALLS[node.func.id]]]
            yield texts[0], texts[1] if len(texts) > 1 else ""


def main() -> None:
    """Bring the catalogue up to date."""
    catalogue = polib.pofile(str(CATALOGUE)) if CATALOGUE.exists() else _new()
    known = {(entry.msgid, entry.msgid_plural): entry for entry in catalogue}
    wanted = messages()
    for message in known.keys() - wanted.keys():
        catalogue.remove(known[message])
    for (singular, plural), files in wanted.items():
        entry = known.get((singular, plural)) or polib.POEntry(msgid=singular, msgid_plural=plural)
        if plural and not entry.msgstr_plural:
            entry.msgstr_plural = {0: "", 1: ""}
        entry.occurrences = [(file, "") for file in sorted(files)]
        if "%" in singular.replace("%%", "") and "python-format" not in entry.flags:
            entry.flags.append("python-format")
        if (singular, plural) not in known:
            catalogue.append(entry)
    catalogue.sort(key=lambda entry: (entry.occurrences, entry.msgid))
    catalogue.save(str(CATALOGUE))
    catalogue.save_as_mofile(str(CATALOGUE.with_suffix(".mo")))
    sys.stdout.write(
        f"{len(catalogue)} texts, {len(catalogue.untranslated_entries())} of them without a translation.\n"
    )


def _new() -> polib.POFile:
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    made = polib.POFile(wrapwidth=110)
    made.metadata = {
        "Project-Id-Version": "semsearch",
        "Language": "de",
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=2; plural=(n != 1);",
    }
    return made


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "semsearch_project.settings.test")
    import django

    django.setup()
    main()
