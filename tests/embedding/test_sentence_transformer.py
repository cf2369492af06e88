"""The real encoder: vectors that can be trusted, for any text, from files that are what they were."""

import itertools
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from search.embedding.base import EncoderUnavailable
from search.embedding.local_model import DEFAULT_NAME
from search.embedding.preparation import prepared
from search.embedding.sentence_transformer import SentenceTransformerEncoder
from search.storable import storable

TEXTS = [
    "wait until several threads have finished",
    "Remove duplicates but keep the order.",
    "Ein Satz auf Deutsch, mit Umlauten: äöü.",
    "検索は意味で探す。",
    "x",
    "A longer text. " * 20,
]

LONG = "A text over the window. " * 60


@pytest.fixture(scope="session")
def folder(real_encoder: SentenceTransformerEncoder) -> Path:
    """The default encoder's files; only ever read."""
    return real_encoder.folder


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A copy of the encoder's files to be changed."""
    return Path(shutil.copytree(folder, tmp_path / "model"))


def encoder_in(folder: Path, **options: Any) -> SentenceTransformerEncoder:
    """Return an encoder of the files in a folder; nothing is loaded yet."""
    return SentenceTransformerEncoder(name=str(folder), **options)


# --- Vectors


def test_each_text_has_a_float32_vector_of_norm_one(real_encoder: SentenceTransformerEncoder) -> None:
    vectors = real_encoder.encode_documents(TEXTS)

    assert vectors.shape == (len(TEXTS), 384) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_query_has_one_vector(real_encoder: SentenceTransformerEncoder) -> None:
    vector = real_encoder.encode_query("wait until several threads have finished")

    assert vector.shape == (384,) and vector.dtype == np.float32


def test_the_same_texts_have_the_same_vectors(real_encoder: SentenceTransformerEncoder) -> None:
    np.testing.assert_array_equal(real_encoder.encode_documents(TEXTS), real_encoder.encode_documents(TEXTS))


def test_a_vector_does_not_depend_on_the_texts_beside_it(real_encoder: SentenceTransformerEncoder) -> None:
    alone = np.concatenate([real_encoder.encode_documents([text]) for text in TEXTS])

    np.testing.assert_allclose(real_encoder.encode_documents(TEXTS), alone, atol=1e-5)


def test_what_means_the_same_is_nearer_than_what_does_not(real_encoder: SentenceTransformerEncoder) -> None:
    query = real_encoder.encode_query("How do I wait for my threads to finish?")
    near, far = real_encoder.encode_documents(
        ["Block the caller until the thread has terminated.", "Melt the butter and add the flour."]
    )

    assert float(query @ near) > float(query @ far) + 0.2


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\n\t ",
        "\x00",
        "\x00" * 5_000,
        "\ud800",
        "a\udfffb",
        "👩‍👩‍👧‍👦" * 50,
        "x" * 1_000_000,
        "lorem ipsum " * 42_000,
    ],
    ids=["empty", "space", "blank", "NUL", "NULs", "surrogate", "inner", "emoji", "1 MB word", "500 KB"],
)
def test_any_text_has_a_vector(real_encoder: SentenceTransformerEncoder, text: str) -> None:
    vectors = real_encoder.encode_documents([text, "a text beside it"])

    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[1], real_encoder.encode_documents(["a text beside it"])[0], atol=1e-5)


def test_a_text_with_nul_and_surrogates_is_encoded_as_it_is_stored(real_encoder: SentenceTransformerEncoder) -> None:
    raw, stored = real_encoder.encode_documents(["one\x00two \ud800", "one two \ufffd"])

    np.testing.assert_allclose(raw, stored, atol=1e-6)


def test_no_texts_have_no_vectors(real_encoder: SentenceTransformerEncoder) -> None:
    assert real_encoder.encode_documents([]).shape == (0, 384)


def test_long_words_keep_their_meaning(real_encoder: SentenceTransformerEncoder) -> None:
    """WordPiece alone sees one unknown token in any word over 100 characters."""
    one, other = "/".join(["threading"] * 15), "/".join(["butterflies"] * 12)

    first, second = real_encoder.encode_documents([one, other])

    assert float(first @ second) < 0.9


# --- Window and tokens


