"""Each response, event and error has what botocore's service models require: read by its own parsers.

Without boto3 (the extra `sdk`), the tests are skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest

from mockllm.core.failure import NAMED, Failure
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Choice, Reply, Text, Thinking, ToolCall, Usage
from mockllm.core.request.request import Request
from mockllm.dialects.bedrock.errors import ROWS, STREAM_EXCEPTIONS
from mockllm.dialects.bedrock.provider import CONVERSE, COUNT, INVOKE, MODELS, PROFILES
from tests.dialects.bedrock.bedrock_requests import CLAUDE, IDENTITY, converse, invoke, request_of
from tests.dialects.bedrock.test_bedrock_golden import BODIES, REPLIES

awsrequest = pytest.importorskip("botocore.awsrequest")
session = pytest.importorskip("botocore.session")
parsers = pytest.importorskip("botocore.parsers")
eventstream = pytest.importorskip("botocore.eventstream")

RUNTIME = session.get_session().get_service_model("bedrock-runtime")
CONTROL = session.get_session().get_service_model("bedrock")
RECORDED = {"ToolUseType": ("tool_use",)}
"""Values that the service sends and its model lacks, by the name of the enum."""
NOT_MODELED = {"UnrecognizedClientException"}
"""Errors of AWS's front, which any service may send."""


