"""The names and functions that the rest of the project needs of all providers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from mockllm.core.failure import NEVER, Failure
from mockllm.core.json.codec import Json
from mockllm.core.limits.limit_data import LimitResult, LimitStatus
from mockllm.core.rendering.plan import Headers
from mockllm.core.request.request import Request
from mockllm.dialects.listing import LISTED_BY_NAME, LISTED_CALLS, LISTED_PROVIDERS
from mockllm.dialects.provider import Provider
from mockllm.dialects.route_table import ROUTES, spellings
from mockllm.dialects.telemetry_fields import TelemetryFields

DIALECT_NAMES: Final = frozenset(call.protocol for call in LISTED_CALLS)
"""The protocols: the values of `match: {dialect: …}`, and the keys of `extras` and of `fields` by dialect."""
WRITTEN_MEMBERS: Final = {
    provider.name: provider.member_keys for provider in LISTED_PROVIDERS if provider.member_keys
}
"""By protocol: the members that the server writes itself, with the keys of the language for them."""
PROTOCOL_VERSIONS: Final = tuple(
    version for provider in LISTED_PROVIDERS for version in provider.protocol_versions
)
"""The values of `protocols` of a server in `mcp`."""
APIS: Final = frozenset(call.api for call in LISTED_CALLS)
"""The values of `match: {api: …}`."""
PROVIDERS: Final = frozenset(LISTED_BY_NAME)
"""The values of `match: {provider: …}`, and the prefixes of paths."""
PREFIXES: Final = PROVIDERS - {
    path.lstrip("/").partition("/")[0]
    for provider in LISTED_PROVIDERS
    for route in provider.routes
    for path in (route.path, route.path.removeprefix(provider.base), provider.base + route.path)
}
"""The providers with whose names no path begins but as a prefix, not even behind the prefix of another provider."""
REPLY_APIS: Final = frozenset(call.api for call in LISTED_CALLS if call.takes_reply)
"""The apis whose response a rule's reply can be: generating calls, and those that make media."""
REPLY_PATHS: Final = frozenset(
    bare for route in ROUTES if route.call.takes_reply for _, bare in spellings(route)
)
"""The paths of these calls; `{name}` in them is any text."""
ALIASES: Final = {alias: provider.name for provider in LISTED_PROVIDERS for alias in provider.aliases}
"""Words that people write in place of a provider's name, with the name."""
_NEUTRAL: Final = tuple(call for call in LISTED_CALLS if call.generates and call.from_neutral_request)
PROVIDER_DIALECTS: Final = {
    provider: frozenset(call.protocol for call in _NEUTRAL if call.provider == provider)
    for provider in PROVIDERS
}
"""The dialects of each provider's generating calls."""
API_DIALECTS: Final = {api: frozenset(call.protocol for call in _NEUTRAL if call.api == api) for api in APIS}
"""The dialects of each api's generating calls."""
LINE_DIALECTS: Final = frozenset(call.protocol for call in _NEUTRAL if call.ndjson)
"""The dialects whose streams are lines of JSON."""


def _loaded(name: str | None) -> Provider | None:
    """Return a provider with its code; None where there is none of this name."""
    listed = LISTED_BY_NAME.get(name or "")
    return None if listed is None else listed.provider_object


def path_dialects() -> dict[str, frozenset[str]]:
    """Return the dialects of the generating calls at each path, without prefixes."""
    found: dict[str, set[str]] = {}
    for route in ROUTES:
        if route.call.generates:
            for _, bare in spellings(route):
                found.setdefault(bare, set()).add(route.call.protocol)
    return {path: frozenset(names) for path, names in found.items()}


@cache
def _unprefixed_paths() -> frozenset[str]:
    """Return the paths that need no prefix, although they begin with the name of a provider."""
    found = {bare for route in ROUTES for prefix, bare in spellings(route) if not prefix}
    found |= {websocket.path for provider in LISTED_PROVIDERS for websocket in provider.websockets}
    return frozenset(path for path in found if path.split("/")[1] in PROVIDERS)


@cache
def certain_prefixes() -> frozenset[str]:
    """Return the providers with whose names a path begins only as a prefix. The path after another provider's prefix
    may begin with such a name."""
    return PROVIDERS - {path.split("/")[1] for path in _unprefixed_paths()}


def begins_with_prefix(path: str) -> bool:
    """Return whether a path's first segment is certainly a provider's prefix, which rules do not see."""
    first = path.split("/")[1:2]
    return (
        bool(first)
        and first[0] in PROVIDERS
        and not any(
            re.fullmatch("[^/]+".join(map(re.escape, re.split(r"\{\w+\}", known))), path)
            for known in _unprefixed_paths()
        )
    )


def is_known_model(provider: str | None, model: str) -> bool:
    """Return whether a provider is known to have a model of this name."""
    found = _loaded(provider)
    return found is not None and model in found.known_models


def undocumented_field_failure(dialect: str, request: Request) -> Failure | None:
    """Return what a provider, else its protocol, refuses with `validation: exact` alone, such as unknown fields."""
    for found in (_loaded(request.provider), _loaded(dialect)):
        if found is not None and found.refuse_inexact is not None:
            return found.refuse_inexact(request)
    return None


def telemetry_fields(dialect: str) -> TelemetryFields:
    """Return the members of a protocol with the values that traces report."""
    found = _loaded(dialect)
    return TelemetryFields() if found is None else found.telemetry_fields


def parameter_fields(dialect: str, parameter: str) -> dict[str, Json]:
    """Return the members by which a protocol's error object names a wrong parameter."""
    found = _loaded(dialect)
    return {} if found is None or found.parameter_field is None else {found.parameter_field: parameter}


def limit_headers(provider: str | None, limit_status: LimitStatus, now: float) -> Headers:
    """Write the state of a limit as this provider's headers; `now` in seconds since the epoch."""
    found = _loaded(provider)
    return () if found is None or found.limit_headers is None else found.limit_headers(limit_status, now)


def wait_headers(provider: str | None) -> Mapping[str, float]:
    """Return the headers beside `retry-after` in which a provider requests a wait, with the seconds in a unit."""
    found = _loaded(provider)
    return {} if found is None else found.wait_headers


def limit_failure(
    provider: str | None,
    result: LimitResult,
    limit_status: LimitStatus,
    tokens: int,
    model: str | None,
    now: float,
) -> Failure:
    """Return this provider's failure where a limit refuses a request of `tokens`."""
    found = _loaded(provider)
    if found is not None and found.limit_refusal is not None:
        return found.limit_refusal(result, limit_status, tokens, model, now)
    headers = limit_headers(provider, limit_status, now)
    bound_status = limit_status.bound_status(result.bound)
    bound = "requests" if result.bound == "requests" else "tokens"
    exceeded = None if bound_status is None else (bound, bound_status.limit, bound_status.window)
    if result.retry_after is not None:
        return Failure("rate_limit", retry_after=result.retry_after, headers=headers, exceeded_limit=exceeded)
    amount = "1 request" if result.bound == "requests" else f"{tokens} tokens"
    named = f" for model {model}" if model else ""
    message = f"Request too large{named}: it takes {amount}, more than the limit."
    return Failure("rate_limit", message=message, retry_after=NEVER, headers=headers, exceeded_limit=exceeded)
