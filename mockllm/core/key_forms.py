"""API keys, tokens and the passwords of URLs by their forms, wherever they occur in a text or in bytes, and their
replacement.

Sources: the providers' forms of keys (OpenAI `sk-…` and `ek_…`, Anthropic `sk-ant-…`, Google `AIza…`, `ya29.…`,
`GOCSPX-…` and `1//0…`, Groq `gsk_…`, xAI `xai-…`, Perplexity `pplx-…`, Hugging Face `hf_…`, AWS `AKIA…`, GitHub
`gho_…`), RFC 6750 for bearer tokens and RFC 7519 for JSON Web Tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import AnyStr, Final, Generic, NamedTuple

from mockllm.core.secret_masker import asterisks
from mockllm.core.text_cache import text_cache

REDACTED: Final = "REDACTED"
"""The replacement of a secret."""
URL: Final = "://"
"""Before the user of a URL, whose password is a secret."""
URL_CREDENTIALS: Final = r"://[^\s/?#:@\"\\]{0,256}:([^\s/?#\"\\]{1,1000})@"
"""The user and the password of a URL; the group is the password."""
_FORMS: Final = (
    (("bearer",), r"(?i:bearer)\s+(?=[^\s]{0,500}\d)[A-Za-z0-9._~+/=-]{8,}"),
    (("basic",), r"\bBasic\s+(?=[^\s]{0,500}(?:[\d=]|[a-z][A-Z]))[A-Za-z0-9+/]{10,}={0,2}"),
    (("sk-", "rk-", "pk-"), r"\b(?:sk|rk|pk)-(?=[A-Za-z_-]{0,500}+\d)[A-Za-z0-9_-]{12,}"),
    (
        (
            *("gsk_", "gsk-", "hf_", "hf-", "r8_", "r8-", "github_pat", "glpat", "xox"),
            *("ghp_", "ghp-", "gho_", "ghu_", "ghs_", "ghr_"),
        ),
        r"\b(?:gsk|hf|r8|gh[pousr]|github_pat|glpat|xox[abp])[_-][A-Za-z0-9_-]{12,}",
    ),
    (
        ("xai-", "pplx-", "tgp-", "csk-", "co-", "nvapi-"),
        r"\b(?:xai|pplx|tgp|csk|co|nvapi)-[A-Za-z0-9_-]{16,}",
    ),
    (("ek_",), r"\bek_(?=[A-Za-z]{0,500}+\d)[A-Za-z0-9]{16,}"),
    (("aiza",), r"\bAIza[A-Za-z0-9_-]{20,}"),
    (("ya29.",), r"\bya29\.[A-Za-z0-9_-]{10,}"),
    (("gocspx-",), r"\bGOCSPX-[A-Za-z0-9_-]{10,}"),
    (("1//0",), r"\b1//0[A-Za-z0-9_-]{20,}"),
    (("akia", "asia"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    (("eyj",), r"\beyJ[A-Za-z0-9_-]{8,1000}\.[A-Za-z0-9_-]{8,8000}\.[A-Za-z0-9_-]*"),
    ((URL,), URL_CREDENTIALS),
)
"""The beginnings of keys, in lower case, and their patterns. A pattern with a group has the secret there. One regex
for all takes a millisecond for each 7 KB; the search for beginnings takes a twentieth of that."""
MAX_SEARCHED: Final = 10_000
"""The characters from the beginning of a key that decide whether it is one, at most."""
MIN_LENGTH: Final = 14
"""Characters: shorter texts contain no key but that of a URL."""
_RUNS: Final = {
    "sk-": (r"[A-Za-z_-]*", r"\d", 503),
    "rk-": (r"[A-Za-z_-]*", r"\d", 503),
    "pk-": (r"[A-Za-z_-]*", r"\d", 503),
    "eyj": (r"[A-Za-z0-9_-]*", r"\.[A-Za-z0-9_-]{8,8000}+\.", 1003),
}
"""For beginnings whose pattern reads far: the characters that follow, what must follow these, and how far before that
a key begins at most. So a text of many beginnings is read once, not once for each."""
SHORTEST: Final = 8
"""Characters: a shorter secret is not searched elsewhere, since it would be found in words."""
SHORTEST_RANDOM: Final = 16
"""Characters: a shorter text does not look random."""
_RANDOM: Final = re.compile(rf"(?=.*\d)(?=.*[A-Za-z])[^\s]{{{SHORTEST_RANDOM},}}")
"""Text that looks random: a name such as `x-page-token` alone does not indicate a secret."""
_LONG_WORD: Final = re.compile(rf"[^\s]{{{SHORTEST_RANDOM},}}")


class KeyForm(NamedTuple, Generic[AnyStr]):
    """How a kind of keys begins, in lower case, and its pattern. For its further fields see `_RUNS`."""

    beginning: AnyStr
    pattern: re.Pattern[AnyStr]
    run: re.Pattern[AnyStr] | None = None
    tail: re.Pattern[AnyStr] | None = None
    reach: int = 0


@cache
def _text_forms() -> Sequence[KeyForm[str]]:
    """Return the forms for texts. The start of the server does not wait for their patterns."""
    return tuple(
        KeyForm(
            beginning,
            re.compile(form),
            re.compile(_RUNS[beginning][0]),
            re.compile(_RUNS[beginning][1]),
            _RUNS[beginning][2],
        )
        if beginning in _RUNS
        else KeyForm(beginning, re.compile(form))
        for beginnings, form in _FORMS
        for beginning in beginnings
    )


@cache
def _byte_forms() -> Sequence[KeyForm[bytes]]:
    """Return the forms for bytes."""
    return tuple(
        KeyForm(
            form.beginning.encode(),
            re.compile(form.pattern.pattern.encode()),
            None if form.run is None else re.compile(form.run.pattern.encode()),
            None if form.tail is None else re.compile(form.tail.pattern.encode()),
            form.reach,
        )
        for form in _text_forms()
    )


@text_cache(1024)  # each request has the same few paths, models and notes
def redact_text(text: str) -> str:
    """Return the text with REDACTED in place of what looks like a key."""
    if len(text) < MIN_LENGTH and URL not in text:
        return text
    low = text.lower()
    if len(low) != len(text):  # the lower case of some letters is two characters
        low = "".join([char if len(char) == 1 else "?" for char in map(str.lower, text)])
    parts, at = [], 0
    for begin, end in _keys(text, low, _text_forms()):
        parts += [text[at:begin], REDACTED]
        at = end
    return "".join([*parts, text[at:]]) if parts else text


def redact_bytes(data: bytes) -> bytes:
    """Return the bytes with asterisks in place of what looks like a key. The length stays."""
    result = None
    for begin, end in _keys(data, data.lower(), _byte_forms()):
        result = result or bytearray(data)
        result[begin:end] = asterisks(data[begin:end])
    return data if result is None else bytes(result)


def _keys(text: AnyStr, low: AnyStr, forms: Iterable[KeyForm[AnyStr]]) -> list[tuple[int, int]]:
    """Return begin and end of what looks like a key, in order. `low` is the text in lower case."""
    spans = [span for form in forms for span in _spans(form, text, low)]
    if len(spans) < 2:
        return spans
    spans.sort()
    merged = spans[:1]
    for begin, end in spans[1:]:
        if begin >= merged[-1][1]:
            merged.append((begin, end))
        elif end > merged[-1][1]:
            merged[-1] = (merged[-1][0], end)
    return merged


def _spans(form: KeyForm[AnyStr], text: AnyStr, low: AnyStr) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each key. `low` is the text in lower case."""
    end, ended_well = 0, False
    at = low.find(form.beginning)
    while at >= 0:
        match = form.pattern.match(text, at)
        if match is not None:
            yield match.span(match.lastindex or 0)
            after = match.end()
        else:
            after = at + len(form.beginning)
            if form.run is not None and form.tail is not None:
                if after > end:
                    followers = form.run.match(text, after)
                    end = followers.end() if followers is not None else after
                    ended_well = form.tail.match(text, end) is not None
                after = max(after, end - form.reach if ended_well else end)
        at = low.find(form.beginning, after)


def looks_random(text: str) -> bool:
    """Return whether a text looks random, as keys do."""
    return _RANDOM.fullmatch(text) is not None


def without_random(text: str) -> str:
    """Return a text with REDACTED in place of each word that looks random."""
    return _LONG_WORD.sub(lambda found: REDACTED if looks_random(found[0]) else found[0], text)


def may_show_random(texts: Iterable[str]) -> bool:
    """Return whether any of these texts contains a text that looks random, as `named_secrets` yields."""
    return any(
        len(word) >= SHORTEST_RANDOM and _RANDOM.fullmatch(word) for text in texts for word in text.split()
    )
