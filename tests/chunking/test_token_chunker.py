"""Fixed numbers of tokens, with the end of the chunk before."""

from search.chunking.token_chunker import TokenChunker
from tests.chunking.contract import ChunkerContract
from tests.chunking.test_sentence_chunker import texts_of, words


class TestTokens(ChunkerContract):
    """Keeps the contract."""

    chunker = TokenChunker

    def test_every_chunk_but_the_last_has_the_same_number_of_tokens(self) -> None:
        body = words(1, 100)

        chunks = self.make({"max_tokens": 20, "overlap_tokens": 5}).split("", body)

        assert texts_of(chunks, body)[:2] == [words(1, 20), words(16, 35)]
        assert [chunk.tokens for chunk in chunks] == [20] * 6 + [10]

    def test_what_fits_is_one_chunk(self) -> None:
        assert len(self.make({"max_tokens": 20}).split("", words(1, 20))) == 1
