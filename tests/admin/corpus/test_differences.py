"""Pieces that lead from one text to another."""

from search.admin.corpus.differences import Kind, Piece, differences


def test_a_changed_word_is_shown_as_that_word() -> None:
    pieces = differences("Leave is 25 days.\nAsk early.\n", "Leave is 30 days.\nAsk early.\n")

    assert pieces == [
        Piece(Kind.EQUAL, "Leave is "),
        Piece(Kind.REMOVED, "25"),
        Piece(Kind.ADDED, "30"),
        Piece(Kind.EQUAL, " days.\nAsk early.\n"),
    ]


def test_of_equal_texts_nothing_is_shown() -> None:
    assert [piece.kind for piece in differences("Same.", "Same.")] == [Kind.LEFT_OUT]


def test_what_is_equal_and_far_away_is_left_out() -> None:
    far = "An unchanged line.\n" * 100

    pieces = differences(f"{far}old\n", f"{far}new\n")

    assert next(piece.kind for piece in pieces) is Kind.LEFT_OUT
    assert sum(len(piece.text) for piece in pieces) < 200


def test_texts_too_long_to_compare_differ_as_a_whole() -> None:
    pieces = differences("a" * 200_001, "b")

    assert [piece.kind for piece in pieces] == [Kind.REMOVED, Kind.ADDED]
