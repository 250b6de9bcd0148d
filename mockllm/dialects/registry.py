"""The names and calls that the rest of the project needs of all providers, derived from the list of them."""

from __future__ import annotations

from typing import Final, NamedTuple, cast

from mockllm.core.failure import NEVER, Failure
from mockllm.core.json.codec import Json
from mockllm.core.limits.limit import LimitResult, LimitStatus
from mockllm.core.rendering.plan import Framing, Headers
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import Dialect, GeneratingDialect
from mockllm.dialects.providers import BY_NAME, REGISTERED
from mockllm.dialects.routes import generating_paths

DIALECTS: Final[tuple[Dialect, ...]] = tuple(
    dict.fromkeys(call.dialect for provider in REGISTERED for call in provider.calls)
)
DIALECT_NAMES: Final = frozenset(dialect.name for dialect in DIALECTS)
"""The protocols: the values of `match: {dialect: …}`, and the keys of `extras` and of `fields` by dialect."""
WRITTEN_MEMBERS: Final = {
    provider.name: provider.written_members for provider in REGISTERED if provider.written_members
}
"""By protocol: the members that the server writes itself, with the words of the language for them."""
APIS: Final = frozenset(dialect.api for dialect in DIALECTS)
"""The values of `match: {api: …}`."""
PROVIDERS: Final = frozenset(BY_NAME)
"""The values of `match: {provider: …}`, and the prefixes of paths."""
PREFIXES: Final = PROVIDERS - {
    path.lstrip("/").partition("/")[0]
    for provider in REGISTERED
    for route in provider.routes
    for path in (route.path, route.path.removeprefix(provider.base), provider.base + route.path)
}
"""The providers with whose names no path begins but as a prefix."""
GENERATING: Final = frozenset(
    dialect.api for dialect in DIALECTS if dialect.generates or dialect.request_class.makes_media
)
"""The apis whose response a rule's reply can be: generating calls, and those that make media."""
GENERATING_PATHS: Final = generating_paths()
"""The paths of these calls; `{name}` in them is any text."""
ALIASES: Final = {alias: provider.name for provider in REGISTERED for alias in provider.aliases}
"""Words that people write in place of a provider's name, with the name."""


class PythonCall(NamedTuple):
    """A call of the official Python SDK; `path` follows the base URL of its client."""

    package: str
    client: str
    method: str
    path: str


PYTHON_CALLS: Final = {
    route.call.endpoint: PythonCall(*route.call.python_call, route.path.removeprefix(provider.base))
    for provider in REGISTERED
    for route in provider.routes
    if route.call.python_call
}
"""By endpoint, such as `openai-chat`."""


class GeneratingCall(NamedTuple):
    """A generating call that neutral words can ask for."""

    provider: str
    id: str
    dialect: GeneratingDialect

    @property
    def name(self) -> str:
        """`openai-chat`; unique."""
        return f"{self.provider}-{self.id}"

    @property
    def endpoint(self) -> str:
        """The name in the control API and the journal, such as `openai-chat`."""
        return f"{self.dialect.name}-{self.dialect.api}"


GENERATING_CALLS: Final[tuple[GeneratingCall, ...]] = tuple(
    GeneratingCall(provider.name, call.id, cast(GeneratingDialect, call.dialect))
    for provider in REGISTERED
    for call in provider.calls
    if call.dialect.generates and call.neutral
)
"""Those of each provider with its usual one first."""

PROVIDER_DIALECTS: Final = {
    provider: frozenset(call.dialect.name for call in GENERATING_CALLS if call.provider == provider)
    for provider in PROVIDERS
}
"""The dialects of each provider's generating calls."""
API_DIALECTS: Final = {
    api: frozenset(call.dialect.name for call in GENERATING_CALLS if call.dialect.api == api) for api in APIS
}
"""The dialects of each api's generating calls."""
LINE_DIALECTS: Final = frozenset(
    call.dialect.name for call in GENERATING_CALLS if Framing.NDJSON in call.dialect.capabilities.framings
)
"""The dialects whose streams are lines of JSON."""


def generating_dialect(provider: str, api: str | None = None) -> GeneratingDialect | None:
    """Return a provider's call by its id or its api, the usual one without `api`; None where there is none."""
    own = [call for call in GENERATING_CALLS if call.provider == provider]
    matches = [call for call in own if api in (None, call.id)] or [
        call for call in own if api == call.dialect.api
    ]
    return matches[0].dialect if matches else None


def knows(provider: str | None, model: str) -> bool:
    """Return whether a provider is known to have a model of this name."""
    found = BY_NAME.get(provider or "")
    return found is not None and model in found.known_models


def unknown_fields_failure(dialect: str, request: Request) -> Failure | None:
    """Return a protocol's refusal of a body with unknown fields; None where it has none or ignores them."""
    found = BY_NAME.get(dialect)
    return (
        None if found is None or found.refuse_unknown_fields is None else found.refuse_unknown_fields(request)
    )


def parameter_fields(dialect: str, parameter: str) -> dict[str, Json]:
    """Return the members by which a protocol's error object names a wrong parameter."""
    found = BY_NAME.get(dialect)
    return {} if found is None or found.parameter_field is None else {found.parameter_field: parameter}


def limit_headers(provider: str | None, limit_status: LimitStatus, now: float) -> Headers:
    """Write the state of a limit as this provider's headers; `now` in seconds since the epoch."""
    found = BY_NAME.get(provider or "")
    return () if found is None or found.limit_headers is None else found.limit_headers(limit_status, now)


def limit_failure(
    provider: str | None,
    result: LimitResult,
    limit_status: LimitStatus,
    tokens: int,
    model: str | None,
    now: float,
) -> Failure:
    """Return this provider's failure where a limit refuses a request of so many tokens."""
    found = BY_NAME.get(provider or "")
    if found is not None and found.limit_refusal is not None:
        return found.limit_refusal(result, limit_status, tokens, model, now)
    headers = limit_headers(provider, limit_status, now)
    gauge = limit_status.gauge(result.bound)
    bound = "requests" if result.bound == "requests" else "tokens"
    quota = None if gauge is None else (bound, gauge.limit, gauge.window)
    if result.retry_after is not None:
        return Failure("rate_limit", retry_after=result.retry_after, headers=headers, quota=quota)
    amount = "1 request" if result.bound == "requests" else f"{tokens} tokens"
    message = f"Request too large for model {model}: it takes {amount}, more than the limit."
    return Failure("rate_limit", message=message, retry_after=NEVER, headers=headers, quota=quota)
