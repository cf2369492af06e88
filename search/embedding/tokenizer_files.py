"""The tokenizer of a model's folder without its weights, in milliseconds: for previews of chunks, never for vectors."""

import json
from pathlib import Path
from typing import Any

_NO_LIMIT = 1_000_000  # tokenizers without a limit have a huge number there


def light_tokenizer(folder: Path) -> tuple[Any, int] | None:
    """Return a model's tokenizer and its window in tokens, special ones and the prompt of documents left out.

    None for a folder without a tokenizer.json, whose tokenizer only transformers can make.
    """
    home = folder / str(_first_module(folder).get("path", ""))
    if not (home / "tokenizer.json").is_file():
        return None
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(home / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    prompt = (_read(folder / "config_sentence_transformers.json").get("prompts") or {}).get("document") or ""
    own = tokenizer.num_special_tokens_to_add(False) + len(tokenizer.encode(prompt, add_special_tokens=False))
    return tokenizer, _most_tokens(home) - own


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