def test_dimension_and_window_are_those_of_the_model(real_encoder: SentenceTransformerEncoder) -> None:
    assert (real_encoder.dimension, real_encoder.window_tokens) == (384, 254)


def test_the_window_leaves_room_for_the_prompt_that_goes_before_a_document(copy: Path) -> None:
    path = copy / "config_sentence_transformers.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({**config, "prompts": {"query": "", "document": "one two three: "}}))

    assert encoder_in(copy).window_tokens == 250


def test_nothing_of_a_text_that_fills_the_window_is_cut(real_encoder: SentenceTransformerEncoder) -> None:
    full = " ".join(["word"] * real_encoder.window_tokens)

    last_differs, over, over_too = real_encoder.encode_documents(
        [full[: -len("word")] + "bread", full + " bread", full + " butter"]
    )

    assert not np.allclose(last_differs, real_encoder.encode_documents([full])[0], atol=1e-3)
    np.testing.assert_allclose(over, over_too, atol=1e-5)


def test_token_spans_are_where_the_words_are(real_encoder: SentenceTransformerEncoder) -> None:
    text = " Wait, thread-safely\n!"

    assert [text[start:end] for start, end in real_encoder.token_spans(text)] == [
        "Wait",
        ",",
        "thread",
        "-",
        "safely",
        "!",
    ]


_PIECES = st.one_of(
    st.text(st.characters(exclude_categories=[]), max_size=20),
    st.sampled_from([" ", "\n", "\u2003", "\x00", "\ud800", "字", "é", "e\u0301"]),
    st.tuples(
        st.sampled_from(["x", "字", "é", "a-b", "\ud800"]), st.sampled_from([63, 64, 65, 100, 101, 129, 1_000])
    ).map(lambda pair: pair[0] * pair[1]),
)


@settings(max_examples=150, deadline=None)
@given(text=st.lists(_PIECES, max_size=12).map("".join))
@example(text="a" * 101)
@example(text="a" * 1_001)
@example(text="b " + "a" * 1_000 + " c " + "d" * 128)
@example(text="좔x")
def test_token_spans_ascend_within_the_text_and_leave_out_no_letter(
    real_encoder: SentenceTransformerEncoder, text: str
) -> None:
    spans = real_encoder.token_spans(text)

    assert all(0 <= start < end <= len(text) for start, end in spans)
    # A letter that the tokenizer takes apart, as it does with Hangul, is the range of each of its tokens.
    assert all(before[1] <= after[0] or before == after for before, after in itertools.pairwise(spans))
    covered = {at for start, end in spans for at in range(start, end)}
    assert all(at in covered for at, letter in enumerate(text) if letter.isascii() and letter.isalnum())


@settings(max_examples=150, deadline=None)
@given(text=st.lists(_PIECES, max_size=12).map("".join))
def test_breaking_up_long_words_only_puts_spaces_in(text: str) -> None:
    ready, cuts = prepared(text)

    assert all(ready[cut] == " " for cut in cuts)
    put_in = set(cuts)
    assert "".join(letter for at, letter in enumerate(ready) if at not in put_in) == storable(text)


def test_words_up_to_a_hundred_characters_are_left_whole() -> None:
    assert prepared("a" * 100 + " " + "b" * 99) == ("a" * 100 + " " + "b" * 99, [])


def test_a_longer_word_is_given_in_pieces_of_64() -> None:
    assert prepared("x " + "a" * 130) == ("x " + "a" * 64 + " " + "a" * 64 + " " + "aa", [66, 131])


def test_a_word_over_a_thousand_characters_is_no_language_and_stays() -> None:
    assert prepared("a" * 1_001) == ("a" * 1_001, [])


# --- Memory


class _SmallMemory:
    """Stands before a model's encode and has no memory for more than `fits` texts at once."""

    def __init__(self, encode: Callable[..., Any], fits: int, error: Exception) -> None:
        self.encode, self.fits, self.error = encode, fits, error
        self.asked: list[int] = []

    def __call__(self, texts: list[str], **options: Any) -> Any:
        self.asked.append(options["batch_size"])
        if options["batch_size"] > self.fits:
            raise self.error
        return self.encode(texts, **options)


