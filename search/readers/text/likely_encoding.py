"""Which encoding a text is in that neither says so nor is UTF-8: the one in which it reads most like a language.

Naive Bayes over letters: for each language and each encoding that its texts come in, how likely are these letters, and
this use of capitals? Chinese, Japanese and Korean are told by how common their characters are. A Western text
reads as letters in a dozen encodings; only in the right one do they make the alphabet of one language.
"""

import codecs
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import log

from .letter_frequencies import LANGUAGES

# How much rarer than Windows-1252, as logarithms: other countries' files, what old systems wrote, the Macintosh.
_RARER = {
    "cp1252": 0.0, "cp1250": 1.5, "cp1251": 1.5, "cp1253": 2.0, "cp1254": 2.0, "cp1255": 2.0, "cp1256": 2.0,
    "cp1257": 2.0, "cp874": 4.0, "cp932": 1.5, "gb18030": 1.5, "big5": 2.0, "cp949": 2.0, "euc_jp": 2.5,
    "koi8_r": 2.5, "koi8_u": 3.0, "iso8859_2": 2.5, "iso8859_7": 3.0, "iso8859_15": 3.0, "iso8859_6": 4.0,
    "iso8859_5": 5.0, "cp866": 4.5, "cp850": 6.0, "cp852": 6.0, "mac_roman": 6.0,
}  # fmt: skip
_CJK = ("cp932", "euc_jp", "gb18030", "big5", "cp949")
_SURE = 4.0  # a natural logarithm: the next best reading is e^4 times less likely

_PUNCTUATION = dict.fromkeys("„“”‘’‚–—…«»°§©®€\u00a0·•", 5e-4) | dict.fromkeys("£№¿¡™‹›²³½×ºª´±µ¨،؛؟ـ־״׳", 5e-5)
_RARE = 0.3  # of a thousand
_LETTER_ELSEWHERE = 3e-6  # a letter that the language has not
_SYMBOL = 1e-6
_UNREADABLE = 1e-7
_IN_WORD = log(0.005)  # a symbol between two letters
_TWO_SCRIPTS = log(0.02)  # a letter with case beside one of a script without
_CAPITAL_AFTER = {"l": log(0.002), "u": log(0.5), "o": log(0.25), "x": log(0.1)}
_NO_CAPITAL_AFTER = {"l": log(0.998), "u": log(0.5), "o": log(0.75), "x": log(0.9)}


@dataclass(frozen=True, slots=True)
class Likeliest:
    """The encoding in which a text reads best, by the codec's own name, and whether other readings are far behind."""

    name: str
    sure: bool


def likeliest(sample: bytes) -> Likeliest | None:
    """Return the likeliest encoding of a text outside ASCII; None where it reads as no language at all."""
    readings = sorted(_readings(sample), key=lambda reading: -reading.score)
    if not readings:
        return None
    best = min((reading for reading in readings if reading.text == readings[0].text), key=lambda it: _RARER[it.name])
    others = [reading.score for reading in readings if reading.text != best.text]
    return Likeliest(codecs.lookup(best.name).name, not others or readings[0].score - others[0] > _SURE)


@dataclass(frozen=True, slots=True)
class _Reading:
    name: str
    text: str
    score: float


def _readings(sample: bytes) -> Iterator[_Reading]:
    for name, languages in _by_encoding().items():
        text = sample.decode(name, "replace")
        counts = Counter(text.lower())
        if counts["\ufffd"] * 20 > len(text):
            continue
        score = max(_as_letters(counts, language) for language in languages)
        yield _Reading(name, text, score + _shapes(text) - _RARER[name])
    for name in _CJK:
        text = sample.decode(name, "replace")
        counts = Counter(text)
        if counts["\ufffd"] * 20 <= len(text):
            score = sum(number * _cjk(name, char) for char, number in counts.items())
            yield _Reading(name, text, score - _RARER[name])


def _as_letters(counts: Counter[str], language: dict[str, float]) -> float:
    return sum(number * (language.get(char) or _other(char)) for char, number in counts.items())


@cache
def _by_encoding() -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = {}
    for entry in re.split(r"^\w+: ", LANGUAGES, flags=re.MULTILINE)[1:]:
        names, _, letters = entry.partition("\n")
        shares = {item[0]: log((int(item[1:]) or _RARE) / 1000) for item in letters.split()}
        for name in names.split():
            found.setdefault(name, []).append(shares)
    return found


