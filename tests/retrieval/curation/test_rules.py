"""What rules do to a ranking, worked out by hand."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.retrieval.curation.rules import Curated, RankedDocument, Rule, apply

RANKED = [RankedDocument(pk, pk * 10, score) for pk, score in [(1, 1.0), (2, 0.8), (3, 0.7), (4, 0.1)]]


def nothing(document_ids: Sequence[int]) -> list[RankedDocument]:
    return []


def ids(curated: Curated) -> list[int]:
    return [document.document_id for document in curated.documents]


def rule(action: str, document_id: int, *, position: int = 1, strength: float = 0.2) -> Rule:
    return Rule(7, action, document_id, position=position, strength=strength)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], [1, 2, 3, 4]),
        ([rule("pin", 3)], [3, 1, 2, 4]),
        ([rule("pin", 4, position=2)], [1, 4, 2, 3]),
        ([rule("pin", 1, position=3)], [2, 3, 1, 4]),
        ([rule("pin", 4, position=50)], [1, 2, 3, 4]),
        ([rule("pin", 3), rule("pin", 4)], [3, 4, 1, 2]),
        ([rule("pin", 4, position=2), rule("pin", 3, position=1)], [3, 4, 1, 2]),
        ([rule("pin", 3, position=3), rule("pin", 3, position=1)], [3, 1, 2, 4]),
        ([rule("boost", 3, strength=0.15)], [1, 3, 2, 4]),
        ([rule("boost", 2, strength=0.05)], [1, 2, 3, 4]),
        ([rule("boost", 2, strength=0.2)], [2, 1, 3, 4]),
        ([rule("boost", 3), rule("boost", 3)], [3, 1, 2, 4]),
        ([rule("bury", 1)], [2, 1, 3, 4]),
        ([rule("bury", 1), rule("boost", 1)], [1, 2, 3, 4]),
        ([rule("hide", 2)], [1, 3, 4]),
        ([rule("hide", 2), rule("pin", 2)], [1, 3, 4]),
        ([rule("boost", 99), rule("bury", 98), rule("hide", 97), rule("pin", 96)], [1, 2, 3, 4]),
    ],
)
def test_rules_move_documents(rules: list[Rule], expected: list[int]) -> None:
    assert ids(apply(RANKED, rules, nothing)) == expected


def test_a_pinned_document_that_was_not_found_is_brought_in() -> None:
    asked: list[Sequence[int]] = []

    def bring_in(document_ids: Sequence[int]) -> list[RankedDocument]:
        asked.append(list(document_ids))
        return [RankedDocument(8, 80, 0.02)]

    curated = apply(RANKED, [rule("pin", 8, position=2), rule("pin", 9), rule("pin", 1, position=4)], bring_in)

    assert asked == [[9, 8]]
    assert ids(curated) == [2, 8, 3, 1, 4]
    assert [(effect.rule.document_id, effect.rank_before, effect.rank_after) for effect in curated.effects] == [
        (8, None, 2),
        (1, 1, 4),
    ]


def test_a_hidden_document_is_not_even_asked_for() -> None:
    def bring_in(document_ids: Sequence[int]) -> list[RankedDocument]:
        raise AssertionError(document_ids)

    assert ids(apply(RANKED, [rule("pin", 8), rule("hide", 8)], bring_in)) == [1, 2, 3, 4]


def test_a_strength_means_the_same_on_every_scale() -> None:
    for scale in (0.01, 1.0, 30.0):
        ranked = [RankedDocument(each.document_id, each.chunk_id, each.score * scale) for each in RANKED]

        assert ids(apply(ranked, [rule("boost", 3, strength=0.25)], nothing)) == [1, 3, 2, 4]
        assert ids(apply(ranked, [rule("boost", 3, strength=0.35)], nothing)) == [3, 1, 2, 4]


def test_each_rule_tells_what_it_did() -> None:
    curated = apply(RANKED, [rule("boost", 3), rule("hide", 1), rule("boost", 99)], nothing)

    boosted, hidden = curated.effects
    assert (boosted.rank_before, boosted.rank_after, boosted.score_before) == (3, 1, 0.7)
    assert boosted.score_after == pytest.approx(0.9)
    assert (hidden.rank_before, hidden.rank_after, hidden.score_after) == (1, None, None)


_rules = st.lists(
    st.builds(
        Rule,
        rule_id=st.just(1),
        action=st.sampled_from(["pin", "boost", "bury", "hide"]),
        document_id=st.integers(1, 8),
        position=st.integers(1, 9),
        strength=st.floats(0.01, 1),
    ),
    max_size=8,
)


@given(_rules)
def test_no_document_comes_twice_and_none_is_lost_but_the_hidden(rules: list[Rule]) -> None:
    there = {document.document_id for document in RANKED}
    hidden = {each.document_id for each in rules if each.action == "hide"}
    pinned = {each.document_id for each in rules if each.action == "pin"}

    def bring_in(document_ids: Sequence[int]) -> list[RankedDocument]:
        assert not set(document_ids) & (there | hidden)
        return [RankedDocument(pk, pk, 0.0) for pk in document_ids]

    found = ids(apply(RANKED, rules, bring_in))

    assert sorted(found) == sorted((there | pinned) - hidden)
