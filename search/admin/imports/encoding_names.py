"""Encodings by the names that people know them by, to choose from. Which of them a text is in, is not known here."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_NAMES: dict[str, str | Promise] = {
    "utf-8": _("Unicode (UTF-8)"),
    "utf-16-le": _("Unicode (UTF-16)"),
    "cp1252": _("Western Europe (Windows-1252, Latin-1)"),
    "iso8859-15": _("Western Europe (ISO 8859-15)"),
    "cp850": _("Western Europe (DOS 850)"),
    "mac-roman": _("Western Europe (Macintosh)"),
    "cp1250": _("Central Europe (Windows-1250)"),
    "iso8859-2": _("Central Europe (ISO 8859-2)"),
    "cp852": _("Central Europe (DOS 852)"),
    "cp1251": _("Cyrillic (Windows-1251)"),
    "koi8-r": _("Cyrillic (KOI8-R)"),
    "koi8-u": _("Cyrillic (KOI8-U)"),
    "cp866": _("Cyrillic (DOS 866)"),
    "cp1253": _("Greek (Windows-1253)"),
    "cp1254": _("Turkish (Windows-1254)"),
    "cp1255": _("Hebrew (Windows-1255)"),
    "cp1256": _("Arabic (Windows-1256)"),
    "cp1257": _("Baltic (Windows-1257)"),
    "cp874": _("Thai (Windows-874)"),
    "cp932": _("Japanese (Shift-JIS)"),
    "euc_jp": _("Japanese (EUC-JP)"),
    "gb18030": _("Chinese (GB 18030)"),
    "big5": _("Chinese (Big5)"),
    "cp949": _("Korean (Windows-949)"),
}


def encoding_choices(chosen: str = "") -> list[tuple[str, Any]]:
    """Return the encodings to choose from, among them the one that is chosen already."""
    further = [] if not chosen or chosen in _NAMES else [(chosen, chosen)]
    return [("", _("Find it out for each file")), *_NAMES.items(), *further]


def encoding_name(encoding: str) -> str:
    """Return what people call an encoding; its technical name where nobody does."""
    return str(_NAMES.get(encoding, encoding))
