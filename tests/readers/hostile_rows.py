"""Tables, JSON and plain texts made to do harm, and broken ones; and lies about what a file is."""

import json
from pathlib import Path

from .hostile import Hostile


def csv_of_columns(count: int) -> bytes:
    return (",".join(f"c{number}" for number in range(count)) + "\n" + "1," * count + "\n").encode()


def csv_open_quote() -> bytes:
    rows = "".join(f"{number},a title\n" for number in range(2_000))
    return f'id,title\n1,sound\n2,"never closed\n{rows}'.encode()


def csv_long_row() -> bytes:
    return b"id,title\n1,sound\n2," + b"x" * (20 << 20) + b"\n3,sound\n"


def jsonl_long_line(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b'{"id": 1, "title": "sound"}\n{"id": 2, "title": "')
        for _ in range(200):
            file.write(b"x" * 1_000_000)
        file.write(b'"}\n{"id": 3, "title": "sound"}\n')


def jsonl(*lines: str) -> bytes:
    return "\n".join(('{"id": 1, "title": "sound"}', *lines, '{"id": 9, "title": "sound"}', "")).encode()


def larger_than_allowed(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate((4 << 30) + 1)


_DEEP = 100_000
_ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + bytes(range(256)) * 8
_EXE = b"MZ\x90\x00\x03\x00\x00\x00" + bytes(range(256)) * 8 + b"This program cannot be run in DOS mode."
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 4

FILES = (
    Hostile("a CSV file with a million columns", "wide.csv", lambda: csv_of_columns(1_000_000), "columns"),
    Hostile("a quote that is never closed", "quote.csv", csv_open_quote, "(?i)quote", "row"),
    Hostile("a row of 20 MB", "long.csv", csv_long_row, "10,000,000 is the most", "row"),
    Hostile("more cells than columns", "cells.csv", lambda: b"a,b\n1,2\n" + b"1," * 50_000 + b"\n3,4\n",
            "columns", "row"),
    Hostile("names of columns twice", "twice.csv", lambda: b"id,id,id\n1,2,3\n", at="nothing"),
    Hostile("only names of columns", "header.csv", lambda: b"id,title,body\n", "no row below"),
    Hostile("a formula", "formula.csv", lambda: b'id,title\n1,"=cmd|\'/c calc\'!A1"\n', at="nothing"),
    Hostile("a line of 200 MB", "line.jsonl", reason="79,691,776", at="row", write=jsonl_long_line),
    Hostile("names twice in one object", "twice.jsonl", lambda: jsonl('{"id": 2, "id": 3}'),
            "(?i)twice|more than once", "row"),
    Hostile("deep arrays in a line", "deep.jsonl", lambda: jsonl('{"id": ' + "[" * _DEEP + "]" * _DEEP + "}"),
            "(?i)nested|deep", "row"),
    Hostile("a number of a million digits", "digits.jsonl", lambda: jsonl('{"id": ' + "9" * 1_000_000 + "}"),
            "(?i)digits|number", "row"),
    Hostile("NaN", "nan.jsonl", lambda: jsonl('{"id": NaN}', '{"id": -Infinity}'), "NaN|Infinity|number", "row"),
    Hostile("a lone surrogate by an escape", "surrogate.jsonl", lambda: jsonl(r'{"id": 2, "title": "\ud800 \u0000"}'),
            at="nothing", never="\ud800"),
    Hostile("bytes that are no UTF-8", "bytes.jsonl", lambda: jsonl('{"id": 2}').replace(b"2", b"\xff\xfe\xed\xa0\x80"),
            "(?i)utf-8|encod|JSON", "row"),
    Hostile("millions of empty arrays", "arrays.jsonl", lambda: jsonl('{"id": 2, "a": [' + "[]," * 1_000_000 + "0]}"),
            "(?i)more, or longer|too many|values", "row"),
    Hostile("a broken line", "broken.jsonl", lambda: jsonl('{"id": 2, "title": '), "(?i)JSON", "row"),
    Hostile("arrays as rows", "array.jsonl", lambda: jsonl("[1, 2]", "7"), "(?i)object", "row"),
    Hostile("deep arrays", "deep.json", lambda: b"[" * _DEEP + b"]" * _DEEP, "nested", "row"),
    Hostile("half a JSON file", "half.json", lambda: json.dumps([{"id": n} for n in range(500)]).encode()[:3_000],
            "ends in the middle", "row"),
    Hostile("names twice in a JSON object", "twice.json", lambda: b'[{"id": 1}, {"id": 2, "id": 3}, {"id": 4}]',
            "(?i)twice|more than once", "row"),
    Hostile("a number alone", "number.json", lambda: b"12345", "no JSON|object"),
    Hostile("infinity by its exponent", "exponent.json", lambda: b'[{"id": 1}, {"id": 1e999999999}, {"id": 3}]',
            "(?i)number|large|infin", "row"),
    Hostile("a file without a byte", "empty.txt", lambda: b"", "(?i)empty"),
    Hostile("blanks alone", "blank.txt", lambda: b" \n\t \r\n" * 1_000, "(?i)no text|nothing|empty|blank"),
    Hostile("blanks alone in a table", "blank.csv", lambda: b" \n\n  \n", "(?i)nothing|empty|no rows|blank|columns"),
    Hostile("zeros as text", "zeros.txt", lambda: bytes(10_000), "(?i)no text|binary|not text|nothing|zero|text"),
    Hostile("bytes of no meaning as text", "noise.txt", lambda: bytes((n * 197 + n // 7) % 256 for n in range(5_000)),
            "(?i)text|content|encod|binary"),
    Hostile("lone surrogates in UTF-16", "surrogate.txt",
            lambda: "Some text ".encode("utf-16") + b"\x00\xd8" + " and more of it.".encode("utf-16-le"),
            at="nothing", never="\ud800"),
    Hostile("half UTF-8, half Latin-1", "mixed.txt",
            lambda: "Größe und Länge. ".encode() * 40 + "Größe.".encode("latin-1"), at="nothing"),
    Hostile("a text of 11 million characters", "long.txt", lambda: b"word " * 2_200_000, "10,000,000"),
    Hostile("a file of more than 4 GB", "huge.csv", reason="4,294,967,297 bytes", write=larger_than_allowed),
    Hostile("a program named .pdf", "report.pdf", lambda: _EXE, r"\.pdf.*program"),
    Hostile("a program named .csv", "table.csv", lambda: _ELF, r"\.csv.*program|binary"),
    Hostile("a picture named .md", "notes.md", lambda: _PNG, r"(?i)\.md.*(picture|image|png)"),
    Hostile("a web page named .docx", "letter.docx", lambda: b"<!DOCTYPE html><html><body>x</body></html>",
            r"(?i)\.docx.*(html|web)"),
    Hostile("a ZIP archive named .pdf", "archive.pdf", lambda: b"PK\x03\x04" + bytes(100), r"(?i)\.pdf.*zip"),
    Hostile("a format that nobody reads", "film.mp4", lambda: b"\0\0\0\x18ftypmp42" + bytes(500), r"(?i)mp4|format"),
    Hostile("a name that is a path", "../../../../tmp/evil.txt", lambda: b"Some text.", at="nothing"),
)  # fmt: skip
