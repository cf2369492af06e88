"""Builds chunkers, encoders and engines by the names that settings give them. One encoder object per process."""

import threading
from typing import Any

from django.utils.module_loading import import_string

from search import retrieval_options
from search.chunking.base import BadChunkingOptions, Chunker, TokenWindow
from search.conf import conf
from search.embedding.base import Encoder, EncoderUnavailable
from search.embedding.cross_encoder import CrossEncoderModel
from search.embedding.openvino_runtime import TORCH, quickest_runtime
from search.engines.base import BadEngineOptions, Engine

AUTO = "auto"

_encoders: dict[tuple[str, str, str], Encoder] = {}
_cross_encoders: dict[str, CrossEncoderModel] = {}
_lock = threading.Lock()


def encoder(name: str, revision: str = "", runtime: str = "") -> Encoder:
    """Return this process's encoder of that name; it loads itself at first use.

    An index version names its runtime; where none has been chosen yet, it is torch's, whose tokens are the same. Raises
    EncoderUnavailable when settings know no such runtime.
    """
    settings = conf()
    runtime = runtime or settings.ENCODER_RUNTIME
    key = (name or settings.ENCODER_NAME, revision, TORCH if runtime == AUTO else runtime)
    with _lock:
        if key not in _encoders:
            if key[2] not in settings.ENCODERS:
                known = ", ".join(settings.ENCODERS)
                raise EncoderUnavailable(f"No encoder runtime is called {key[2]!r}; known: {known}.")
            make = import_string(settings.ENCODERS[key[2]])
            _encoders[key] = make(
                name=key[0],
                revision=revision,
                device=settings.ENCODER_DEVICE,
                batch_size=settings.BATCH_SIZE,
                cache_dir=settings.models_dir,
            )
        return _encoders[key]


def runtime_for(name: str, revision: str = "", runtime: str = "") -> str:
    """Return the runtime that an encoder gets: the one that is named, else the best of this machine.

    That may take as long as loading the model takes, and longer the first time.
    """
    settings = conf()
    runtime = runtime or settings.ENCODER_RUNTIME
    if runtime != AUTO:
        return runtime
    name = name or settings.ENCODER_NAME
    return quickest_runtime(name=name, revision=revision, device=settings.ENCODER_DEVICE, cache_dir=settings.models_dir)


def cross_encoder(name: str) -> CrossEncoderModel:
    """Return this process's cross-encoder of that name or folder; it loads itself at first use."""
    with _lock:
        if name not in _cross_encoders:
            _cross_encoders[name] = CrossEncoderModel(name=name, device=conf().ENCODER_DEVICE)
        return _cross_encoders[name]


def forget_encoders() -> None:
    """Drop the process's encoders, for tests that change settings."""
    with _lock:
        _encoders.clear()
        _cross_encoders.clear()


def chunker_for(encoder: Encoder, options: dict[str, Any]) -> Chunker:
    """Return the chunker that `options` describe, for the encoder's window. Raises BadChunkingOptions."""
    make = _chunker_class(options)
    return make(TokenWindow(encoder.token_spans, encoder.window_tokens), options)


def previewing_chunker(encoder: Encoder, options: dict[str, Any]) -> Chunker:
    """Return the same chunker for showing chunks to people: quick, and without the encoder's weights where it can be.

    Raises BadChunkingOptions and EncoderUnavailable.
    """
    return _chunker_class(options)(TokenWindow(*encoder.preview_window()), options)


def engine_for(name: str, options: dict[str, Any]) -> Engine:
    """Return the engine of that name. Raises BadEngineOptions."""
    known = conf().ENGINES
    if name not in known:
        raise BadEngineOptions(f"No engine is called {name!r}; known: {', '.join(known)}.")
    engine: Engine = import_string(known[name])(options)
    return engine


def validate_collection_options(*, chunking: Any, engine: str, engine_options: Any, retrieval: Any) -> dict[str, str]:
    """Return what is wrong with a collection's options, as field → message; empty when all is well."""
    problems: dict[str, str] = {}
    given = (("chunking", chunking), ("engine_options", engine_options), ("retrieval", retrieval))
    for name, value in given:
        if not isinstance(value, dict):
            problems[name] = f"{value!r} is not a JSON object."
    if "chunking" not in problems:
        try:
            _chunker_class(chunking).validate(chunking)
        except BadChunkingOptions as error:
            problems["chunking"] = str(error)
    if "engine_options" not in problems:
        try:
            engine_for(engine, engine_options)
        except BadEngineOptions as error:
            problems["engine" if engine not in conf().ENGINES else "engine_options"] = str(error)
    if "retrieval" not in problems and (message := retrieval_options.problem_of(retrieval)):
        problems["retrieval"] = message
    return problems


def _chunker_class(options: dict[str, Any]) -> type[Chunker]:
    known = conf().CHUNKERS
    name = options.get("chunker", "sentence")
    if not isinstance(name, str) or name not in known:
        raise BadChunkingOptions(f"No chunker is called {name!r}; known: {', '.join(known)}.")
    found: type[Chunker] = import_string(known[name])
    return found
