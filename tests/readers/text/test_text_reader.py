"""Plain texts in the encodings of the world."""

import io
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest

from search.readers.base import FileNotes, Limits, Reader, UnreadableFile
from search.readers.text.text_reader import TextReader
from tests.readers.contract import ReaderContract


class TestTextReader(ReaderContract):
    name = "notes.txt"

    def make_reader(self, limits: Limits | None = None) -> Reader:
        return TextReader(limits)

    def sample(self) -> bytes:
        return "\n  Über Wasser  \n\nErste Zeile.\r\nZweite.\fSeite zwei\f".encode()

    def expected(self) -> list[Mapping[str, Any]]:
        body = "\n  Über Wasser  \n\nErste Zeile.\nZweite.\nSeite zwei\n"
        anchors = [[0, "page 1"], [body.index("Seite"), "page 2"]]
        return [{"title": "Über Wasser", "body": body, "anchors": anchors, "metadata": {"format": "text"}}]


def read(content: bytes, name: str = "notes.txt") -> Mapping[str, Any]:
    [record] = TextReader().read(io.BytesIO(content), PurePosixPath(name))
    return record.values


TEXTS = {
    "cp1252": "Le café était fermé à l’été; où est passée la clé de l'hôtel? Ça va très bien, merci.",
    "cp1250": "Příliš žluťoučký kůň úpěl ďábelské ódy. Dnes je krásný den a svítí slunce nad řekou.",
    "iso8859_2": "Zażółć gęślą jaźń. Książka leży na stole, a źrebię pasie się na łące w południe.",
    "cp1251": "Съешь ещё этих мягких французских булок, да выпей чаю. Сегодня хорошая погода.",
    "koi8_r": "Съешь ещё этих мягких французских булок, да выпей чаю. Сегодня хорошая погода.",
    "cp1253": "Η γρήγορη καφέ αλεπού πηδάει πάνω από το τεμπέλικο σκυλί σήμερα.",
    "cp932": "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
    "euc_jp": "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。",
    "gb18030": "今天天气很好，我们一起去公园散步吧。图书馆里有很多书可以借阅。",
    "big5": "今天天氣很好，我們一起去公園散步吧。圖書館裡有很多書可以借閱。",
    "cp949": "오늘은 날씨가 매우 좋습니다. 우리 함께 공원에 가서 산책합시다.",
    "utf-16": "Any text with a mark, 今天天氣很好",
    "utf-16-le": "A text of letters without a mark.",
    "utf-32-be": "\ufeffA text in four bytes a letter.",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_the_encoding_is_found(encoding: str) -> None:
    text = TEXTS[encoding]
    assert read(text.encode(encoding))["body"] == text.removeprefix("\ufeff")


def test_an_encoding_that_had_to_be_guessed_is_told() -> None:
    assert read(TEXTS["cp1251"].encode("cp1251"))["metadata"]["encoding"] == "cp1251"


def test_a_sample_is_not_cut_within_a_character() -> None:
    text = "".join(
        f"{number}. 오늘은 날씨가 매우 좋습니다. 우리 함께 공원에 가서 산책합시다.\n" for number in range(900)
    )
    assert read(text.encode("cp949"))["body"] == text


def test_letters_that_come_late_tell_the_encoding_too() -> None:
    body = read(b"Nothing but ASCII here.\n" * 100_000 + "Käse aus der Molkerei, schön süß\n".encode("cp1252"))["body"]
    assert body.endswith("Käse aus der Molkerei, schön süß\n")


def test_a_stray_byte_in_utf8_does_not_spoil_the_rest() -> None:
    text = "Größe, Maß, Öfen, für, über, schön, Käse, Häuser, Bögen, "
    assert read(text.encode() + b"caf\xe9.")["body"] == text + "caf\ufffd."


def test_a_long_first_line_is_no_title() -> None:
    assert read(b"word " * 100, "how-to.txt")["title"] == "how-to"


@pytest.mark.parametrize("content", [b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0" * 20, bytes(range(256)) * 4])
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableFile, match="not a text"):
        read(content)


def notes_of(content: bytes, encoding: str = "") -> FileNotes:
    reader = TextReader(encoding=encoding)
    list(reader.read(io.BytesIO(content), PurePosixPath("notes.txt")))
    return reader.notes.told()


def test_the_encoding_that_is_told_wins_over_the_one_that_is_likely() -> None:
    reader = TextReader(encoding="cp1250")
    [record] = reader.read(io.BytesIO("Großer Ärger, schöne Köche".encode("cp1250")), PurePosixPath("a.txt"))
    [other] = TextReader(encoding="cp1251").read(io.BytesIO("Größe".encode("cp1252")), PurePosixPath("a.txt"))
    assert record.values["body"] == "Großer Ärger, schöne Köche"
    assert reader.notes.told() == FileNotes("cp1250")
    assert other.values["body"] == "GrцЯe"


def test_a_mark_wins_over_the_encoding_that_is_told() -> None:
    assert notes_of("\ufeffGröße".encode(), "cp1252") == FileNotes("utf-8")


def test_characters_that_cannot_be_read_are_counted() -> None:
    content = "Größe, Maß, Öfen, für, über, schön, Käse, Häuser, \ufffd Bögen, ".encode() + b"caf\xe9 \xfc."
    [warning] = notes_of(content).warnings
    assert warning == (
        "2 characters could not be read in utf-8 and became \ufffd. Say the encoding, or save it as UTF-8."
    )


def test_a_file_of_two_encodings_is_not_silent() -> None:
    west, utf8 = "Größe, Maß und Öfen\n".encode("cp1252"), "Größe, Maß und Öfen\n".encode()
    half, mostly_west = notes_of(west * 50 + utf8 * 50), notes_of(west * 50 + utf8 * 7)
    assert half.encoding == "utf-8"
    assert "200 characters could not be read in utf-8" in half.warnings[0]
    assert mostly_west.encoding == "cp1252"
    assert "7 lines look like UTF-8, but the file was read in cp1252" in mostly_west.warnings[0]


def test_a_guess_that_could_be_another_is_told_as_one() -> None:
    [warning] = notes_of("10 \xb5 ő".encode("iso8859_2", "replace")).warnings
    assert warning.startswith("It does not say its encoding; ")
    assert not notes_of(TEXTS["cp1252"].encode("cp1252")).warnings
