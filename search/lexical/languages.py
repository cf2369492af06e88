"""Which language a text is written in. Short and mixed texts get no answer rather than a wrong one.

The identifier is loaded in the process that first needs it, which is a worker; queries are never identified.
"""

from functools import cache

from py3langid.langid import MODEL_FILE, LanguageIdentifier

_LANGUAGES = (
    "ar", "bg", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi", "fr", "he", "hi", "hr", "hu", "id", "it",
    "ja", "ko", "lt", "lv", "nl", "no", "pl", "pt", "ro", "ru", "sk", "sl", "sv", "ta", "th", "tr", "uk", "vi", "zh",
)  # fmt: skip
_LOOKED_AT_CHARS = 2_000
_SURE = 0.8


def detect(text: str) -> str:
    """Return the code of the language of a text, or an empty text when its beginning does not tell."""
    code, probability = _identifier().classify(text[:_LOOKED_AT_CHARS])
    return str(code) if probability >= _SURE else ""


@cache
def _identifier() -> LanguageIdentifier:
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_LANGUAGES)
    return identifier
