"""The calls of an MCP server over streamable HTTP: POST of a message, GET to listen, DELETE to end a session.

Source: `basic/transports` of the specification, versions 2025-03-26 to 2026-07-28.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.json.typed_values import object_of
from mockllm.core.rendering.encoder import Encoder, EncoderPosition, Event, encode
from mockllm.core.rendering.plan import (
    BackgroundRun,
    CutStep,
    Delivery,
    EventKind,
    EventStep,
    ExpectedResponses,
    Framing,
    Plan,
    ResponseHead,
    Step,
    WaitStep,
)
from mockllm.core.reply.reply import NativePart, Reply
from mockllm.core.request.mcp_server import McpServer, ServerMessage
from mockllm.core.request.request import Request
from mockllm.core.request.stored_objects import StorageUpdate, StoredObject
from mockllm.dialects.dialect import ProtocolCapabilities, ResponseIdentity
from mockllm.dialects.mcp.check import (
    SESSIONS,
    accepts,
    check_message,
    check_session,
    check_version,
    foreign_page,
    unreadable,
)
from mockllm.dialects.mcp.content import has_questions, missing_capabilities, result_of, supported_reply
from mockllm.dialects.mcp.decoder import decode
from mockllm.dialects.mcp.errors import (
    OK,
    error_message,
    error_plan,
    is_error,
    json_plan,
    lacking,
    refusal,
    response,
    unknown_server,
)
from mockllm.dialects.mcp.oauth import unauthorized
from mockllm.dialects.mcp.protocol import (
    LAST_EVENT_HEADER,
    LISTENED,
    MCP_SESSION_HEADER,
    META,
    META_SUBSCRIPTION,
    METHOD_NOT_FOUND,
    SERVER_ERROR,
    UPDATED,
)
from mockllm.dialects.mcp.replayed import with_request_id
from mockllm.dialects.mcp.request import EndRequest, RpcRequest, ServerRequest, StreamRequest
from mockllm.dialects.mcp.results import RPC_HANDLERS, completed
from mockllm.dialects.mcp.resumption import (
    MESSAGE,
    SSE,
    continued_stream,
    is_resumable,
    resumable,
    resumable_recording,
    resumed,
    stream_update,
    with_event_id,
)
from mockllm.dialects.mcp.tasks import CHANGES, TASK_ANSWERS, begun_task, task_update

ACCEPTED: Final = Plan(ResponseHead(202, ()), ())
"""The response to a notification."""
ASK_TIMEOUT: Final = 60.0
"""Seconds that a response waits for the responses of its client."""


def notification(method: str, params: dict[str, Json]) -> bytes:
    return dumps({"jsonrpc": "2.0", "method": method, **({"params": params} if params else {})})


class McpEncoder(Encoder):
    """The events of a response: messages before the result, then the result."""

    def __init__(self, reply: Reply, request: RpcRequest) -> None:
        super().__init__(reply)
        self.request = request

    def start_part(self, at: EncoderPosition) -> Iterable[Event]:
        if isinstance(at.part, NativePart):
            block = object_of(at.part.block)
            return ((notification(str(block.get("method")), object_of(block.get("params"))), MESSAGE),)
        return ()

    def chunk_events(self, at: EncoderPosition, chunk: str) -> Iterable[Event]:
        return ()

    def end_stream(self) -> Iterable[tuple[EventKind, Event]]:
        result = response(self.request, result_of(self.reply, self.request))
        return (("finish", (dumps(result), MESSAGE)),)

    def error_events(self, failure: Failure) -> Iterable[Event]:
        return ((dumps(error_message(failure, self.request)), MESSAGE),)


class ServerCall:
    """The base of the calls: their name and their errors."""

    name = "mcp"
    generates = False

    check_readable = staticmethod(foreign_page)

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return error_plan(failure, request)

    def unmatched_failure(self, failure: Failure, request: Request, *, rule_names_path: bool) -> Failure:
        """Return the error of a message that no rule matches. Of a server that is described or recorded, it is a
        JSON-RPC error: a 404 would say that the session has ended. An unknown path or method has its own status."""
        message = failure.message
        if isinstance(request, ServerRequest):
            if request.server is not None or rule_names_path:
                return Failure("server_error", message=message)
            message = f"{unknown_server(request)}\n{message}"
        return replace(failure, message=message, fields={"code": SERVER_ERROR})


class McpCall(ServerCall):
    """POST: one JSON-RPC message."""

    api = "jsonrpc"
    request_class: type[Request] = RpcRequest
    capabilities = ProtocolCapabilities(
        media=frozenset({"audio"}),
        conversation=False, unsupported_parts=frozenset({"citations", "thinking", "tool_calls"}),
        reasoning=False, cache_read=False,
        cache_write=False,
    )  # fmt: skip

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        plan = super().error(failure, request, identity)
        return with_event_id(plan, request) if isinstance(request, RpcRequest) else plan

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, RpcRequest)
        return foreign_page(request) or unauthorized(request) or check_message(request)

    def check_readable(self, request: Request) -> Failure | None:
        assert isinstance(request, RpcRequest)
        return foreign_page(request) or unauthorized(request) or unreadable(request)

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure | None:
        """Return the response by the server's description; None where only a rule can respond."""
        assert isinstance(request, RpcRequest)
        if request.kind != "request":
            return ACCEPTED
        server, method = request.server, request.rpc_method or ""
        if server is None:
            return None
        if method == "subscriptions/listen" and request.modern:
            return _listening(request, server)
        known = (
            TASK_ANSWERS
            if server.tasks and method in TASK_ANSWERS and request.modern
            else RPC_HANDLERS[request.modern]
        )
        found = known.get(method)
        if found is None:
            return _unanswered(request, server)
        result = found(request, server)
        if isinstance(result, Failure):
            return result
        plan = json_plan(response(request, completed(result, request)))
        return with_session(plan, request, identity)

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        """Return the session, the task or the stream that begins with this response, the session that ends with it,
        or the change of a task."""
        assert isinstance(request, RpcRequest)
        if plan.head.status == 404 and not request.modern and request.client_session is not None:
            # a client has to begin another one
            return StorageUpdate(forgotten=(request.stored_name(SESSIONS, request.client_session),))
        if is_resumable(plan) or continued_stream(request):
            return stream_update(plan.background or BackgroundRun(plan), request, plan.delay)
        if plan.background is not None or request.rpc_method in CHANGES:
            return task_update(plan, request)
        if request.rpc_method != "initialize" or is_error(plan):
            return None
        headers = {name.lower(): value for name, value in plan.head.headers}
        id = headers.get(MCP_SESSION_HEADER)
        if id is None:
            return None
        name = request.stored_name(SESSIONS, id)
        return StorageUpdate((name,), StoredObject(name, None, b"", b""))

    def supported_reply(self, reply: Reply, request: Request) -> Reply:
        assert isinstance(request, RpcRequest)
        return supported_reply(reply, request)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, RpcRequest)
        plan = plan_without_result(reply, request, identity)
        if plan is not None:
            return plan
        body = with_event_id(json_plan(response(request, result_of(reply, request))), request)
        return with_session(body, request, identity)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        assert isinstance(request, RpcRequest)
        plan = plan_without_result(reply, request, identity)
        if plan is not None:
            return plan
        steps = tuple(encode(McpEncoder(reply, request)))
        stream = Plan(ResponseHead(OK, SSE), steps, Framing.SSE)
        if request.rpc_method == "initialize":  # its client has no session yet in which it could resume
            return with_session(stream, request, identity)
        return resumable(stream, request, identity)

    def with_request_id(self, plan: Plan, request: Request) -> Plan:
        """Return a recorded response as the response to this request."""
        assert isinstance(request, RpcRequest)
        return resumable_recording(with_request_id(plan, request), request)

    decode = staticmethod(decode)


