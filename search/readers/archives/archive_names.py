"""Names of archive entries as labels that can be shown and stored. Never as paths: nothing is ever opened by one."""

import re
import unicodedata

_NAME_CHARS = 400
_PART_CHARS = 150
_DRIVE = re.compile(r"[A-Za-z]:")
_JUNK_FOLDERS = frozenset(("__MACOSX", ".git", ".svn"))
_JUNK_NAMES = frozenset((".ds_store", "thumbs.db", "desktop.ini"))


def label(name: str) -> tuple[str, str]:
    """Return a name as a relative path with `/`, and why an entry of that name is refused, or ""."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/"))
    problem = ""
    if name.startswith("/") or _DRIVE.match(name):
        problem = "Its name in the archive is an absolute path. Pack the files with relative names."
    parts = [_printable(part) for part in name.split("/")]
    if ".." in (part.strip() for part in parts):
        problem = "Its name in the archive leads out of it (“..”). Pack the files with names below one folder."
    parts = [part for part in parts if part and part.strip(" .")]
    return _shortened(parts) or "unnamed", problem


def is_junk(name: str) -> bool:
    """Tell whether an entry is what an operating system leaves in folders, and no document."""
    parts = name.split("/")
    return bool(
        _JUNK_FOLDERS.intersection(parts[:-1]) or parts[-1].lower() in _JUNK_NAMES or parts[-1].startswith("._")
    )


def zip_name(name: str, is_utf8: bool) -> str:
    """Return the name of a ZIP entry; many writers use UTF-8 and do not say so, then zipfile takes it for cp437."""
    if is_utf8:
        return name
    try:
        return name.encode("cp437").decode()
    except UnicodeError:
        return name


def tar_name(name: str) -> str:
    """Return the name of a TAR entry that was decoded as UTF-8 with surrogates for what is none."""
    raw = name.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _printable(part: str) -> str:
    """Drop control characters, directions that turn a name around, and what cannot be stored."""
    return "".join(" " if unicodedata.category(char) in ("Zl", "Zp") else char for char in part if _shows(char)).strip()


def _shows(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Cn", "Co")


def _shortened(parts: list[str]) -> str:
    short = [part if len(part) <= _PART_CHARS else _cut(part) for part in parts]
    name = "/".join(short)
    return name if len(name) <= _NAME_CHARS else "…" + name[-_NAME_CHARS + 1 :]


def _cut(part: str) -> str:
    """Shorten a part in its middle: it keeps its ending, and its beginning."""
    return f"{part[: _PART_CHARS - 41]}…{part[-40:]}"
