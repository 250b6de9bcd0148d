"""Claude on Vertex AI: the same messages, with the model in the path, the platform's ids, and errors of
Google and Anthropic.
"""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import NAMED, Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.plan import EventStep, Plan
from mockllm.core.reply.reply import Choice, Reply, Text, Thinking, ToolCall, Usage
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.provider import VERTEX_COUNT, VERTEX_MESSAGES
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.router import RouteMatch, find_route
from tests.dialects.anthropic.messages_requests import IDENTITY, body_of, events_of
from tests.golden.wire import assert_golden

BASE = "/v1/projects/p/locations/us-east5/publishers/anthropic/models"
BODY: dict[str, Json] = {
    "anthropic_version": "vertex-2023-10-16",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "hi"}],
}


HI: Json = {"role": "user", "content": "hi"}


def vertex_request(
    call: str = "rawPredict", of: str = "claude-sonnet-5", body: Json = None, **more: Json
) -> Request:
    path = f"{BASE}/{of}:{call}"
    match = find_route("POST", path, {})
    assert isinstance(match, RouteMatch)
    assert match.provider == "vertex"
    return match.dialect.request_class(
        method="POST",
        path=match.path,
        headers={},
        raw=dumps({**BODY, **more} if body is None else body),
        path_variables=match.path_variables,
        provider=match.provider,
    )


REPLY = Reply((Choice((Text(("Hel", "lo")), ToolCall("get", ('{"a":1}',))), "tool_calls"),), Usage(12, 7))


@pytest.mark.parametrize(
    ("path", "dialect"),
    [
        (f"{BASE}/claude-sonnet-5:rawPredict", VERTEX_MESSAGES),
        (f"{BASE}/claude-sonnet-5:streamRawPredict", VERTEX_MESSAGES),
        (f"{BASE}/claude-sonnet-4%4020250514:rawPredict", VERTEX_MESSAGES),
        (f"{BASE}/count-tokens:rawPredict", VERTEX_COUNT),
        (f"{BASE.replace('v1', 'v1beta1')}/count-tokens:rawPredict", VERTEX_COUNT),
        (f"/vertex{BASE}/claude-sonnet-5:rawPredict", VERTEX_MESSAGES),
        ("/v1/publishers/anthropic/models/m:rawPredict", VERTEX_MESSAGES),
        ("/v1/publishers/anthropic/models/count-tokens:rawPredict", VERTEX_COUNT),
    ],
)
def test_vertex_route_finds_the_dialect(path: str, dialect: object) -> None:
    match = find_route("POST", path, {})
    assert isinstance(match, RouteMatch)
    assert (match.dialect, match.provider) == (dialect, "vertex")


def test_vertex_model_comes_from_the_path() -> None:
    assert vertex_request(of="claude-sonnet-4%4020250514").model == "claude-sonnet-4@20250514"
    assert (vertex_request().dialect, vertex_request().provider, vertex_request().api) == (
        "anthropic",
        "vertex",
        "messages",
    )


@pytest.mark.parametrize(
    ("call", "payload", "stream"),
    [
        ("rawPredict", None, False),
        ("streamRawPredict", None, True),
        ("streamRawPredict", False, False),
        ("rawPredict", True, True),
    ],
)
def test_vertex_stream_comes_from_body_then_call(call: str, payload: bool | None, stream: bool) -> None:
    assert vertex_request(call, stream=payload).stream is stream


def test_vertex_body_has_platform_ids_and_dashed_model() -> None:
    request = vertex_request(of="claude-sonnet-4-5@20250929")
    plan = VERTEX_MESSAGES.encode_body(REPLY, request, IDENTITY)
    body = body_of(plan)
    assert body["model"] == "claude-sonnet-4-5-20250929"
    assert body["id"].startswith("msg_vrtx_01")
    assert body["content"][1]["id"].startswith("toolu_vrtx_01")
    headers = dict(plan.head.headers)
    assert headers.keys() == {"content-type", "request-id"}
    assert headers["request-id"].startswith("req_vrtx_01")
    assert len(body["id"]) == len("msg_vrtx_0154LUXjFVzQGUca3yK2RUeo")
    assert "inference_geo" not in body["usage"]


def test_vertex_stream_equals_anthropics_events() -> None:
    plan = VERTEX_MESSAGES.encode_stream(REPLY, vertex_request("streamRawPredict", stream=True), IDENTITY)
    events = events_of(plan)
    assert [events[0]["type"], events[-1]["type"]] == ["message_start", "message_stop"]
    assert events[0]["message"]["id"].startswith("msg_vrtx_01")
    assert dict(plan.head.headers)["content-type"] == "text/event-stream; charset=utf-8"