def with_session(plan: Plan, request: RpcRequest, identity: ResponseIdentity) -> Plan:
    """Return the result of a handshake with the id of a new session, if the server has sessions; else the plan."""
    if request.rpc_method != "initialize" or request.server is None or not request.server.sessions:
        return plan
    id = identity.ids.make("", 32, "session")
    return replace(plan, head=plan.head.with_per_response_headers(((MCP_SESSION_HEADER, id),)))


def plan_without_result(reply: Reply, request: RpcRequest, identity: ResponseIdentity) -> Plan | None:
    """Return the response to a message that gets no result now. It is empty, has questions to the client, is an error
    for a client that lacks a capability, or names a task."""
    if request.kind != "request":
        return ACCEPTED
    if has_questions(reply) and not request.modern:
        return question_plan(reply, request, identity)
    missing = missing_capabilities(reply, request)
    if missing:
        return error_plan(lacking(missing), request)
    return begun_task(reply, request, identity)


def question_plan(reply: Reply, request: RpcRequest, identity: ResponseIdentity) -> Plan:
    """Return the stream of a reply with questions to the client, as before 2026-07-28. It has requests of the
    server, and then the error for a client that does not respond."""
    key = identity.ids.make("ask_", 24)
    questions = object_of(reply.mcp_members["ask"])
    steps: list[Step] = list(encode(McpEncoder(replace(reply, unfinished=True), request)))
    for name, question in questions.items():
        message = {"jsonrpc": "2.0", "id": f"{key}/{name}", **object_of(question)}
        steps.append(EventStep(dumps(message), 0, "ping", MESSAGE))
    silent = Failure("server_error", message=f"The client did not respond within {ASK_TIMEOUT:g} s")
    steps.append(WaitStep(ASK_TIMEOUT, 0))
    steps.append(EventStep(dumps(error_message(silent, request)), 0, "error", MESSAGE))
    delivery = Delivery(expected_responses=ExpectedResponses(key, tuple(questions)))
    stream = Plan(ResponseHead(OK, SSE), tuple(steps), Framing.SSE, delivery=delivery)
    return resumable(stream, request, identity)


