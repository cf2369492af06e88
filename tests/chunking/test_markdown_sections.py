"""Headings are found where Markdown has them, and nowhere else."""

import pytest

from search.chunking.markdown_sections import Section, sections


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", []),
        ("text", [Section(0, 4)]),
        ("# A\nx\n# B\ny", [Section(0, 6, ("A",)), Section(6, 11, ("B",))]),
        ("x\n## A ##\n", [Section(0, 2), Section(2, 10, ("A",))]),
        ("# A\n### B\n## C\n", [Section(0, 4, ("A",)), Section(4, 10, ("A", "B")), Section(10, 15, ("A", "C"))]),
        ("```\n# A\n```\n# B", [Section(0, 12), Section(12, 15, ("B",))]),
        ("~~~\n# A\n", [Section(0, 8)]),
        ("````\n```\n# A\n````\n# B", [Section(0, 18), Section(18, 21, ("B",))]),
        ("#no\n    # code\n#\n", [Section(0, 17)]),
        ("# A\r\nx", [Section(0, 6, ("A",))]),
        ("```code``` here\n# A", [Section(0, 16), Section(16, 19, ("A",))]),
        ("A\n===\nx\n\nB C\n---\ny", [Section(0, 9, ("A",)), Section(9, 18, ("A", "B C"))]),
        ("two lines\nof text\n---\n", [Section(0, 22)]),
        ("- item\n---\n", [Section(0, 11)]),
        ("\n---\n", [Section(0, 5)]),
        ("```\nA\n===\n```", [Section(0, 13)]),
        ("# C# ##\n", [Section(0, 8, ("C#",))]),
    ],
)
def test_sections_are_those_of_markdown(body: str, expected: list[Section]) -> None:
    assert sections(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        "# " + " " * 1_000_000 + "x",
        "#" * 1_000_000,
        "`" * 1_000_000,
        "# a" + " #" * 500_000 + "x",
        "x\n" + "=" * 1_000_000,
    ],
    ids=["spaces", "hashes", "backticks", "closing hashes", "underline"],
)
def test_a_hostile_line_is_read_in_one_go(body: str) -> None:
    # In quadratic time one of these takes hours.
    assert "".join(body[found.start : found.end] for found in sections(body)) == body
