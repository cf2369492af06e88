"""The whole document, or as few even parts as the window allows."""

from search.chunking.whole_chunker import WholeChunker
from tests.chunking.contract import ChunkerContract
from tests.chunking.test_sentence_chunker import texts_of, words


class TestWhole(ChunkerContract):
    """Keeps the contract."""

    chunker = WholeChunker

    def test_what_fits_is_one_chunk(self) -> None:
        body = f"{words(1, 15, '.')} {words(16, 30, '.')}\n\nAnother paragraph."

        assert texts_of(self.make().split("T", body), body) == [body]

    def test_what_does_not_fit_is_as_few_even_parts_as_possible(self) -> None:
        body = " ".join(words(number, number + 8, ".") for number in range(1, 50, 9))

        parts = texts_of(self.make().split("", body), body)

        assert len(parts) == 2
        assert all(part.endswith(".") for part in parts)
        assert "".join(parts).replace(" ", "") == body.replace(" ", "")
        assert max(map(len, parts)) < 1.5 * min(map(len, parts))
