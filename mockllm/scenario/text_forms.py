"""Forms of texts: the regexes that validate them, and the words by which messages name them."""

from __future__ import annotations

from typing import Final

from mockllm.core.request.server_address import SESSION_ID

SESSION: Final = f"^{SESSION_ID.pattern}$"
HOLD_NAME: Final = r"^[A-Za-z0-9._~-]{1,100}$"
"""The characters that need no escapes in a path."""
ORIGIN: Final = r"^https?://[\w.:\[\]-]+$"
BASE_URL: Final = r"^https?://[^/?#\s@]+(/[^?#\s]*)?$"
KEY: Final = r"^[!-~]+$"
_WORDS: Final = {
    SESSION: "letters, digits and . _ ~ : @ [ ] - only",
    HOLD_NAME: "1 to 100 letters, digits and . _ ~ - only",
    ORIGIN: "an address without a path, such as http://localhost:8080",
    BASE_URL: "a base URL such as http://localhost:9000",
    KEY: "printable characters without spaces",
}


def form_words(pattern: str) -> str:
    """Return what a text of a regex is, in words."""
    return _WORDS.get(pattern, f"a text of the form {pattern}")