@pytest.mark.parametrize(
    "error",
    [RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), MemoryError(), RuntimeError("can't allocate memory")],
)
def test_out_of_memory_halves_the_batch(
    real_encoder: SentenceTransformerEncoder, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    expected = real_encoder.encode_documents(TEXTS)
    model = real_encoder._loaded()
    small = _SmallMemory(model.encode_document, 2, error)
    monkeypatch.setattr(model, "encode_document", small)

    vectors = real_encoder.encode_documents(TEXTS)

    assert small.asked == [6, 3, 1]
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_what_there_was_no_memory_for_is_not_tried_with_every_batch(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = encoder_in(folder, batch_size=4)
    model = encoder._loaded()
    small = _SmallMemory(model.encode_document, 2, MemoryError())
    monkeypatch.setattr(model, "encode_document", small)

    encoder.encode_documents(["a text"] * 10)

    assert small.asked == [4, 2, 2, 2]


def test_batches_hold_texts_of_like_length_and_few_long_ones(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = encoder_in(folder, batch_size=4)
    model = encoder._loaded()
    batches: list[list[int]] = []
    encode = model.encode_document

    def noted(texts: list[str], **options: Any) -> Any:
        batches.append([text.count("word") for text in texts])
        return encode(texts, **options)

    monkeypatch.setattr(model, "encode_document", noted)
    texts = ["word " * count for count in (60, 2, 200, 1, 60, 3, 2, 60)]
    vectors = encoder.encode_documents(texts)

    assert batches == [[1, 2, 2, 3], [60, 60], [60], [200]]
    alone = np.concatenate([encoder.encode_documents([text]) for text in texts])
    np.testing.assert_allclose(vectors, alone, atol=1e-5)


def test_no_memory_for_a_single_text_is_the_encoder_s_trouble_and_not_the_text_s(
    real_encoder: SentenceTransformerEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = real_encoder._loaded()
    small = _SmallMemory(model.encode_document, 0, RuntimeError("CUDA out of memory"))
    monkeypatch.setattr(model, "encode_document", small)

    with pytest.raises(EncoderUnavailable, match="even one text"):
        real_encoder.encode_documents(TEXTS)
    assert small.asked[-1] == 1


def test_another_error_is_not_taken_for_lack_of_memory(
    real_encoder: SentenceTransformerEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = real_encoder._loaded()
    monkeypatch.setattr(model, "encode_document", _SmallMemory(model.encode_document, 0, RuntimeError("a bug")))

    with pytest.raises(RuntimeError, match="a bug"):
        real_encoder.encode_documents(["text"])


# --- Fingerprint


def test_the_fingerprint_is_the_same_for_the_same_files(copy: Path, folder: Path) -> None:
    assert encoder_in(copy).fingerprint == encoder_in(folder).fingerprint == encoder_in(copy).fingerprint
    assert len(encoder_in(copy).fingerprint) == 32


@pytest.mark.parametrize(
    "name",
    [
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
        "1_Pooling/config.json",
        "modules.json",
        "config.json",
        "sentence_bert_config.json",
        "config_sentence_transformers.json",
    ],
)
def test_one_changed_byte_is_another_fingerprint(copy: Path, folder: Path, name: str) -> None:
    data = bytearray((copy / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / name).write_bytes(data)

    assert encoder_in(copy).fingerprint != encoder_in(folder).fingerprint


@pytest.mark.parametrize("name", ["added_tokens.json", "sentencepiece.bpe.model", "2_Dense/model.safetensors"])
def test_one_more_file_that_decides_vectors_is_another_fingerprint(copy: Path, folder: Path, name: str) -> None:
    (copy / name).parent.mkdir(exist_ok=True)
    (copy / name).write_bytes(b"{}")

    assert encoder_in(copy).fingerprint != encoder_in(folder).fingerprint


def test_a_readme_is_not_part_of_the_fingerprint(copy: Path, folder: Path) -> None:
    (copy / "README.md").write_text("Another text.")

    assert encoder_in(copy).fingerprint == encoder_in(folder).fingerprint


def test_fingerprint_and_dimension_are_read_without_torch(folder: Path) -> None:
    code = (
        "import sys; from search.embedding.sentence_transformer import SentenceTransformerEncoder as E\n"
        f"e = E(name={str(folder)!r}); assert e.fingerprint and e.dimension == 384 and not e.is_loaded\n"
        "sys.exit(bool({'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_importing_the_module_imports_nothing_heavy() -> None:
    code = (
        "import sys, search.embedding.sentence_transformer\n"
        "heavy = {'torch', 'transformers', 'sentence_transformers', 'tokenizers', 'huggingface_hub'}\n"
        "sys.exit(bool(heavy & set(sys.modules)))"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- Files that cannot be used


def test_pickled_weights_are_not_loaded(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")

    with pytest.raises(EncoderUnavailable, match="Pickled weights are not loaded"):
        encoder_in(copy).encode_query("text")


def test_a_single_module_with_pickled_weights_is_not_loaded(copy: Path) -> None:
    (copy / "2_Dense").mkdir()
    (copy / "2_Dense" / "pytorch_model.bin").write_bytes(b"\x80\x02}q\x00.")

    with pytest.raises(EncoderUnavailable, match="Pickled weights are not loaded"):
        encoder_in(copy).encode_query("text")


@pytest.mark.parametrize("name", ["/no/such/folder", "./no-such-folder", "~/no-such-folder"])
def test_a_folder_that_does_not_exist_is_named(name: str) -> None:
    with pytest.raises(EncoderUnavailable, match="no-?/?such.?folder does not exist"):
        _ = SentenceTransformerEncoder(name=name).fingerprint


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(EncoderUnavailable, match=f"{tmp_path} holds no model"):
        _ = encoder_in(tmp_path).dimension


def test_an_unknown_name_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)

    with pytest.raises(EncoderUnavailable, match="'nobody/no-such-encoder' is not on this machine.* path of a folder"):
        SentenceTransformerEncoder(name="nobody/no-such-encoder").encode_query("text")


def test_a_failed_fetch_is_not_tried_again_by_the_next_query(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def unreachable(name: str, **_options: Any) -> str:
        tried.append(name)
        raise ConnectionError

    monkeypatch.setattr("huggingface_hub.snapshot_download", unreachable)
    encoder = SentenceTransformerEncoder(name="nobody/no-such-encoder")

    for _ in range(3):
        with pytest.raises(EncoderUnavailable, match="ConnectionError"):
            encoder.encode_query("text")

    assert tried == ["nobody/no-such-encoder"]


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "modules.json"])
def test_files_that_cannot_be_read_are_the_encoder_s_trouble(copy: Path, name: str) -> None:
    (copy / name).write_bytes(b"\x00not what it was")

    with pytest.raises(EncoderUnavailable, match="cannot be loaded"):
        encoder_in(copy).encode_query("text")


def test_the_default_name_is_the_bundled_model(real_encoder: SentenceTransformerEncoder) -> None:
    assert real_encoder.name == DEFAULT_NAME
    assert (real_encoder.folder / "model.safetensors").is_file()


# --- Threads


def test_two_threads_that_need_it_at_once_load_it_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sentence_transformers

    loads = []
    original = sentence_transformers.SentenceTransformer

    def counted(*args: Any, **kwargs: Any) -> Any:
        loads.append(threading.get_ident())
        return original(*args, **kwargs)

    monkeypatch.setattr(sentence_transformers, "SentenceTransformer", counted)
    encoder = encoder_in(folder)
    vectors: list[Any] = []
    start = threading.Barrier(2)

    def encode() -> None:
        start.wait()
        vectors.append(encoder.encode_query("text"))

    _in_threads(encode, 2)

    assert len(loads) == 1
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_counting_and_encoding_in_several_threads_disturb_nobody(real_encoder: SentenceTransformerEncoder) -> None:
    expected = real_encoder.encode_query(LONG)
    spans = real_encoder.token_spans(LONG)
    wrong: list[object] = []

    def work() -> None:
        for _ in range(15):
            try:
                if real_encoder.token_spans(LONG) != spans:
                    wrong.append("other spans")
                if not np.allclose(real_encoder.encode_query(LONG), expected, atol=1e-4):
                    wrong.append("another vector")
            except Exception as error:
                wrong.append(error)

    _in_threads(work, 4)

    assert wrong == []


def _in_threads(work: Callable[[], None], count: int) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
