"""The texts of the visitors' pages and their translations: taken out of the sources, held against them, compiled.

    python -m tests.catalogue        adds what is new to every catalogue, marks nothing as done, and compiles them
    python -m tests.catalogue fr     makes the catalogue of a new language first

Needs no GNU gettext: templates are read by Django's own parser, modules by Python's.
"""

import ast
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import django
import polib  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
LOCALES = ROOT / "search/locale"
TEMPLATES = ("templates/*.html", "templates/search/**/*.html")
MODULES = (
    "search/web/**/*.py",
    "search/templatetags/*.py",
    "search/query_service.py",
    "search/retrieval/**/*.py",
    "search/branding.py",
)
CHOICES = "search/models/corpus.py"
"""Its field names are the admin's; visitors see only what can be chosen."""
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
            for message in _of_code(_parsed(path)):
                found.setdefault(message, set()).add(path.relative_to(ROOT).as_posix())
    for node in ast.walk(_parsed(ROOT / CHOICES)):
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("Choices") for base in node.bases):
            for message in _of_code(node):
                found.setdefault(message, set()).add(CHOICES)
    return found


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


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


def _of_code(tree: ast.AST) -> Iterator[Message]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
            texts = [ast.literal_eval(argument) for argument in node.args[: _CALLS[node.func.id]]]
            yield texts[0], texts[1] if len(texts) > 1 else ""


def catalogues() -> list[Path]:
    """Return the catalogue of each language."""
    return sorted(LOCALES.glob("*/LC_MESSAGES/django.po"))


def bring_up_to_date(path: Path) -> polib.POFile:
    """Make the catalogue at `path` if need be, give it the texts of the sources and no others, and compile it."""
    catalogue = polib.pofile(str(path)) if path.exists() else _new(path)
    known = {(entry.msgid, entry.msgid_plural): entry for entry in catalogue}
    wanted = messages()
    for message in known.keys() - wanted.keys():
        catalogue.remove(known[message])
    for (singular, plural), files in wanted.items():
        entry = known.get((singular, plural)) or polib.POEntry(msgid=singular, msgid_plural=plural)
        if plural and not entry.msgstr_plural:
            entry.msgstr_plural = dict.fromkeys(range(forms(catalogue)), "")
        entry.occurrences = [(file, "") for file in sorted(files)]
        if "%" in singular.replace("%%", "") and "python-format" not in entry.flags:
            entry.flags.append("python-format")
        if (singular, plural) not in known:
            catalogue.append(entry)
    catalogue.sort(key=lambda entry: (entry.occurrences, entry.msgid))
    catalogue.save(str(path))
    catalogue.save_as_mofile(str(path.with_suffix(".mo")))
    return catalogue


def forms(catalogue: polib.POFile) -> int:
    """Return how many forms the language has for a counted thing."""
    return int(catalogue.metadata["Plural-Forms"].split(";")[0].split("=")[1])


def main() -> None:
    """Bring the catalogues up to date, with those of the languages that are named."""
    new = [LOCALES / name / "LC_MESSAGES/django.po" for name in sys.argv[1:]]
    for path in sorted({*catalogues(), *new}):
        catalogue = bring_up_to_date(path)
        missing = len(catalogue.untranslated_entries())
        sys.stdout.write(f"{path.parts[-3]}: {len(catalogue)} texts, {missing} of them without a translation.\n")


def _new(path: Path) -> polib.POFile:
    """Return an empty catalogue that counts as Django's own one of the language does."""
    language = path.parts[-3]
    djangos = Path(django.__file__).parent / "conf/locale" / language / "LC_MESSAGES/django.mo"
    if not djangos.exists():
        raise SystemExit(f"Django has no language {language}; languages are written de, fr or pt_BR.")
    path.parent.mkdir(parents=True, exist_ok=True)
    made = polib.POFile(wrapwidth=110)
    made.metadata = {
        "Project-Id-Version": "semsearch",
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": polib.mofile(str(djangos)).metadata["Plural-Forms"],
    }
    return made


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "semsearch_project.settings.test")
    django.setup()
    main()
