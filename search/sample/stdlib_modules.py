"""Which modules of the standard library make up the sample corpus, in which order, and where their pages are.

Names only: nothing is imported here. The best known modules come first, so that a part of the corpus is
the most useful part.
"""

import sys

WELL_KNOWN = (
    "builtins", "collections", "itertools", "functools", "threading", "concurrent.futures", "pathlib", "json", "re",
    "datetime", "os", "os.path", "random", "math", "statistics", "string", "csv", "subprocess", "asyncio", "shutil",
    "tempfile", "logging", "time", "queue", "heapq", "bisect", "contextlib", "dataclasses", "enum", "typing", "copy",
    "operator", "collections.abc", "io", "glob", "fnmatch", "argparse", "configparser", "tomllib", "pickle",
    "sqlite3", "zipfile", "tarfile", "gzip", "zlib", "hashlib", "hmac", "secrets", "base64", "struct", "uuid",
    "textwrap", "difflib", "unicodedata", "decimal", "fractions", "calendar", "zoneinfo", "urllib.parse",
    "urllib.request", "http.client", "http.server", "html", "html.parser", "xml.etree.ElementTree", "email.message",
    "smtplib", "socket", "socketserver", "ssl", "select", "selectors", "signal", "sched", "multiprocessing",
    "unittest", "unittest.mock", "doctest", "pdb", "traceback", "warnings", "inspect", "ast", "dis", "gc", "weakref",
    "types", "abc", "sys", "platform", "importlib", "importlib.metadata", "importlib.resources", "pkgutil", "timeit",
    "cProfile", "pstats", "tracemalloc", "pprint", "reprlib", "getpass", "shlex", "locale", "gettext", "mimetypes",
    "ipaddress", "array", "mmap", "ctypes", "contextvars", "logging.handlers", "logging.config", "codecs",
)  # fmt: skip

SUBMODULES = (
    "curses.ascii", "curses.panel", "email.charset", "email.contentmanager", "email.encoders", "email.errors",
    "email.generator", "email.header", "email.headerregistry", "email.iterators", "email.mime", "email.parser",
    "email.policy", "email.utils", "html.entities", "http.cookiejar", "http.cookies", "importlib.abc",
    "importlib.machinery", "importlib.util", "multiprocessing.managers", "multiprocessing.pool",
    "multiprocessing.shared_memory", "urllib.error", "urllib.robotparser", "wsgiref.headers",
    "wsgiref.simple_server", "wsgiref.util", "xml.dom", "xml.dom.minidom", "xml.dom.pulldom", "xml.sax",
    "xml.sax.handler", "xml.sax.saxutils", "xml.sax.xmlreader", "xmlrpc.client", "xmlrpc.server",
)  # fmt: skip
"""Documented submodules besides those in WELL_KNOWN; the others are the library's own inside."""

LEFT_OUT = frozenset({
    # These act on import (open a browser, print, open windows), or are no library for other programs.
    "antigravity", "this", "idlelib", "test", "lib2to3", "tkinter", "turtle", "turtledemo", "ensurepip",
    # Removed from newer versions, or another spelling of a module that is in.
    "distutils", "imp", "asynchat", "asyncore", "smtpd", "genericpath", "ntpath", "posixpath", "posix", "nt",
    "nturl2path", "opcode", "pyexpat", "pydoc_data", "sre_compile", "sre_constants", "sre_parse",
})  # fmt: skip

_PAGES_BY_OTHER_NAMES = {
    "importlib.abc": "importlib", "importlib.machinery": "importlib", "importlib.util": "importlib",
    "multiprocessing.managers": "multiprocessing", "multiprocessing.pool": "multiprocessing",
    "wsgiref.headers": "wsgiref", "wsgiref.simple_server": "wsgiref", "wsgiref.util": "wsgiref",
    "xml.sax.saxutils": "xml.sax.utils", "xml.sax.xmlreader": "xml.sax.reader",
}  # fmt: skip

_BUILTIN_PAGES = {"module": "builtins", "function": "functions", "exception": "exceptions"}


def module_names() -> list[str]:
    """Return the names of the sample's modules, well-known ones first, the others by name; all public."""
    top_level = {name for name in sys.stdlib_module_names if not name.startswith("_")} - LEFT_OUT
    others = sorted(top_level.union(SUBMODULES).difference(WELL_KNOWN))
    return [*WELL_KNOWN, *others]


def page_url(module: str, kind: str, anchor: str) -> str:
    """Return the address of the documentation of `anchor`, a qualified name in `module`."""
    if module == "builtins":
        page = _BUILTIN_PAGES.get(kind, "stdtypes")
    else:
        page = _PAGES_BY_OTHER_NAMES.get(module, module).lower()
    fragment = f"module-{anchor}" if kind == "module" else anchor
    return f"https://docs.python.org/3/library/{page}.html#{fragment}"
