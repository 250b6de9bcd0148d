"""POST /model/{model}/invoke and /invoke-with-response-stream: a body of the model provider, unwrapped or in frames.

The frames of a stream have the bytes of the body's events in base64. Headers and frames are those of botocore's
service model `bedrock-runtime/2023-09-30/service-2.json` (`InvokeModelResponse`, `ResponseStream`), and of
recordings.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.rendering.event_layout import EventLayout
from mockllm.core.rendering.plan import Framing, Headers, Plan, ResponseHead
from mockllm.core.reply.reply import Reply, Usage
from mockllm.core.request.request import Request
from mockllm.core.request.response_parameters import Format, OutputBounds
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.anthropic.server_tools import SUPPORTED
from mockllm.dialects.bedrock.converse_check import check_readable
from mockllm.dialects.bedrock.converse_encoder import AWS_EVENT_STREAM, DIALECT
from mockllm.dialects.bedrock.converse_request import WrappingRequest
from mockllm.dialects.bedrock.errors import JSON_TYPE, LATENCY, error_plan, request_headers
from mockllm.dialects.bedrock.invoke_bodies import ANTHROPIC, InvokedBody, body_of, decode
from mockllm.dialects.bedrock.prompt_cache import INVOKE_PROMPT
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest

_CONTENT_TYPE: Final = ("x-amzn-bedrock-content-type", "application/json")


class InvokeRequest(WrappingRequest):
    """A request with a body of the model provider, which `inner` reads."""

    api = "invoke"
    generates = True

    @cached_property
    def maker(self) -> InvokedBody:
        """The protocol of the body."""
        return body_of(self.model or "", self.fields)

    @cached_property
    def inner(self) -> Request:
        """The request as one of the body's protocol."""
        return self.read_as(self.maker.request_class, self.raw)

    @cached_property
    def stream(self) -> bool:
        return self.path.endswith("-stream")

    @cached_property
    def tool_choice(self) -> ToolChoice:
        return self.inner.tool_choice

    @cached_property
    def response_format(self) -> Format:
        return self.inner.response_format

    @cached_property
    def output_bounds(self) -> OutputBounds:
        return self.inner.output_bounds

    @cached_property
    def thinking_returned(self) -> bool | None:
        return self.inner.thinking_returned


_LATENCY: Final = ("x-amzn-bedrock-invocation-latency", str(LATENCY))


def _count_headers(counted: Usage) -> Headers:
    """Return the counts of a non-streaming response. It has those of a cache only where there are any, and none where
    a fault removes the usage. The counts that differ most in equal responses are last: see `ResponseHead`."""
    if counted.presence != "counted":
        return ()
    counts = {"output": counted.output, "input": counted.input - counted.cache_read - counted.cache_write}
    if counted.cache_read or counted.cache_write:
        counts = {"cache-read-input": counted.cache_read, "cache-write-input": counted.cache_write, **counts}
    return tuple((f"x-amzn-bedrock-{name}-token-count", str(count)) for name, count in counts.items())


class Invoke:
    """The dialect of both calls. A `NeutralRequest` becomes a body of Claude."""

    name: str = DIALECT
    api: str = "invoke"
    generates: bool = True
    request_class: type[Request] = InvokeRequest
    prompt_form = INVOKE_PROMPT
    capabilities = ProtocolCapabilities(
        choices=False,
        redacted_thinking=True,
        json_object=False,
        closed_schemas=True,
        unsupported_parts=frozenset({"images"}),
        server_tools=SUPPORTED,
        reasoning=False,
        framings=frozenset({Framing.AWS_EVENT_STREAM_BYTES}),
    )

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, InvokeRequest)
        return check_readable(request) or request.maker.check(request.inner)

    check_readable = staticmethod(check_readable)
    error = staticmethod(error_plan)

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, InvokeRequest)
        return request.maker.supported_reply(reply, request.inner)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, InvokeRequest)
        plan = request.maker.encode_body(reply, request.inner, identity)
        own = _count_headers(reply.usage) + request_headers(identity)
        return replace(plan, head=ResponseHead(200, (JSON_TYPE, _LATENCY), own))

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, InvokeRequest)
        plan = request.maker.encode_stream(reply, request.inner, identity)
        head = ResponseHead(200, (*AWS_EVENT_STREAM, _CONTENT_TYPE), request_headers(identity))
        return replace(plan, head=head)

    def event_layout(self, request: Request) -> EventLayout:
        assert isinstance(request, InvokeRequest)
        return request.maker.event_layout(request.inner)

    def encoding_key(self, request: Request) -> Hashable:
        assert isinstance(request, InvokeRequest)
        return request.maker, request.maker.encoding_key(request.inner)

    def build_request(self, request: NeutralRequest) -> WireRequest:
        return ANTHROPIC.build_request(request)

    decode = staticmethod(decode)
