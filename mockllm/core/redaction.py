"""What must never stand in a file or a log: keys, cookies, signatures. What is left of a request without them.

By the names of headers, query parameters and fields, and by the looks of a value: a key may stand anywhere.
Sources: the providers' own forms of keys (OpenAI `sk-…`, Anthropic `sk-ant-…`, Google `AIza…` and `ya29.…`, Groq
`gsk_…`, xAI `xai-…`, Perplexity `pplx-…`, Hugging Face `hf_…`, AWS `AKIA…`), RFC 6750 for bearer tokens and RFC
7519 for JSON Web Tokens.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from typing import AnyStr, Final

from mockllm.core.json.codec import Json

REDACTED: Final = "REDACTED"
"""What stands in the place of a secret."""
KEYS: Final = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
"""The headers that carry an API key, by lower-case name."""
SECRETS: Final = frozenset(
    {
        *KEYS,
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "x-auth-token",
        "x-amz-security-token",
        "x-amz-signature",
        "x-goog-iam-authorization-token",
        "x-mockllm-admin-token",
    }
)
"""Headers that are secrets; other names count where `is_secret` knows them."""
WHO: Final = frozenset(
    {
        "openai-organization",
        "openai-project",
        "anthropic-organization-id",
        "x-forwarded-for",
        "x-real-ip",
        "cf-connecting-ip",
        "x-goog-user-project",
    }
)
"""Headers that say who asks: no secrets while a server runs, and nothing for a file that is shared."""
HARMLESS: Final = frozenset({"idempotency-key", "x-idempotency-key", "sec-websocket-key"})
"""Those that only sound like one."""
_NAME: Final = re.compile(
    r"(?i)(^|[-_.])(api[-_]?key|access[-_]?key|key|token|secret|password|passwd|signature|sig|credential"
    r"|auth|authorization|cookie|session[-_]?token|x-amz-[a-z-]+)$"
)
_FIELD: Final = re.compile(
    r"(?i)(^|[-_.])(api[-_]?key|access[-_]?(key|token)|(client[-_]?)?secret|password|passwd|authorization|credential)$"
)
"""Fields of a body: `key` and `token` stand for too much else there."""
_LOOKS: Final = (
    (("bearer",), r"(?i:bearer)\s+(?=[^\s]{0,500}\d)[A-Za-z0-9._~+/=-]{8,}"),
    (("basic",), r"\bBasic\s+(?=[^\s]{0,500}(?:[\d=]|[a-z][A-Z]))[A-Za-z0-9+/]{10,}={0,2}"),
    (("sk-", "rk-", "pk-"), r"\b(?:sk|rk|pk)-(?=[A-Za-z_-]{0,500}+\d)[A-Za-z0-9_-]{12,}"),
    (
        ("gsk", "hf", "r8", "ghp", "github_pat", "glpat", "xox"),
        r"\b(?:gsk|hf|r8|ghp|github_pat|glpat|xox[abp])[_-][A-Za-z0-9_-]{12,}",
    ),
    (
        ("xai-", "pplx-", "tgp-", "csk-", "co-", "nvapi-"),
        r"\b(?:xai|pplx|tgp|csk|co|nvapi)-[A-Za-z0-9_-]{16,}",
    ),
    (("aiza",), r"\bAIza[A-Za-z0-9_-]{20,}"),
    (("ya29.",), r"\bya29\.[A-Za-z0-9_-]{10,}"),
    (("akia", "asia"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    (("eyj",), r"\beyJ[A-Za-z0-9_-]{8,1000}\.[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]*"),
)
"""What keys begin with, in lower case, and their forms. One long expression of all of them takes a millisecond for
each 7 KB; to look for the beginnings takes a twentieth of that."""
SHORTEST: Final = 14
"""Characters: what is shorter is none of these."""
_TEXTS: Final = tuple((mark, re.compile(form)) for marks, form in _LOOKS for mark in marks)
_BYTES: Final = tuple((mark.encode(), re.compile(form.encode())) for marks, form in _LOOKS for mark in marks)


@lru_cache(1024)
def is_secret(name: str) -> bool:
    """Whether a header or parameter that is called so is a secret, as a rule."""
    low = name.lower()
    return low in SECRETS or (low not in HARMLESS and _NAME.search(name) is not None)


def secret_name(name: str) -> bool:
    """Whether what is called so has no place in a file."""
    return name.lower() in WHO or name.lower() in SECRETS or _NAME.search(name) is not None


def redact_text(text: str) -> str:
    """The text, with what looks like a key replaced."""
    if len(text) < SHORTEST:
        return text
    low = text.lower()
    if len(low) != len(text):  # of some letters two are made
        low = "".join([each if len(each) == 1 else "?" for each in map(str.lower, text)])
    told, at = [], 0
    for begin, end in _keys(text, low, _TEXTS):
        told += [text[at:begin], REDACTED]
        at = end
    return "".join([*told, text[at:]]) if told else text


def redact_bytes(data: bytes, secrets: Collection[str] = ()) -> bytes:
    """The bytes with asterisks in place of what looks like a key, and of these secrets: as many as it had."""
    for secret in secrets:
        mark = secret.encode("utf-8", "surrogateescape")
        data = data.replace(mark, b"*" * len(mark))
    told = None
    for begin, end in _keys(data, data.lower(), _BYTES):
        told = told or bytearray(data)
        told[begin:end] = b"*" * (end - begin)
    return data if told is None else bytes(told)


def _keys(
    text: AnyStr, low: AnyStr, looks: Iterable[tuple[AnyStr, re.Pattern[AnyStr]]]
) -> list[tuple[int, int]]:
    """Where what looks like a key begins and ends, in its order; `low` is the same in lower case."""
    found = []
    for mark, form in looks:
        at = low.find(mark)
        while at >= 0:
            match = form.match(text, at)
            if match is not None:
                found.append(match.span())
            at = low.find(mark, at + len(mark) if match is None else match.end())
    if len(found) < 2:
        return found
    found.sort()
    apart = found[:1]
    for begin, end in found[1:]:
        if begin >= apart[-1][1]:
            apart.append((begin, end))
        elif end > apart[-1][1]:
            apart[-1] = (apart[-1][0], end)
    return apart


def redacted(value: Json, secret: Callable[[str], bool] = secret_name) -> Json:
    """JSON without secrets: texts under the name of one, and what looks like one wherever it stands. Numbers
    stay: `max_tokens` and `token` counts are none."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, list):
        return [redacted(each, secret) for each in value]
    if isinstance(value, dict):
        return {
            key: REDACTED if isinstance(each, str) and each and secret(key) else redacted(each, secret)
            for key, each in value.items()
        }
    return value


def secret_field(name: str) -> bool:
    """Whether a field of a request's body that is called so is a secret beyond doubt."""
    return _FIELD.search(name) is not None
