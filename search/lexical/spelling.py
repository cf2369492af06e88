"""Finds words that are written nearly like another one. Pure: how often a word is there is asked of the caller.

One mistake (a letter too many, missing, wrong, or two in the wrong order) is found anywhere in a word; two, in words
of eight letters and more, behind the first two letters. That way it takes as long with many words as with few.
"""

from collections.abc import Callable

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_TWO_MISTAKES = 8  # letters of a word in which two are believed
_LEAST = 4
_LOOKED_AT = 3_000
_MOST = 3
_ENDINGS = frozenset(("s", "es", "er", "ed", "ly"))
_ENDINGS_OF_E = frozenset("rd")
_WORTH = {1: 0.6, 2: 0.4}

Frequency = Callable[[str], int]
Beginning = Callable[[str, int], list[tuple[str, int]]]


def corrections(word: str, frequency: Frequency, beginning: Beginning, least: int = 1) -> list[tuple[str, float]]:
    """Return up to three words that `word` may have been meant to be, best first, each with its worth below 1.

    `beginning` gives the most frequent words that begin with a prefix, with how often each is there; words that are
    there less than `least` times are no candidates.
    """
    if len(word) < _LEAST or not word.isalpha():
        return []
    near = {
        other: count
        for other in _one_mistake(word)
        if (count := frequency(other)) >= least and not is_another_form(word, other)
    }
    if near or len(word) < _TWO_MISTAKES:
        return _best(near, 1)
    far = {
        other: count
        for other, count in beginning(word[:2], _LOOKED_AT)
        if count >= least
        and abs(len(other) - len(word)) <= 2
        and distance(word, other, 2) <= 2
        and not is_another_form(word, other)
    }
    return _best(far, 2)


def is_another_form(one: str, other: str) -> bool:
    """Tell whether one word is the other with an English ending: who writes `maker` did not mean `make`."""
    shorter, longer = sorted((one, other), key=len)
    ending = longer.removeprefix(shorter)
    return ending != longer and (ending in _ENDINGS or (shorter.endswith("e") and ending in _ENDINGS_OF_E))


def distance(one: str, other: str, most: int) -> int:
    """Return the number of mistakes between two words (optimal string alignment), or `most` + 1 for more."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, right in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]


def _one_mistake(word: str) -> set[str]:
    halves = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    letters = sorted(set(_LETTERS if word.isascii() else word))
    found = {left + right[1:] for left, right in halves if right}
    found |= {left + right[1] + right[0] + right[2:] for left, right in halves if len(right) > 1}
    found |= {left + letter + right[1:] for left, right in halves if right for letter in letters}
    found |= {left + letter + right for left, right in halves for letter in letters}
    return found - {word}


def _best(found: dict[str, int], mistakes: int) -> list[tuple[str, float]]:
    best = sorted(found, key=lambda other: (-found[other], other))[:_MOST]
    return [(other, _WORTH[mistakes]) for other in best]