def problems(shape: Any, value: Any, path: str = "") -> Iterator[str]:
    """The required members that a parsed response lacks, and the values that its enums do not have."""
    if shape.type_name == "structure" and not shape.is_document_type:
        yield from (f"{path}.{name} is missing" for name in shape.required_members if name not in value)
        for name, member in shape.members.items():
            if name in value:
                yield from problems(member, value[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for index, item in enumerate(value):
            yield from problems(shape.member, item, f"{path}[{index}]")
    elif getattr(shape, "enum", None) and value not in (*shape.enum, *RECORDED.get(shape.name, ())):
        yield f"{path}: {value} is none of {shape.enum}"


def parsed(operation: str, plan: Plan, service: Any = RUNTIME) -> Any:
    """The response as botocore parses it; events of a stream are lists of pairs of headers and payloads."""
    shape = service.operation_model(operation).output_shape
    parser = parsers.create_parser("rest-json")
    response = {
        "status_code": plan.head.status,
        "headers": awsrequest.HeadersDict(dict(plan.head.headers)),
        "body": sent_bytes(plan),
        "context": {"operation_name": operation},
    }
    if any(getattr(member, "is_eventstream", False) for member in shape.members.values()):
        response["body"] = BytesIO(sent_bytes(plan))
    return shape, parser.parse(response, shape)


def assert_valid(operation: str, plan: Plan, service: Any = RUNTIME) -> None:
    shape, response = parsed(operation, plan, service)
    assert list(problems(shape, response)) == []


def events_of(operation: str, plan: Plan) -> list[dict[str, Any]]:
    """The events of a stream, as botocore parses them, each without a problem."""
    shape = RUNTIME.operation_model(operation).output_shape
    name = next(name for name, member in shape.members.items() if member.type_name == "structure")
    stream = shape.members[name]
    parser = parsers.EventStreamJSONParser()
    buffer = eventstream.EventStreamBuffer()
    buffer.add_data(sent_bytes(plan))
    found = []
    for message in buffer:
        event = parser.parse(message.to_response_dict(), stream)
        assert message.to_response_dict()["status_code"] == 200
        assert list(problems(stream, event)) == []
        assert event
        found.append(event)
    return found


@pytest.mark.parametrize("name", REPLIES)
def test_converse_response_has_required_members(name: str) -> None:
    reply = CONVERSE.supported_reply(REPLIES[name], converse())
    assert_valid("Converse", CONVERSE.encode_body(reply, converse(), IDENTITY))


@pytest.mark.parametrize("name", REPLIES)
def test_converse_events_have_required_members(name: str) -> None:
    request = converse(stream=True)
    reply = CONVERSE.supported_reply(REPLIES[name], request)
    found = events_of("ConverseStream", CONVERSE.encode_stream(reply, request, IDENTITY))
    assert [*found[0], *found[-2], *found[-1]] == ["messageStart", "messageStop", "metadata"]


def of_maker(name: str, *, stream: bool) -> Request:
    model, body = BODIES[name]
    return invoke(body, model=model, stream=stream)


@pytest.mark.parametrize("name", [*BODIES, "anthropic"])
def test_invoke_responses_have_required_members(name: str) -> None:
    reply = Reply((Choice((Thinking(("Hm.",)), Text(("a", "b")))),), Usage(3, 2))
    request = invoke() if name == "anthropic" else of_maker(name, stream=False)
    supported = INVOKE.supported_reply(reply, request)
    assert_valid("InvokeModel", INVOKE.encode_body(supported, request, IDENTITY))
    request = invoke(stream=True) if name == "anthropic" else of_maker(name, stream=True)
    plan = INVOKE.encode_stream(supported, request, IDENTITY)
    assert all(event["chunk"]["bytes"] for event in events_of("InvokeModelWithResponseStream", plan))
    assert dict(plan.head.headers)["x-amzn-bedrock-content-type"] == "application/json"


def test_lookups_have_required_members() -> None:
    count = request_of(f"/model/{CLAUDE}/count-tokens", b'{"input": {"converse": {}}}')
    plan = COUNT.own_response(count, IDENTITY)
    assert isinstance(plan, Plan)
    assert_valid("CountTokens", plan)
    for path, operation, dialect in (
        ("/foundation-models", "ListFoundationModels", MODELS),
        (f"/foundation-models/{CLAUDE}", "GetFoundationModel", MODELS),
        ("/inference-profiles", "ListInferenceProfiles", PROFILES),
        (f"/inference-profiles/us.{CLAUDE}", "GetInferenceProfile", PROFILES),
    ):
        request = request_of(path, method="GET")
        plan = dialect.own_response_from_models(("us.mine", "other"), request, IDENTITY)
        assert isinstance(plan, Plan)
        assert_valid(operation, plan, CONTROL)


@pytest.mark.parametrize("name", NAMED)
def test_named_error_is_one_of_the_service_model(name: str) -> None:
    plan = CONVERSE.error(Failure(name), converse(), IDENTITY)
    _, response = parsed("Converse", plan)
    assert response["Error"]["Code"] == ROWS[name].type
    assert response["Error"]["Message"]
    if ROWS[name].type not in NOT_MODELED:
        modeled = RUNTIME.shape_for_error_code(ROWS[name].type)
        assert plan.head.status == modeled.metadata["error"]["httpStatusCode"]


@pytest.mark.parametrize("name", NAMED)
def test_exception_of_stream_is_one_of_the_service_model(name: str) -> None:
    broken = Reply((Choice((Text(("a",)),)),), failure=Failure(name))
    for operation, dialect, request in (
        ("ConverseStream", CONVERSE, converse(stream=True)),
        ("InvokeModelWithResponseStream", INVOKE, invoke(stream=True)),
    ):
        buffer = eventstream.EventStreamBuffer()
        buffer.add_data(sent_bytes(dialect.encode_stream(broken, request, IDENTITY)))
        *_, last = buffer
        assert last.headers[":message-type"] == "exception"
        stream = RUNTIME.operation_model(operation).output_shape.members
        members = next(member.members for member in stream.values() if member.type_name == "structure")
        assert last.headers[":exception-type"] in members


def test_exceptions_are_those_of_the_service_model() -> None:
    stream = RUNTIME.operation_model("InvokeModelWithResponseStream").output_shape.members["body"]
    assert set(stream.members) - {"chunk"} == STREAM_EXCEPTIONS


def test_call_has_arguments_that_the_client_joins() -> None:
    call = Reply((Choice((ToolCall("look", ('{"city":', '"Oslo"}')),), "tool_calls"),))
    found = events_of("ConverseStream", CONVERSE.encode_stream(call, converse(stream=True), IDENTITY))
    inputs = [event["contentBlockDelta"]["delta"]["toolUse"]["input"] for event in found[2:4]]
    assert "".join(inputs) == '{"city":"Oslo"}'
