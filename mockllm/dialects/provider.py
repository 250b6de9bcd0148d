"""A provider as one object: its calls, its routes, and every fact about it that the rest of the project derives."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from msgspec import Struct

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.prompt_cache.policy import CachePolicy
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import Dialect
from mockllm.dialects.price import NO_PRICES, PriceList
from mockllm.dialects.rate_limit_headers import LimitHeaders, LimitRefusal
from mockllm.dialects.serving_metrics_form import ServingMetricsForm
from mockllm.dialects.telemetry_fields import TelemetryFields


class ProviderCall(Struct, frozen=True, eq=False):
    """One call of a provider's API, under an id that no other call of this provider has."""

    id: str
    dialect: Dialect
    """Serves the call. Two calls may share a dialect's `api`; their ids differ."""
    operation: str | None = None
    """`gen_ai.operation.name` of OpenTelemetry; None where the call is no operation of a model."""
    telemetry_provider: str | None = None
    """`gen_ai.provider.name` where it differs from the provider's."""
    title: str | None = None
    """The heading of its table in docs/errors.md; None where the table of another call covers it."""
    from_neutral_request: bool = True
    """Whether examples, `explain` and the shared tests make this generating call from a `NeutralRequest`, by
    `build_request`. False where that is impossible, or where another call represents it."""
    sdk_types: tuple[str, str] | tuple[()] = ()
    """The classes (`module:name`) of a body and of an event in the official Python SDK; for a call without streams
    the first one twice."""
    python_call: tuple[str, str, str] | tuple[()] = ()
    """The package, the client class and the method of the official Python SDK, whose arguments are the body's fields;
    empty where they are not."""
    body_fields: tuple[str, ...] = ()
    """The fields that identify a body of this call in a log that names no path."""
    recognizes_body: Callable[[Mapping[str, Json]], bool] | None = None
    """Whether a body alone, without a path and without messages, is of this call: `explain` guesses by it. Its path
    has no variables."""

    @property
    def endpoint(self) -> str:
        """The name in the control API and the journal, such as `openai-chat`."""
        return f"{self.dialect.name}-{self.dialect.api}"


class ProviderRoute(NamedTuple):
    """A method and a path of a call. In the path `(a|b)` is either of the two. `{name}` is a variable: a segment
    or a part of one; only `{model}` may contain slashes."""

    method: str
    path: str
    call: ProviderCall
    needs_prefix: bool = False
    """Whether this path alone needs the provider's name as its prefix."""


class ProviderWebSocket(NamedTuple):
    """A path at which WebSockets open."""

    path: str
    handshake: ProviderCall
    messages: tuple[tuple[str, ProviderCall], ...]
    """The calls of the messages that are requests, by the names of their events."""


