"""Requests as the engine reads them: those of a dialect, with what the engine knows of each beside the body.

The core and the dialects know only `Request`. From each class of a dialect's requests, the engine derives one.
"""

from __future__ import annotations

from functools import cache
from typing import ClassVar, Final, NamedTuple, Self, cast

from msgspec import Struct
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.matching.rule_matching import RuleIndex
from mockllm.core.rendering.plan import Plan
from mockllm.core.request.request import Request
from mockllm.core.selection.decision import DecisionInputs
from mockllm.dialects.decoded_response import DecodedResponse
from mockllm.dialects.dialect import decode
from mockllm.dialects.missing_base_paths import missing_base_path_note
from mockllm.dialects.router import RouteMatch, Routing
from mockllm.engine.assessment import RequestAssessment
from mockllm.engine.override_headers import NO_OVERRIDE, Override
from mockllm.engine.prompt_cache_result import PromptCacheResult
from mockllm.engine.repeated_requests import RepeatedRequest
from mockllm.state.fetched_objects import MissingStoredObject


class ReadAhead(NamedTuple):
    """What a thread has read of a request before the decision on it, with this index. The request is long, or
    continues a long history."""

    rule_index: RuleIndex
    mask: int
    inputs: DecisionInputs
    assessment: RequestAssessment


class RouteMask(Struct):
    """The part of the match mask that follows from method, path, provider, dialect, api, `generates` and host. All
    requests with the same head share it; headers, query, session and API key are matched for each request. It was
    computed with `rule_index`. After a reload the engine has another index, and computes the mask again."""

    rule_index: RuleIndex | None = None
    mask: int = 0


_OFTEN_READ: Final = (
    "repeated",
    "read_ahead",
    "computed_hash",
    "generates",
    "background",
    "has_serving_metrics",
    "request_class",
    "may_have_history",
)


class EngineRequest(Request):
    """A request that the engine reads, also one for a path that no provider has. `RequestReader` sets its
    attributes, `Engine.read_ahead` sets `read_ahead`, and `PromptCaching` sets `prompt_cache_result`. Its class
    is derived from this one and from `request_class`."""

    request_class: ClassVar[type[Request]] = Request
    """The dialect's class of requests; `Request` for an unknown path or a wrong method. Workers can pickle it, but
    not the class that is derived from it."""
    may_have_history: ClassVar[bool] = False
    """Whether requests of the class may continue stored responses: `history_is_long` looks at them."""
    routing: Routing
    """What the route table returned. It has the dialect."""
    stores_responses: bool
    """Whether the state stores responses to this call, where the request allows it (`may_be_stored`)."""
    route_mask: RouteMask
    missing_base_path_note: str | None = None
    """The note on a path that lacks the path in the base URL of its provider's SDKs."""
    override_or_failure: Override | Failure | None = None
    """What the headers or the session of the request override; None for nearly all requests. For an invalid session
    or an invalid header, it is the Failure with which the engine refuses the request."""
    repeated: RepeatedRequest | None = None
    """What follows from the head and the body of a request that came before."""
    read_ahead: ReadAhead | None = None
    """What a thread has read of a request that is long or continues a long history."""
    prompt_cache_result: PromptCacheResult | None = None
    """What the prompt cache has of the request, once it was looked up: a response may be planned more than once."""

    @property
    def override(self) -> Override:
        """What the headers or the session of the request override; nothing, if the engine refuses it."""
        return self.override_or_failure if type(self.override_or_failure) is Override else NO_OVERRIDE

    @cached_property
    def response_is_stored(self) -> bool:
        """Whether the state stores the response to it."""
        return self.stores_responses and self.may_be_stored

    @property
    def has_unread_history(self) -> bool:
        """Whether a thread has to read the stored responses that the request continues, before the decision. Those in
        a store are first fetched, and not read in a thread."""
        try:
            return self.generates and self.read_ahead is None and self.history_is_long
        except MissingStoredObject:
            return False

    def without_body(self) -> Self:
        request = super().without_body()
        request.routing, request.stores_responses = self.routing, self.stores_responses
        request.route_mask, request.override_or_failure = self.route_mask, self.override_or_failure
        return request


def engine_request_class(routing: Routing) -> type[EngineRequest]:
    """Return the class of the requests that take a route."""
    request_class = routing.dialect.request_class if isinstance(routing, RouteMatch) else Request
    return _derived_class(request_class)  # type: ignore[arg-type]  # mypy takes no class for hashable


@cache
def _derived_class(request_class: type[Request]) -> type[EngineRequest]:
    attributes = {
        "request_class": request_class,
        "may_have_history": request_class.history_is_long is not Request.history_is_long,
    }
    return cast(type[EngineRequest], type(request_class.__name__, (EngineRequest, request_class), attributes))


def often_read_attributes(request_class: type[EngineRequest]) -> dict[str, object]:
    """Return the attributes of the class that the server reads of each request, without computed ones. Each request
    has them as its own: Python 3.11 reads these five times as fast."""
    values = {name: getattr(request_class, name) for name in _OFTEN_READ}
    return {name: value for name, value in values.items() if not hasattr(value, "__get__")}


def attributes_of_route(routing: Routing) -> dict[str, object]:
    """Return the attributes that the requests with a head have by their route."""
    is_call = isinstance(routing, RouteMatch)
    storage_update = getattr(routing.dialect, "storage_update", None)
    attributes: dict[str, object] = {
        "path": routing.path,
        "provider": routing.provider,
        "path_variables": routing.path_variables if isinstance(routing, RouteMatch) else {},
        "routing": routing,
        "stores_responses": is_call and storage_update is not None,
        "route_mask": RouteMask(),
    }
    attributes["missing_base_path_note"] = missing_base_path_note(routing.provider, routing.path)
    return attributes


def decode_response(request: Request, plan: Plan) -> DecodedResponse | None:
    """Return the response to a request; None where its dialect decodes none, or no engine has read the request."""
    return decode(plan, request.routing.dialect) if isinstance(request, EngineRequest) else None
