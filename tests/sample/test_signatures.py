"""How a call is written in a title."""

import enum
from typing import Any

from search.sample.signatures import MAX_CHARS, signature_of


class Colour(enum.Enum):
    RED = "red"


def call(value: Any, *, kind: str = "function", name: str = "shop.sell", doc: str = "") -> str:
    return signature_of(value, kind, name, doc)


def test_annotations_are_left_out() -> None:
    def sell(item: str, count: int = 1) -> bool:
        return bool(item and count)

    assert call(sell) == "(item, count=1)"


def test_a_method_is_shown_as_people_call_it() -> None:
    def sell(self: Any, item: str) -> None: ...

    assert call(sell, kind="method") == "(item)"


def test_a_class_method_is_shown_without_its_class() -> None:
    def sell(cls: Any, item: str) -> None: ...

    assert call(classmethod(sell), kind="method") == "(item)"


def test_a_static_method_keeps_all_parameters() -> None:
    def sell(item: str, count: int) -> None: ...

    assert call(staticmethod(sell), kind="method") == "(item, count)"


def test_plain_defaults_are_shown() -> None:
    def sell(a: Any = None, b: Any = "all", c: Any = (80, 24), d: Any = Colour.RED, e: Any = int) -> None: ...

    assert call(sell) == "(a=None, b='all', c=(80, 24), d=Colour.RED, e=int)"


def test_defaults_that_tell_about_the_machine_are_not_shown() -> None:
    environment, folder, marker = {"SECRET": "hunter2"}, "/home/somebody/data", object()

    def sell(a: Any = environment, b: Any = folder, c: Any = marker) -> None: ...

    assert call(sell) == "(a=..., b=..., c=...)"


def test_a_call_without_known_parameters_is_taken_from_the_docstring() -> None:
    assert call(object(), name="dict.update", doc="D.update([E, ]**F) -> None.  Update D.") == "([E, ]**F)"


def test_unknown_parameters_are_shown_as_unknown() -> None:
    assert call(object()) == "(...)"
    assert call(object(), kind="class") == ""


def test_a_long_signature_is_cut_between_parameters() -> None:
    parameters = ", ".join(f"parameter_{number}=None" for number in range(30))
    namespace: dict[str, Any] = {}
    exec(f"def sell({parameters}): ...", namespace)
    text = call(namespace["sell"])

    assert text.startswith("(parameter_0=None, parameter_1=None")
    assert text.endswith("=None, ...)")
    assert len(text) <= MAX_CHARS + len(", ...)")