def test_vertex_sends_the_rules_model_unchanged() -> None:
    reply = Reply(REPLY.choices, model="my@model")
    assert body_of(VERTEX_MESSAGES.encode_body(reply, vertex_request(), IDENTITY))["model"] == "my@model"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({}, None),
        ({"anthropic_version": None}, "anthropic_version: Input should be a valid string"),
        ({"anthropic_version": "2026-10-21"}, None),
        ({"model": "claude-sonnet-5"}, "model: Extra inputs are not permitted"),
        ({"max_tokens": -1}, "max_tokens: must be greater than or equal to 0"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"thread": {}}, "thread: threads are not kept here; send the whole history"),
    ],
)
def test_vertex_check_on_invalid_request_returns_message(more: dict[str, Json], message: str | None) -> None:
    failure = VERTEX_MESSAGES.check(vertex_request(**more))
    assert (failure.message if failure else None) == message


@pytest.mark.parametrize(
    ("model", "more", "refusal"),
    [
        ("claude-opus-5-5", {"thinking": {"type": "disabled"}}, '"thinking.type.disabled" is not supported'),
        (
            "claude-opus-5-5",
            {"tools": [{"type": "computer_20251124", "name": "c"}]},
            "'claude-opus-5-5' does not",
        ),
        (
            "claude-sonnet-4-5@20250929",
            {"temperature": 0.5, "top_p": 0.9},
            "`temperature` and `top_p` cannot",
        ),
        (
            "claude-opus-4-6",
            {"messages": [HI, {"role": "assistant", "content": "So"}]},
            "This model does not",
        ),
        ("claude-opus-4-6", {"max_tokens": 500_000}, None),
        ("claude-opus-4-6", {"temperature": 0.5}, None),
        ("claude-x", {"temperature": 0.5, "top_p": 0.9}, None),
    ],
)
def test_vertex_check_refuses_what_a_model_refuses(
    model: str, more: dict[str, Json], refusal: str | None
) -> None:
    failure = VERTEX_MESSAGES.check(vertex_request(of=model, **more))
    if refusal is None:
        assert failure is None
    else:
        assert failure is not None
        assert (failure.message or "").startswith(refusal)


def test_vertex_body_without_version_is_refused() -> None:
    failure = VERTEX_MESSAGES.check(
        vertex_request(body={"max_tokens": 1, "messages": [{"role": "user", "content": "x"}]})
    )
    assert failure is not None
    assert failure.message == "anthropic_version: Field required"


GOOGLES = {
    "authentication": (401, "UNAUTHENTICATED"),
    "permission": (403, "PERMISSION_DENIED"),
    "not_found": (404, "NOT_FOUND"),
    "model_not_found": (404, "NOT_FOUND"),
    "model_deprecated": (404, "NOT_FOUND"),
    "rate_limit": (429, "RESOURCE_EXHAUSTED"),
    "insufficient_quota": (429, "RESOURCE_EXHAUSTED"),
    "unavailable": (503, "UNAVAILABLE"),
    "bad_gateway": (502, "UNAVAILABLE"),
    "timeout": (504, "DEADLINE_EXCEEDED"),
}


@pytest.mark.parametrize("name", NAMED)
def test_vertex_errors_have_googles_or_anthropics_envelope(name: str) -> None:
    plan = VERTEX_MESSAGES.error(Failure(name), vertex_request(), IDENTITY)
    body = parsed(plan)
    headers = dict(plan.head.headers)
    if name in GOOGLES:
        code, status = GOOGLES[name]
        assert (plan.head.status, body["error"]["code"], body["error"]["status"]) == (code, code, status)
        assert headers == {"content-type": "application/json; charset=UTF-8"}
    elif name == "request_too_large":
        assert (plan.head.status, body["error"]["type"]) == (413, "request_too_large")
    else:
        assert body["type"] == "error"
        assert body["request_id"] == headers["request-id"]
        assert body["request_id"].startswith("req_vrtx_01")
        assert not any(key.startswith("anthropic-") for key in headers)


def parsed(plan: Plan) -> Any:
    (step,) = plan.steps
    assert isinstance(step, EventStep)
    return loads(step.payload)


