"""The tokenizer of a model's folder without its weights, in milliseconds."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_NO_LIMIT = 1_000_000  # tokenizers without a limit have a huge number there


def light_tokenizer(folder: Path) -> tuple[Any, int] | None:
    """Return a model's tokenizer and its window in tokens, special ones and the prompt of documents left out.

    None for a folder without a tokenizer.json, whose tokenizer only transformers can make.
    """
    tokenizer = _tokenizer(folder)
    if tokenizer is None:
        return None
    prompt = document_prompt(_read(folder / "config_sentence_transformers.json").get("prompts") or {})
    own = tokenizer.num_special_tokens_to_add(False) + len(tokenizer.encode(prompt, add_special_tokens=False))
    return tokenizer, _most_tokens(_home(folder)) - own


def truncating_tokenizer(folder: Path) -> Any | None:
    """Return a model's tokenizer as it encodes: it cuts at the model's longest text. None as `light_tokenizer`."""
    tokenizer = _tokenizer(folder)
    if tokenizer is not None:
        tokenizer.enable_truncation(_most_tokens(_home(folder)))
    return tokenizer


def document_prompt(prompts: Mapping[str, str]) -> str:
    """Return what sentence-transformers puts before a document, of a model's prompts."""
    return next((prompts[key] for key in ("document", "passage", "corpus") if key in prompts), "")


def _tokenizer(folder: Path) -> Any | None:
    path = _home(folder) / "tokenizer.json"
    if not path.is_file():
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _home(folder: Path) -> Path:
    return folder / str(_first_module(folder).get("path", ""))


def _most_tokens(home: Path) -> int:
    """Return what sentence-transformers takes for a model's longest text."""
    own = _read(home / "sentence_bert_config.json").get("max_seq_length")
    if own:
        return int(own)
    limits = [
        _read(home / "config.json").get("max_position_embeddings"),
        _read(home / "tokenizer_config.json").get("model_max_length"),
    ]
    return min((int(limit) for limit in limits if limit and limit < _NO_LIMIT), default=512)


def _first_module(folder: Path) -> dict[str, Any]:
    modules = _read(folder / "modules.json")
    return dict(modules[0]) if isinstance(modules, list) and modules else {}


def _read(path: Path) -> Any:
    return json.loads(path.read_text()) if path.is_file() else {}
