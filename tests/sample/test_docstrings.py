"""What of a module becomes an entry, under which name."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any

from search.sample.docstrings import read_modules

LONG = "A description that is long enough to be worth finding"


def module(name: str, doc: str | None = None, **members: Any) -> tuple[str, ModuleType]:
    made = ModuleType(name, doc)
    for key, value in members.items():
        setattr(made, key, value)
    return name, made


def function(name: str, doc: str | None, home: str = "shop") -> Any:
    def made(item: str, *, count: int = 1) -> None: ...

    made.__name__, made.__doc__, made.__module__ = name, doc, home
    return made


def names(*modules: tuple[str, ModuleType]) -> list[str]:
    return [entry.name for entry in read_modules(modules)]


def test_an_entry_has_the_signature_as_title_and_the_whole_docstring_as_body() -> None:
    [entry] = read_modules([module("shop", sell=function("sell", f"{LONG}.\n\n    More of it."))])

    assert (entry.name, entry.kind, entry.module) == ("shop.sell", "function", "shop")
    assert entry.title == "shop.sell(item, *, count=1)"
    assert entry.body == f"{LONG}.\n\nMore of it."
    assert entry.url == "https://docs.python.org/3/library/shop.html#shop.sell"


def test_names_of_builtins_are_written_without_their_module() -> None:
    assert names(module("builtins", sell=function("sell", LONG, "builtins"))) == ["sell"]


def test_an_object_of_two_modules_counts_once_under_the_name_that_comes_first() -> None:
    sell = function("sell", LONG)

    assert names(module("shop", sell=sell), module("shop.inner", sell=sell)) == ["shop.sell"]


def test_twins_with_the_same_name_and_text_count_once() -> None:
    first, second = function("sell", LONG), function("sell", LONG, "market")

    assert names(module("shop", sell=first), module("market", sell=second)) == ["shop.sell"]


def test_private_names_are_left_out() -> None:
    assert names(module("shop", _sell=function("_sell", LONG))) == []


def test_names_that_a_module_only_imports_are_left_out() -> None:
    assert names(module("shop", sell=function("sell", LONG, "market"))) == []


def test_names_that_a_module_declares_public_are_in_wherever_they_come_from() -> None:
    sell = function("sell", LONG, "market")

    assert names(module("shop", sell=sell, __all__=["sell", "gone"])) == ["shop.sell"]


def test_short_docstrings_and_bare_grammar_are_left_out() -> None:
    short, grammar = function("short", "Sell."), function("grammar", "Grammar(expr* values, expr_context context)")

    assert names(module("shop", short=short, grammar=grammar, silent=function("silent", None))) == []


def test_a_class_brings_its_public_methods_and_properties() -> None:
    class Till:
        """Where the money of a shop is kept over the day."""

        def open(self, key: str) -> None:
            """Open the drawer, if the key is that of this till."""

        def _spring(self) -> None:
            """Something inside that nobody outside should know about."""

        @property
        def total(self) -> int:
            """The sum of all the money that is in the drawer now."""
            return 0

    Till.__module__ = "shop"
    entries = read_modules([module("shop", Till=Till)])

    assert [(entry.kind, entry.title) for entry in entries] == [
        ("class", "shop.Till()"),
        ("method", "shop.Till.open(key)"),
        ("property", "shop.Till.total"),
    ]


def test_methods_of_a_base_class_without_an_entry_belong_to_the_class_that_people_know() -> None:
    class _Base:
        def open(self) -> None:
            """Open the drawer, if the key is that of this till."""

    class Till(_Base):
        """Where the money of a shop is kept over the day."""

    Till.__module__ = "shop"

    assert names(module("shop", Till=Till)) == ["shop.Till", "shop.Till.open"]


def test_methods_of_a_public_base_class_are_told_once() -> None:
    class Box:
        """Anything that has a lid and can be opened by hand."""

        def open(self) -> None:
            """Open the lid carefully, so that nothing falls out."""

    class Till(Box):
        """Where the money of a shop is kept over the day."""

    Box.__module__ = Till.__module__ = "shop"

    assert names(module("shop", Box=Box, Till=Till)) == ["shop.Box", "shop.Till", "shop.Box.open"]


def test_a_method_that_repeats_the_text_of_a_builtin_is_left_out() -> None:
    class Shelf(dict[str, int]):
        """A dictionary of the goods that stand on one shelf."""

        def update(self, *args: Any, **kwargs: Any) -> None: ...

        update.__doc__ = dict.update.__doc__

    Shelf.__module__ = "shop"

    assert names(module("shop", Shelf=Shelf)) == ["shop.Shelf"]


def test_a_docstring_that_dataclass_made_is_no_documentation() -> None:
    @dataclass
    class Receipt:
        number_of_the_receipt: int
        name_of_the_customer: str

    Receipt.__module__ = "shop"

    assert names(module("shop", Receipt=Receipt)) == []


def test_exceptions_come_after_what_people_look_for_more_often() -> None:
    class Bankrupt(Exception):
        """Raised when the shop has no money left to give back."""

    Bankrupt.__module__ = "shop"

    assert names(module("shop", Bankrupt=Bankrupt, sell=function("sell", LONG))) == ["shop.sell", "shop.Bankrupt"]


def test_addresses_of_objects_are_removed_from_the_text() -> None:
    [entry] = read_modules([module("shop", sell=function("sell", f"{LONG} <object at 0x7f1cde34>."))])

    assert entry.body == f"{LONG} <object>."