@cache
def _other(char: str) -> float:
    if char.isascii():
        return log(0.001 if char.isalpha() else 0.02)
    if char in _PUNCTUATION:
        return log(_PUNCTUATION[char])
    if char == "\ufffd" or "\x80" <= char <= "\x9f":
        return log(_UNREADABLE)
    return log(_LETTER_ELSEWHERE if char.isalpha() else _SYMBOL)


def _shapes(text: str) -> float:
    """Return how likely capitals and symbols stand as they do."""
    shapes = text.translate({ord(char): _shape(char) for char in set(text)})
    score = 0.0
    for before in "luox":
        capitals = len(re.findall(f"(?<={before})u", shapes))
        others = len(re.findall(f"(?<={before})l", shapes))
        score += capitals * _CAPITAL_AFTER[before] + others * _NO_CAPITAL_AFTER[before]
    score += len(re.findall(r"(?<=[lux])s(?=[lux])", shapes)) * _IN_WORD
    return score + len(re.findall(r"(?<=[lu])x|(?<=x)[lu]", shapes)) * _TWO_SCRIPTS


@cache
def _shape(char: str) -> str:
    if char.islower():
        return "l"
    if char.isupper():
        return "u"
    if char.isalpha():
        return "x"
    return "o" if char.isascii() or char in "\u00a0’" else "s"


# Chinese, Japanese and Korean: by how common a character is; the standards put the common ones first.

_COMMON_CHINESE = (
    "的一是不了在人有我他这中大来上个国和也子时道说出而要于就下得可你年生自会那后能对着事其里所去行过家十用发天如然作方"
    "成者多日都三小军二无同么经法当起与好看学进种将还分此心前面又定见只主没公从這個國來時說會後對著裡過發無經當學進種還"
    "見沒從們为為请請名文件数數字用户戶新设設置"
)
_COMMON_KOREAN = "이다는에의을를가하고은로지한어서기있시사도나것수자들인대니보해요일안라그아면입습정세전용할된"


@cache
def _cjk(name: str, char: str) -> float:
    if char.isascii():
        return _other(char) if not char.isalpha() else log(0.02)
    if char == "\ufffd":
        return log(_UNREADABLE)
    if char in "、。，！？：；（）「」『』《》“”・ー　〈〉【】":
        return log(0.02)
    return {"gb18030": _simplified, "big5": _traditional, "cp949": _korean}.get(name, _japanese)(char)


def _simplified(char: str) -> float:
    if char in _COMMON_CHINESE:
        return log(0.4 / 150)
    lead = _lead(char, "gb2312")
    if 0xB0 <= lead <= 0xD7:
        return log(0.5 / 3755)
    return log(0.02 / 3008) if lead > 0xD7 else log(1e-5 if lead else _UNREADABLE)


def _traditional(char: str) -> float:
    if char in _COMMON_CHINESE:
        return log(0.4 / 150)
    lead = _lead(char, "big5")
    if 0xA4 <= lead <= 0xC6:
        return log(0.5 / 5401)
    return log(0.02 / 7652) if lead > 0xC6 else log(1e-5 if lead else _UNREADABLE)


def _korean(char: str) -> float:
    if char in _COMMON_KOREAN:
        return log(0.5 / 50)
    if 0xB0 <= (lead := _lead(char, "euc_kr")) <= 0xC8:
        return log(0.4 / 2350)
    return log(0.01 / 4888) if lead > 0xC8 else log(1e-6)


def _japanese(char: str) -> float:
    if "ぁ" <= char <= "ん":
        return log(0.5 / 70)
    if "ァ" <= char <= "ヶ":
        return log(0.2 / 80)
    if "｡" <= char <= "ﾟ":  # of half width: what every other encoding of one byte looks like
        return log(_SYMBOL)
    lead = _lead(char, "euc_jp")
    return log(0.25 / 2965) if 0xB0 <= lead <= 0xCF else log(0.005 / 3390 if lead > 0xCF else _SYMBOL)


def _lead(char: str, encoding: str) -> int:
    try:
        encoded = char.encode(encoding)
    except UnicodeEncodeError:
        return 0
    return encoded[0] if len(encoded) == 2 else 0