def _unanswered(request: RpcRequest, server: McpServer) -> Failure | None:
    """Return the error for what the server does not have; None for what it has and no rule matches."""
    if request.rpc_method == "tools/call":
        known = server.tool(request.named) is not None
    elif request.rpc_method == "prompts/get":
        known = server.prompt(request.named) is not None
    elif request.rpc_method == "resources/read":
        known = server.resource(request.named) is not None
    else:
        status = 404 if request.modern else OK
        return refusal(METHOD_NOT_FOUND, f"Method not found: {request.rpc_method}", status)
    return None if known else Failure("model_not_found")


def _wants(wanted: dict[str, Json], message: ServerMessage) -> bool:
    """Return whether a client that listens for certain notifications gets this one."""
    if message.method == UPDATED:
        uris = wanted.get("resourceSubscriptions")
        return type(uris) is list and message.params.get("uri") in uris
    return any(wanted.get(name) is True and message.method == method for name, method in LISTENED.items())


def _messages(server: McpServer, id: Json = None, wanted: dict[str, Json] | None = None) -> list[Step]:
    """Return the messages that the server sends without a request, and then silence."""
    steps: list[Step] = []
    for number, message in enumerate(server.messages, 1):
        if wanted is not None and not _wants(wanted, message):
            continue
        params = dict(message.params)
        if id is not None:
            params[META] = {META_SUBSCRIPTION: id, **object_of(params.get(META))}
        steps += [WaitStep(message.wait, number - 1)] if message.wait else []
        steps.append(EventStep(notification(message.method, params), number, "chunk", MESSAGE))
    return [*steps, CutStep("silence", len(server.messages))]


def _listening(request: RpcRequest, server: McpServer) -> Plan:
    """Return the stream of `subscriptions/listen`: an acknowledgement, then the server's messages."""
    wanted = object_of(request.params.get("notifications"))
    params = {META: {META_SUBSCRIPTION: request.rpc_id}, "notifications": wanted}
    payload = notification("notifications/subscriptions/acknowledged", params)
    steps = (EventStep(payload, 0, "open", MESSAGE), *_messages(server, request.rpc_id, wanted))
    return Plan(ResponseHead(OK, SSE), steps, Framing.SSE)


class _SessionCall(ServerCall):
    """A call without a message, of a session that has begun."""

    def check(self, request: Request) -> Failure | None:
        assert isinstance(request, ServerRequest)
        return (
            foreign_page(request) or unauthorized(request) or check_version(request) or _of_session(request)
        )


class McpListen(_SessionCall):
    """GET: the stream of a server's own messages, until 2025-11-25."""

    api = "listen"
    request_class: type[Request] = StreamRequest

    def check(self, request: Request) -> Failure | None:
        """Return the first failure. A stream needs a client that accepts one (`mcp` 2.3.0, `_handle_get_request`)."""
        assert isinstance(request, ServerRequest)
        failure = super().check(request)
        accepted = accepts(request.headers.get("accept", ""), "text/event-stream")
        if failure is not None or accepted or not self._has_stream(request):
            return failure
        return refusal(SERVER_ERROR, "Not Acceptable: Client must accept text/event-stream", 406)

    def _has_stream(self, request: ServerRequest) -> bool:
        if request.server is None or request.modern:
            return False
        return bool(request.server.messages) or LAST_EVENT_HEADER in request.headers

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure | None:
        """Return the stream, or the rest of a response's stream. Without messages, a server has none: a 405."""
        assert isinstance(request, ServerRequest)
        server = request.server
        if server is None or not self._has_stream(request):
            failure = refusal(SERVER_ERROR, "Method not allowed.", 405)
            return Failure(
                failure.type, 405, failure.message, headers=(("allow", "POST"),), fields=failure.fields
            )
        if LAST_EVENT_HEADER in request.headers:
            return resumed(request)
        return Plan(ResponseHead(OK, SSE), tuple(_messages(server)), Framing.SSE)


class McpEnd(_SessionCall):
    """DELETE: the client ends its session."""

    api = "end_session"
    request_class: type[Request] = EndRequest

    def own_response(self, request: Request, identity: ResponseIdentity) -> Plan | Failure | None:
        assert isinstance(request, ServerRequest)
        if request.server is None:
            return None
        if request.modern or not request.server.sessions:
            return refusal(SERVER_ERROR, "Method not allowed.", 405)
        return Plan(ResponseHead(OK, ()), ())

    def storage_update(self, plan: Plan, request: Request) -> StorageUpdate | None:
        """Return the session that has ended."""
        assert isinstance(request, ServerRequest)
        if is_error(plan) or request.client_session is None:
            return None
        return StorageUpdate(forgotten=(request.stored_name(SESSIONS, request.client_session),))


def _of_session(request: ServerRequest) -> Failure | None:
    return None if request.modern else check_session(request)
