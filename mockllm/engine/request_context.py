"""The context that the engine attaches to each request that it reads: the route, and what the request overrides."""

from __future__ import annotations

from mockllm.core.failure import Failure
from mockllm.core.request.request import Request, RequestContext
from mockllm.dialects.routes import Routing
from mockllm.engine.overrides import Override


class EngineContext(RequestContext):
    """`routing` is what the route table returned. `override` holds what the headers or the session of the request
    override, or why they cannot; None for nearly all requests. Requests with the same head share a context."""

    __slots__ = ("override", "routing")

    def __init__(self, routing: Routing, override: Override | Failure | None = None) -> None:
        self.routing = routing
        self.override = override


def engine_context(request: Request) -> EngineContext:
    """Return the context of a request that an engine has read."""
    context = request.context
    assert type(context) is EngineContext, "the request was read by an engine"
    return context
