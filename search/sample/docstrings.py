"""From imported modules to entries: what is public, under which name, and its docstring.

An object that several modules offer counts once, under the first name that is met, so the order of the
modules decides. Nothing is called and nothing is imported here.
"""

import dataclasses
import inspect
import re
from collections.abc import Iterator, KeysView, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from search.sample.signatures import signature_of
from search.sample.stdlib_modules import page_url

MIN_DOC_CHARS = 35
_BARE_CALL = re.compile(r"\w+\(.*\)")  # a grammar line such as "Expr(expr value)" instead of a description


@dataclass(frozen=True, slots=True)
class Entry:
    """The documentation of one module, class, function, method or property."""

    name: str  # qualified, as people write it: "itertools.groupby"; builtins without their module
    module: str
    kind: str  # module, class, exception, function, method or property
    title: str  # the name with its signature
    body: str  # the whole docstring
    url: str


def read_modules(modules: Sequence[tuple[str, ModuleType]]) -> list[Entry]:
    """Return the entries of `modules` in their order: for each the module, its objects, then its classes' members."""
    public = _public_objects(modules)
    by_module: dict[str, list[tuple[str, Any]]] = {name: [] for name, _ in modules}
    for module_name, name, value in public.values():
        by_module[module_name].append((name, value))
    shown: set[tuple[str, str]] = set()
    entries: list[Entry] = []
    for module_name, module in modules:
        found = [
            _entry(module_name, "module", module_name, module, module.__doc__),
            *_objects(module_name, by_module[module_name]),
            *_members(module_name, by_module[module_name], public.keys()),
        ]
        for entry in found:
            # Twins such as bytes.hex and bytearray.hex would only push each other down in a result list.
            key = (entry.name.rpartition(".")[2], entry.body) if entry else ("", "")
            if entry and key not in shown:
                shown.add(key)
                entries.append(entry)
    return entries


def _public_objects(modules: Sequence[tuple[str, ModuleType]]) -> dict[int, tuple[str, str, Any]]:
    """Return (module, name, object) of each class and routine by its id, under the first name that is met."""
    result: dict[int, tuple[str, str, Any]] = {}
    for module_name, module in modules:
        for name in _public_names(module_name, module):
            value = getattr(module, name, None)
            if inspect.isclass(value) or inspect.isroutine(value):
                result.setdefault(id(value), (module_name, name, value))
    return result


def _public_names(module_name: str, module: ModuleType) -> list[str]:
    declared = getattr(module, "__all__", None)
    if declared is not None:
        return sorted(name for name in set(declared) if not name.startswith("_"))
    own_package = module_name.partition(".")[0]

    def belongs(value: Any) -> bool:
        home = getattr(value, "__module__", None) or module_name
        return bool(home.lstrip("_").partition(".")[0] == own_package or home.startswith("_"))

    return sorted(name for name, value in vars(module).items() if not name.startswith("_") and belongs(value))


def _objects(module_name: str, found: list[tuple[str, Any]]) -> Iterator[Entry | None]:
    for name, value in sorted(found, key=lambda item: (_kind(item[1]) == "exception", item[0])):
        qualified = name if module_name == "builtins" else f"{module_name}.{name}"
        yield _entry(module_name, _kind(value), qualified, value, _own_doc(value))


def _members(module_name: str, found: list[tuple[str, Any]], public: KeysView[int]) -> Iterator[Entry | None]:
    for class_name, cls in found:
        if not inspect.isclass(cls):
            continue
        prefix = class_name if module_name == "builtins" else f"{module_name}.{class_name}"
        for name, member in sorted(_own_members(cls, public).items()):
            kind = "property" if inspect.isdatadescriptor(member) else "method"
            yield _entry(module_name, kind, f"{prefix}.{name}", member, _member_doc(cls, name, member))


def _own_members(cls: type, public: KeysView[int]) -> dict[str, Any]:
    """Return the documented members that `cls` brings itself or takes from bases that have no entry of their own."""
    result: dict[str, Any] = {}
    for base in cls.__mro__:
        if base is not cls and id(base) in public:
            continue
        for name, member in vars(base).items():
            if not name.startswith("_") and (_is_method(member) or inspect.isdatadescriptor(member)):
                result.setdefault(name, member)
    return result


def _is_method(member: Any) -> bool:
    return isinstance(member, classmethod | staticmethod) or inspect.isroutine(member)


def _member_doc(cls: type, name: str, member: Any) -> str | None:
    """Return the member's docstring unless it only repeats that of a builtin such as object or dict."""
    doc = getattr(member, "__doc__", None)
    for base in cls.__mro__[1:]:
        if base.__module__ == "builtins" and getattr(vars(base).get(name), "__doc__", None) == doc:
            return None
    return doc


def _own_doc(value: Any) -> str | None:
    """Return the docstring that was written for `value`: not a base class's, not one that dataclass made."""
    if inspect.isclass(value):
        doc = vars(value).get("__doc__")
        made = dataclasses.is_dataclass(value) and isinstance(doc, str) and doc.startswith(f"{value.__name__}(")
        return None if made else doc
    return getattr(value, "__doc__", None)


def _kind(value: Any) -> str:
    if not inspect.isclass(value):
        return "function"
    return "exception" if issubclass(value, BaseException) else "class"


def _entry(module: str, kind: str, name: str, value: Any, doc: object) -> Entry | None:
    """Return the entry, or None where the docstring is missing or too short to be worth finding."""
    if not isinstance(doc, str):
        return None
    body = re.sub(r" at 0x[0-9a-fA-F]+", "", inspect.cleandoc(doc)).strip()
    if len(body) < MIN_DOC_CHARS or _BARE_CALL.fullmatch(body):
        return None
    title = name + ("" if kind in ("module", "property") else signature_of(value, kind, name, body))
    return Entry(name=name, module=module, kind=kind, title=title, body=body, url=page_url(module, kind, name))
