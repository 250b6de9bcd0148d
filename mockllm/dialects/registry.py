"""All protocols that are spoken, and the names that scenarios may use for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mockllm.core.failure import NEVER, Failure
from mockllm.core.limits import LimitResult, LimitStatus
from mockllm.core.rendering.plan import Headers
from mockllm.dialects import anthropic, azure, gemini, openai, vendors
from mockllm.dialects.anthropic import headers as anthropics_headers
from mockllm.dialects.dialect import Dialect, GeneratingDialect
from mockllm.dialects.openai import headers as openais_headers
from mockllm.dialects.openai import rate_limit_errors
from mockllm.dialects.rate_limit_headers import Refused, Told
from mockllm.dialects.routes import ROUTES, generating_paths
from mockllm.dialects.vendors.rate_limit_headers import LIMITS as VENDORS_LIMITS

DIALECTS: Final[tuple[Dialect, ...]] = (
    openai.CHAT,
    openai.LIST_CHAT,
    openai.GET_CHAT,
    openai.UPDATE_CHAT,
    openai.DELETE_CHAT,
    openai.CHAT_MESSAGES,
    openai.RESPONSES,
    openai.INPUT_TOKENS,
    openai.COMPACT,
    openai.GET_RESPONSE,
    openai.DELETE_RESPONSE,
    openai.CANCEL_RESPONSE,
    openai.INPUT_ITEMS,
    openai.COMPLETIONS,
    openai.EMBEDDINGS,
    openai.MODERATIONS,
    openai.MODELS,
    anthropic.MESSAGES,
    anthropic.COUNT,
    anthropic.MODELS,
    anthropic.VERTEX_MESSAGES,
    anthropic.VERTEX_COUNT,
    gemini.GENERATE,
    gemini.VERTEX,
    gemini.COUNT,
    gemini.EMBEDDINGS,
    gemini.MODELS,
    *azure.DIALECTS,
    *dict.fromkeys(dialect for spoken in vendors.SPOKEN for _, _, dialect in spoken.calls),
)

DIALECT_NAMES: Final = frozenset(dialect.name for dialect in DIALECTS)
"""Whose protocol: what `match: {dialect: …}` knows, and the keys of `extras` and of `fields` by dialect."""
APIS: Final = frozenset(dialect.api for dialect in DIALECTS)
"""Which call: what `match: {api: …}` knows."""
PROVIDERS: Final = frozenset(route.provider for route in ROUTES)
"""The vendors, by the name that `match: {provider: …}` and the path's prefix know."""
GENERATING: Final = frozenset(dialect.api for dialect in DIALECTS if dialect.generates)
"""The calls that a rule without `api` and `path` sees."""
GENERATING_PATHS: Final = generating_paths()
"""Their paths; `{name}` in them is any text."""
SPOKEN: Final[tuple[tuple[str, GeneratingDialect], ...]] = (
    ("openai", openai.CHAT),
    ("openai", openai.RESPONSES),
    ("openai", openai.COMPLETIONS),
    ("anthropic", anthropic.MESSAGES),
    ("gemini", gemini.GENERATE),
    ("vertex", gemini.VERTEX),
    ("vertex", anthropic.VERTEX_MESSAGES),
    ("azure", azure.CHAT),
    ("azure", azure.RESPONSES),
    *((spoken.vendor.name, call) for spoken in vendors.SPOKEN for call in spoken.generating),
)
"""Who speaks which generating call; of each provider its usual one first."""


def spoken(provider: str, api: str | None = None) -> GeneratingDialect | None:
    """A provider's call, its usual one where none is named; None where it has no such generating call."""
    return next((call for name, call in SPOKEN if name == provider and api in (None, call.api)), None)


LIMITS: Final[Mapping[str, Told]] = {
    "openai": openais_headers.limits,
    "anthropic": anthropics_headers.limits,
    **VENDORS_LIMITS,
}
"""Which providers tell what a rate limit stands at; Google does not."""


def limit_headers(provider: str | None, standing: LimitStatus, now: float) -> Headers:
    """What a limit stands at, in this provider's headers; `now` in seconds since the epoch."""
    limits = LIMITS.get(provider or "")
    return () if limits is None else limits(standing, now)


REFUSED: Final[Mapping[str, Refused]] = {
    "openai": rate_limit_errors.refused,
    "anthropic": anthropics_headers.refused,
}
"""Those who say more than that it was too much."""


def refused(
    provider: str | None,
    verdict: LimitResult,
    standing: LimitStatus,
    tokens: int,
    model: str | None,
    now: float,
) -> Failure:
    """What this provider says where a limit refuses a request of so many tokens."""
    said = REFUSED.get(provider or "")
    if said is not None:
        return said(verdict, standing, tokens, model, now)
    headers = limit_headers(provider, standing, now)
    quota = _quota(verdict, standing)
    if verdict.retry_after is not None:
        return Failure("rate_limit", retry_after=verdict.retry_after, headers=headers, quota=quota)
    message = (
        f"Request too large for model {model}: it takes {_amount(verdict, tokens)}, more than the limit."
    )
    return Failure("rate_limit", message=message, retry_after=NEVER, headers=headers, quota=quota)


def _quota(verdict: LimitResult, standing: LimitStatus) -> tuple[str, int, float] | None:
    """What was refused, with its figures; None where nothing is counted."""
    gauge = standing.tokens if verdict.by == "tokens" else standing.requests
    return (
        None if gauge is None or verdict.by == "concurrent" else (verdict.by or "", gauge.limit, gauge.window)
    )


def _amount(verdict: LimitResult, tokens: int) -> str:
    return "1 request" if verdict.by == "requests" else f"{tokens} tokens"