def test_vertex_messages_name_resource_and_base_model() -> None:
    request = vertex_request(of="claude-opus-4@20250514")
    payload = {
        name: parsed(VERTEX_MESSAGES.error(Failure(name), request, IDENTITY))["error"]
        for name in ("model_not_found", "rate_limit", "permission")
    }
    resource = "projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-4@20250514"
    assert f"`{resource}` was not found" in payload["model_not_found"]["message"]
    assert "base model: anthropic-claude-opus-4." in payload["rate_limit"]["message"]
    assert f"'//aiplatform.googleapis.com/{resource}'" in payload["permission"]["message"]
    assert payload["permission"]["details"][0]["reason"] == "IAM_PERMISSION_DENIED"


def test_vertex_error_settings_override_the_table() -> None:
    failure = Failure("rate_limit", 418, "Slow down.", fields={"extra": 1}, headers=(("x-own", "1"),))
    plan = VERTEX_MESSAGES.error(failure, vertex_request(), IDENTITY)
    assert plan.head.status == 418
    assert parsed(plan)["error"] == {
        "code": 418,
        "message": "Slow down.",
        "status": "RESOURCE_EXHAUSTED",
        "extra": 1,
    }
    assert ("x-own", "1") in plan.head.headers


def test_vertex_retry_is_in_details_and_header() -> None:
    plan = VERTEX_MESSAGES.error(Failure("rate_limit", retry_after=1.5), vertex_request(), IDENTITY)
    assert parsed(plan)["error"]["details"] == [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "1.5s"}
    ]
    assert dict(plan.head.headers)["retry-after"] == "2"
    assert dict(plan.head.headers)["retry-after-ms"] == "1500"


def test_vertex_error_inside_a_stream_is_anthropics() -> None:
    broken = Reply((Choice((Text(("Hel", "lo")),)),), failure=Failure("overloaded"))
    events = events_of(VERTEX_MESSAGES.encode_stream(broken, vertex_request(stream=True), IDENTITY))
    assert events[-1]["error"]["type"] == "overloaded_error"
    assert events[-1]["request_id"].startswith("req_vrtx_01")


def test_vertex_count_uses_the_model_of_the_body() -> None:
    body = {**{key: value for key, value in BODY.items() if key != "max_tokens"}, "model": "claude-sonnet-5"}
    request = vertex_request(of="count-tokens", body=body)
    assert (request.model, request.api) == ("claude-sonnet-5", "count_tokens")
    assert VERTEX_COUNT.check(request) is None
    plan = VERTEX_COUNT.own_response(request, IDENTITY)
    assert isinstance(plan, Plan)
    assert body_of(plan) == {"input_tokens": request.input_tokens}
    assert dict(plan.head.headers)["request-id"].startswith("req_vrtx_01")
    assert VERTEX_COUNT.error(Failure("authentication"), request, IDENTITY).head.status == 401


def test_vertex_builds_the_expected_request() -> None:
    requested = VERTEX_MESSAGES.build_request(NeutralRequest(stream=True, api_key="token"))
    assert requested.path.endswith("/models/claude-sonnet-5:streamRawPredict")
    assert requested.headers["authorization"] == "Bearer token"
    assert "model" not in requested.body
    assert "anthropic-version" not in requested.headers


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_vertex_response_equals_golden_file(stream: bool) -> None:
    say = VERTEX_MESSAGES.encode_stream if stream else VERTEX_MESSAGES.encode_body
    plan = say(REPLY, vertex_request(stream=stream), IDENTITY)
    assert_golden(f"anthropic/vertex-text-and-tool{'-stream' if stream else ''}.txt", plan)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_vertex_thinking_equals_golden_file(stream: bool) -> None:
    say = VERTEX_MESSAGES.encode_stream if stream else VERTEX_MESSAGES.encode_body
    thought = Reply((Choice((Thinking(("Let", " me see.")), Text(("Seen",)))),), Usage(12, 7, reasoning=4))
    plan = say(thought, vertex_request(stream=stream), IDENTITY)
    assert_golden(f"anthropic/vertex-thinking{'-stream' if stream else ''}.txt", plan)


def test_vertex_error_inside_stream_equals_golden_file() -> None:
    broken = Reply((Choice((Text(("Hel", "lo")),)),), failure=Failure("overloaded"))
    assert_golden(
        "anthropic/vertex-error-in-stream.txt",
        VERTEX_MESSAGES.encode_stream(broken, vertex_request(stream=True), IDENTITY),
    )


@pytest.mark.parametrize("name", ["model_not_found", "overloaded"])
def test_vertex_error_equals_golden_file(name: str) -> None:
    plan = VERTEX_MESSAGES.error(Failure(name), vertex_request(), IDENTITY)
    assert_golden(f"anthropic/vertex-error-{name.replace('_', '-')}.txt", plan)
