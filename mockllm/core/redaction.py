"""What must never stand in a file or a log: keys, cookies, signatures. What is left of a request without them.

By the names of headers, query parameters and fields, and by the looks of a value: a key may stand anywhere.
Sources: the providers' own forms of keys (OpenAI `sk-…`, Anthropic `sk-ant-…`, Google `AIza…` and `ya29.…`, Groq
`gsk_…`, xAI `xai-…`, Perplexity `pplx-…`, Hugging Face `hf_…`, AWS `AKIA…`), RFC 6750 for bearer tokens and RFC
7519 for JSON Web Tokens.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from mockllm.core.json import Json

REDACTED: Final = "REDACTED"
"""What stands in the place of a secret."""
HEADERS: Final = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "x-auth-token",
        "x-amz-security-token",
        "x-amz-signature",
        "openai-organization",
        "openai-project",
        "anthropic-organization-id",
        "x-forwarded-for",
        "x-real-ip",
        "cf-connecting-ip",
        "x-goog-user-project",
        "x-goog-iam-authorization-token",
    }
)
"""Headers, by lower-case name, that say who asks; other names count where `secret_name` knows them."""
_NAME: Final = re.compile(
    r"(?i)(^|[-_.])(api[-_]?key|access[-_]?key|key|token|secret|password|passwd|signature|sig|credential"
    r"|authorization|cookie|session[-_]?token|x-amz-[a-z-]+)$"
)
_VALUE: Final = re.compile(
    r"(?i:bearer)\s+(?=[^\s]*\d)[A-Za-z0-9._~+/=-]{8,}"
    r"|\bBasic\s+(?=[^\s]*(?:[\d=]|[a-z][A-Z]))[A-Za-z0-9+/]{10,}={0,2}"
    r"|\b(?:sk|rk|pk)-(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{12,}"
    r"|\b(?:gsk|hf|r8|ghp|github_pat|glpat|xox[abp])[_-][A-Za-z0-9_-]{12,}"
    r"|\b(?:xai|pplx|tgp|csk|co|nvapi)-[A-Za-z0-9_-]{16,}"
    r"|\bAIza[A-Za-z0-9_-]{20,}"
    r"|\bya29\.[A-Za-z0-9_-]{10,}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
)


_BYTES: Final = re.compile(_VALUE.pattern.encode())


def secret_name(name: str) -> bool:
    """Whether what is called so is a secret, as a rule."""
    return name.lower() in HEADERS or _NAME.search(name) is not None


def redact_text(text: str) -> str:
    """The text, with what looks like a key replaced."""
    return _VALUE.sub(REDACTED, text)


def redact_bytes(data: bytes, secrets: Collection[str] = ()) -> bytes:
    """The bytes with asterisks in place of what looks like a key, and of these secrets: as many as it had."""
    for secret in secrets:
        mark = secret.encode("utf-8", "surrogateescape")
        data = data.replace(mark, b"*" * len(mark))
    return _BYTES.sub(lambda found: b"*" * len(found[0]), data)


def redacted(value: Json) -> Json:
    """JSON without secrets: texts under the name of one, and what looks like one wherever it stands. Numbers
    stay: `max_tokens` and `token` counts are none."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, list):
        return [redacted(each) for each in value]
    if isinstance(value, dict):
        return {
            key: REDACTED if isinstance(each, str) and each and secret_name(key) else redacted(each)
            for key, each in value.items()
        }
    return value
