"""What a word may have been meant to be."""

import pytest

from search.lexical.spelling import corrections


def offered(word: str, *known: str) -> list[str]:
    """Return what is offered for a word in an index of these words, each there once."""
    counts = dict.fromkeys(known, 1)
    found = corrections(
        word,
        lambda other: counts.get(other, 0),
        lambda prefix, most: [(other, 1) for other in known if other.startswith(prefix)][:most],
    )
    return [other for other, _worth in found]


@pytest.mark.parametrize(
    ("word", "meant"),
    [("refunb", "refund"), ("refudn", "refund"), ("refun", "refund"), ("refundd", "refund"), ("sharpan", "sharpen"),
     ("wetstone", "whetstone"), ("reimbursmnt", "reimbursement")],
)  # fmt: skip
def test_a_mistake_is_corrected(word: str, meant: str) -> None:
    assert offered(word, meant, "another") == [meant]


@pytest.mark.parametrize(
    ("word", "other"), [("maker", "make"), ("make", "maker"), ("cooker", "cook"), ("baked", "bake"), ("boxes", "boxe")]
)
def test_another_form_of_a_word_is_no_correction(word: str, other: str) -> None:
    assert offered(word, other) == []