class ProviderDescription(Struct, frozen=True, kw_only=True, eq=False):
    """What a server needs of a provider before it imports the provider's folder (`listing.py`)."""

    name: str
    """Its name in `match: {provider: …}`, and the prefix of its paths."""
    title: str
    """Its name in the docs and on the first page."""
    aliases: tuple[str, ...] = ()
    """Words that people write in place of its name: diagnostics suggest the name."""
    needs_prefix: bool = False
    """Whether its paths need its name as their prefix."""

    base: str = ""
    """The path in the base URL of its SDKs."""
    omittable_start: str | None = None
    """The start that its paths may lack; None: `base`."""
    compatible_base: str | None = None
    """The path in the base URL of an OpenAI SDK, prefix included, for its OpenAI-compatible calls."""
    base_url_shown: bool = False
    """Whether `GET /` and the start of the server show its base URL, and list its calls first."""
    routes_in_404: bool = False
    """Whether the 404 of every unknown path lists its routes."""
    unserved: tuple[str, ...] = ()
    """The starts of paths that its API has and mockllm does not serve: a 501 unless a rule names the path.
    `*` is one segment."""
    unserved_fields: Mapping[str, str] = MappingProxyType({})
    """Members of the error of such a call, in addition to the usual ones."""
    distinctive_paths: tuple[str, ...] = ()
    """The starts of paths that only its API has: an unknown path with one gets its error."""

    hint_headers: tuple[str, ...] = ()
    """Headers that only its clients send, in lower case. They decide where providers share a path."""
    hint_query: str | None = None
    """A regular expression for a query that only its clients send."""
    example_headers: tuple[str, ...] = ()
    """The hint headers that hold no secret: examples made of recordings contain them."""
    protocol_versions: tuple[str, ...] = ()
    """The versions of its protocol that a scenario may name, the oldest first."""
    member_keys: Mapping[str, str] = {}
    """The key of the scenario language that sets a member of a response, by the path of the member. Only for a
    provider whose protocol has its name."""
    hosts: tuple[str, ...] = ()
    """The ends of its API's host names, where a recorded path needs the provider's prefix."""
    unprefixed_hosts: tuple[str, ...] = ()
    """The same where a recorded path needs the prefix only if the path is also that of another provider."""
    base_url_variables: tuple[str, ...] = ()
    """Environment variables that hold the base URL of its SDKs."""
    base_path_variables: Mapping[str, str] = MappingProxyType({})
    """Environment variables that hold another base URL, with the path of each on this server."""
    key_variables: tuple[str, ...] = ()
    """Environment variables that hold the API key of its SDKs."""

    @property
    def omittable_path_start(self) -> str:
        """The start, such as `/v1`, that its paths may lack in a request."""
        return self.base if self.omittable_start is None else self.omittable_start

    def is_recognized(self, headers: Mapping[str, str], query: str) -> bool:
        """Return whether a request has a header or a query that only this provider's clients send."""
        if any(name in headers for name in self.hint_headers):
            return True
        return self.hint_query is not None and re.search(self.hint_query, query) is not None


class Provider(ProviderDescription, frozen=True, kw_only=True, eq=False):
    """A provider. `mockllm/dialects/listing.py` names all of them."""

    routes: tuple[ProviderRoute, ...]
    """The usual generating call first. Where several patterns fit a path, the last one is used."""
    websockets: tuple[ProviderWebSocket, ...] = ()
    """The paths at which its WebSockets open."""

    recognizes_body: Callable[[Mapping[str, Json]], bool] | None = None
    """Whether a bare JSON body is a request to this provider: `explain` guesses by it."""
    messages_field: str = "messages"
    """The field of a request body that holds the conversation."""

    known_models: frozenset[str] = frozenset()
    """The models that it is known to have: `models: strict` accepts them beside those of the rules."""
    telemetry_name: str | None = None
    """`gen_ai.provider.name` of OpenTelemetry; None: `name`."""
    telemetry_fields: TelemetryFields = TelemetryFields()
    """For a provider with a protocol of its name: the members with the values that traces report."""
    limit_headers: LimitHeaders | None = None
    """Writes the state of a rate limit as its headers; None where it sends none."""
    limit_refusal: LimitRefusal | None = None
    """Writes its 429; None where the table of errors suffices."""
    wait_headers: Mapping[str, float] = MappingProxyType({})
    """The headers beside `retry-after` and `retry-after-ms` in which its errors request a wait: the seconds in a unit
    of each, by lower-case name."""
    refuse_inexact: Callable[[Request], Failure | None] | None = None
    """Returns its refusal of what `validation: exact` alone refuses, such as fields that its protocol does not have.
    None: its service ignores them, or this is unknown."""
    parameter_field: str | None = None
    """The member of its protocol's error object that names a wrong parameter."""

    prices: PriceList = NO_PRICES
    prompt_cache_policy: Callable[[Request], CachePolicy | None] | None = None
    """Returns how it caches the prompt of a request; None where it does not, or where this is unknown."""
    serving_metrics_form: ServingMetricsForm | None = None
    """The metrics of its server under their own names: `/metrics` has them where its paths need no prefix."""

    @property
    def calls(self) -> tuple[ProviderCall, ...]:
        """Each call once, in the order of the routes, then those of WebSockets."""
        of_websockets = (
            call
            for websocket in self.websockets
            for call in (websocket.handshake, *(message for _, message in websocket.messages))
        )
        return tuple(dict.fromkeys((*(route.call for route in self.routes), *of_websockets)))

    def call(self, id: str) -> ProviderCall:
        """Return the call of this id. Raises KeyError."""
        return {call.id: call for call in self.calls}[id]
