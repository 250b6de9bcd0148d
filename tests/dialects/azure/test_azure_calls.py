"""Azure's differences from OpenAI; the SDK's tests and the recordings cover the rest."""

from __future__ import annotations

from typing import Literal, cast

import pytest
from msgspec.structs import replace

from mockllm.core.failure import NEVER, Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.randomness import Ids
from mockllm.core.rendering.event_parser import events
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Choice, Reply, Text, Thinking, ToolCall, Usage
from mockllm.core.request.request import Request
from mockllm.dialects.azure import provider as azure
from mockllm.dialects.azure.content_filters import SAFE, sort_keys
from mockllm.dialects.dialect import Dialect, ReplyDialect, ResponseIdentity
from mockllm.dialects.router import NoRoute, RouteMatch, find_route
from tests.golden.wire import assert_golden

IDENTITY = ResponseIdentity(Ids(0, "azure", 1), 1_760_000_000.0)
BASE = "/openai/deployments/gpt-4o-mini"
HI: Json = {"messages": [{"role": "user", "content": "hi"}]}
REPLY = Reply((Choice((Thinking(("Hm.",)), Text(("Yes", ".")))),), Usage(20, 9))


def route_request(path: str, body: Json, headers: dict[str, str] | None = None) -> tuple[Dialect, Request]:
    match = find_route("POST", path, headers or {"api-key": "k"})
    assert isinstance(match, RouteMatch)
    return match.dialect, match.dialect.request_class(
        method="POST",
        path=match.path,
        headers=headers or {"api-key": "k"},
        raw=dumps(body) if body is not None else b"",
        path_variables=match.path_variables,
    )


def payload(plan: Plan) -> Json:
    return loads(next(data for data, _ in events(plan)))


def test_empty_tools_are_refused_by_azure_alone() -> None:
    dialect, request = route_request(f"{BASE}/chat/completions", {**HI, "tools": []})
    refused = dialect.check(request)
    assert refused is not None
    assert refused.fields == {"param": "tools", "code": "empty_array"}
    dialect, request = route_request("/v1/chat/completions", {**HI, "model": "m", "tools": []}, {"x-a": "b"})
    assert (dialect.check(request), request.tools) == (None, ())
    assert dialect.check(route_request("/v1/chat/completions", {"model": "m", "tools": []})[1]) is not None


@pytest.mark.parametrize(
    ("call", "body"),
    [("chat/completions", HI), ("completions", {"prompt": "hi"}), ("embeddings", {"input": "hi"})],
)
def test_deployment_is_the_model_without_one_in_the_body(call: str, body: Json) -> None:
    for more in ({}, {"model": "another"}):
        dialect, request = route_request(f"{BASE}/{call}", {**body, **more})
        assert request.model == "gpt-4o-mini"
        assert dialect.check(request) is None


def test_model_without_deployment_comes_from_the_body() -> None:
    dialect, request = route_request("/openai/v1/chat/completions", {**HI, "model": "mine"})
    assert request.model == "mine"
    assert dialect.check(request) is None
    dialect, request = route_request("/openai/v1/chat/completions", HI)
    assert dialect.check(request) is not None


def test_azure_body_that_is_no_json_is_refused() -> None:
    dialect, request = route_request(f"{BASE}/chat/completions", None)
    assert dialect.check(request) is not None


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"api-key": "a"}, "a"),
        ({"authorization": "Bearer b"}, "b"),
        ({"api-key": "a", "authorization": "Bearer b"}, "a"),
        ({"x": "y"}, None),
    ],
)
def test_azure_key_is_read_from_its_header(headers: dict[str, str], key: str | None) -> None:
    assert route_request(f"{BASE}/chat/completions", HI, headers)[1].api_key == key


def test_response_without_model_has_no_deployment_header() -> None:
    _, request = route_request("/openai/v1/chat/completions", HI)
    plan = azure.CHAT.encode_body(REPLY, request, IDENTITY)
    assert "x-ms-deployment-name" not in dict(plan.head.headers)


def test_azure_body_has_sorted_keys() -> None:
    _, request = route_request(f"{BASE}/chat/completions", HI)
    content = payload(azure.CHAT.encode_body(REPLY, request, IDENTITY))
    assert dumps(content) == dumps(sort_keys(content))
    assert content["choices"][0]["content_filter_results"]["hate"] == SAFE


BLOCKLISTS: Json = {"custom_blocklists": {"filtered": False, "details": []}}


def test_extras_are_merged_into_the_results_of_filters() -> None:
    _, request = route_request(f"{BASE}/chat/completions", HI)
    choices: Json = [{"content_filter_results": BLOCKLISTS}]
    extras: Json = {"choices": choices, "prompt_filter_results": [{"prompt_index": 7}]}
    reply = replace(REPLY, extras={"openai": extras})
    content = payload(azure.CHAT.encode_body(reply, request, IDENTITY))
    results = content["choices"][0]["content_filter_results"]
    assert results["custom_blocklists"] == {"filtered": False, "details": []}
    assert results["hate"] == SAFE
    (prompt,) = content["prompt_filter_results"]
    assert prompt["prompt_index"] == 7
    assert prompt["content_filter_results"]["hate"] == SAFE


def test_filtered_response_names_the_harm() -> None:
    _, request = route_request(f"{BASE}/chat/completions", HI)
    cut = Reply((Choice((Text(("It",)),), "content_filter"),))
    content = payload(azure.CHAT.encode_body(cut, request, IDENTITY))["choices"][0]
    assert content["content_filter_results"]["violence"] == {"filtered": True, "severity": "medium"}
    steps = [
        loads(data)
        for data, _ in events(azure.CHAT.encode_stream(cut, request, IDENTITY))
        if data != b"[DONE]"
    ]
    assert steps[-1]["choices"][0]["content_filter_results"]["violence"]["filtered"] is True


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Failure("not_found"), {"code": "404", "message": "Resource not found"}),
        (
            Failure("bad_request", message="No.", fields={"param": "n"}),
            {"message": "No.", "type": "invalid_request_error", "param": "n", "code": None},
        ),
        (Failure("unavailable", message="No."), {"code": "503", "message": "No."}),
    ],
)
def test_azure_errors_have_gateway_or_openai_members(failure: Failure, expected: Json) -> None:
    _, request = route_request(f"{BASE}/chat/completions", HI)
    assert payload(azure.CHAT.error(failure, request, IDENTITY)) == {"error": expected}


def test_refused_prompt_names_the_policy() -> None:
    _, request = route_request(f"{BASE}/chat/completions", HI)
    error = payload(azure.CHAT.error(Failure("content_filter"), request, IDENTITY))["error"]
    assert (error["param"], error["code"], error["status"]) == ("prompt", "content_filter", 400)
    assert error["innererror"]["code"] == "ResponsibleAIPolicyViolation"


def test_foundry_response_has_the_makers_form() -> None:
    dialect, openais = route_request("/models/chat/completions", {**HI, "model": "gpt-5-nano"})
    _, others = route_request("/models/chat/completions", {**HI, "model": "grok-4"})
    assert dialect is azure.FOUNDRY_CHAT
    assert azure.FOUNDRY_CHAT.supported_reply(REPLY, openais).choices[0].parts == (Text(("Yes", ".")),)
    assert azure.FOUNDRY_CHAT.supported_reply(REPLY, others).choices[0].parts == (Text(("Yes", ".")),)
    assert (
        payload(azure.FOUNDRY_CHAT.encode_body(REPLY, openais, IDENTITY))["prompt_filter_results"] is not None
    )
    assert payload(azure.FOUNDRY_CHAT.encode_body(REPLY, others, IDENTITY))["prompt_filter_results"] is None
    limited = payload(azure.FOUNDRY_CHAT.error(Failure("rate_limit"), others, IDENTITY))["error"]
    assert limited["code"] == "RateLimitReached"
    assert limited["details"] == limited["message"]


GATEWAY: dict[str, tuple[str, ...]] = {
    "authentication": (),
    "not_found": (),
    "model_not_found": ("x-ms-region",),
}


@pytest.mark.parametrize("failure", GATEWAY)
def test_gateways_refusal_has_no_limits_of_a_deployment(failure: str) -> None:
    _, request = route_request(f"{BASE}/chat/completions", HI)
    headers = dict(azure.CHAT.error(Failure(failure), request, IDENTITY).head.headers)
    assert tuple(headers) == ("content-type", *GATEWAY[failure], "apim-request-id")
    refused = dict(azure.CHAT.error(Failure("bad_request"), request, IDENTITY).head.headers)
    assert {"x-ratelimit-remaining-tokens", "x-ms-rai-invoked"} <= set(refused)


@pytest.mark.parametrize(("wait", "stated"), [(None, "1"), (1.5, "2"), (86400.0, "86400")])
def test_azure_message_states_the_wait_in_seconds(wait: float | None, stated: str) -> None:
    _, request = route_request(f"{BASE}/chat/completions", HI)
    plan = azure.CHAT.error(Failure("rate_limit", retry_after=wait), request, IDENTITY)
    unit = "second" if stated == "1" else "seconds"
    assert f" Please retry after {stated} {unit}. " in payload(plan)["error"]["message"]
    assert dict(plan.head.headers)["retry-after"] == stated


def test_azure_message_without_wait_states_none() -> None:
    _, request = route_request(f"{BASE}/chat/completions", HI)
    message = payload(azure.CHAT.error(Failure("rate_limit", retry_after=NEVER), request, IDENTITY))["error"][
        "message"
    ]
    assert "retry" not in message


@pytest.mark.parametrize(("wait", "expected"), [(None, ("1", "0")), (1.5, ("2", "1500"))])
def test_foundry_states_zero_milliseconds(wait: float | None, expected: tuple[str, str]) -> None:
    _, request = route_request("/models/chat/completions", {**HI, "model": "grok-4"})
    failure = Failure("rate_limit", retry_after=wait)
    headers = dict(azure.FOUNDRY_CHAT.error(failure, request, IDENTITY).head.headers)
    assert (headers["retry-after"], headers["retry-after-ms"]) == expected


@pytest.mark.parametrize(
    ("headers", "query"),
    [({"api-key": "k"}, ""), ({}, "api-version=2024-10-21"), ({"authorization": "Bearer k"}, "")],
)
def test_unknown_azure_path_has_the_gateways_error(headers: dict[str, str], query: str) -> None:
    found = find_route("POST", "/openai/deployments/x/nothing", headers, query)
    assert isinstance(found, NoRoute)
    request = found.dialect.request_class(method="POST", path="/", headers=headers)
    plan = found.dialect.error(found.failure, request, IDENTITY)
    assert payload(plan)["error"].keys() == {"code", "message"}
    assert payload(plan)["error"]["code"] == "404"
    assert {name for name, _ in plan.head.headers} == {"content-type", "apim-request-id"}


def test_unserved_call_of_azure_stays_known() -> None:
    found = find_route("POST", "/openai/assistants", {"api-key": "k"})
    assert isinstance(found, NoRoute)
    assert found.failure.fields == {"code": "not_served"}


def test_azure_wire_equals_golden_file() -> None:
    _, request = route_request(f"{BASE}/chat/completions", {**HI, "stream_options": {"include_usage": True}})
    assert_golden("azure/chat-whole.txt", azure.CHAT.encode_body(REPLY, request, IDENTITY))
    assert_golden("azure/chat-stream.txt", azure.CHAT.encode_stream(REPLY, request, IDENTITY))
    assert_golden("azure/chat-error.txt", azure.CHAT.error(Failure("rate_limit"), request, IDENTITY))


@pytest.mark.parametrize(
    ("deployment", "timed"), [("gpt-5-nano", True), ("o4-mini", True), ("gpt-4o-mini", False)]
)
def test_body_of_reasoning_models_has_tier_and_latencies(deployment: str, timed: bool) -> None:
    dialect, request = route_request(f"/azure/openai/deployments/{deployment}/chat/completions", HI)
    plan = cast(ReplyDialect, dialect).encode_body(REPLIES["text"], request, IDENTITY)
    ((data, _),) = events(plan)
    body = loads(data)
    assert ("service_tier" in body, "latency_checkpoint" in body["usage"]) == (timed, timed)


@pytest.mark.parametrize("presence", ["missing", "null"])
def test_reasoning_models_body_can_lack_usage(presence: Literal["missing", "null"]) -> None:
    dialect, request = route_request("/azure/openai/deployments/gpt-5-nano/chat/completions", HI)
    reply = replace(REPLIES["text"], usage=Usage(1, 1, presence=presence))
    ((data, _),) = events(cast(ReplyDialect, dialect).encode_body(reply, request, IDENTITY))
    assert loads(data).get("usage") is None


@pytest.mark.parametrize(
    ("deployment", "timed"), [("gpt-5-nano", True), ("o4-mini", True), ("gpt-4o-mini", False)]
)
def test_usage_chunk_of_recent_models_has_latencies(deployment: str, timed: bool) -> None:
    path = f"/openai/deployments/{deployment}/chat/completions"
    _, request = route_request(path, {**HI, "stream_options": {"include_usage": True}})
    chunks = [
        loads(data)
        for data, _ in events(azure.CHAT.encode_stream(REPLY, request, IDENTITY))
        if data.startswith(b"{")
    ]
    assert ["latency_checkpoint" in chunk for chunk in chunks] == [False] * (len(chunks) - 1) + [timed]
    assert (chunks[-1]["system_fingerprint"] is None) is timed


REPLIES = {
    "text": REPLY,
    "call": Reply((Choice((ToolCall("look", ('{"a":', "1}")),), "tool_calls"),), Usage(20, 9)),
    "thinking": Reply((Choice((Thinking(("Hm.",)), Text(("Yes", ".")))),), Usage(20, 9, reasoning=3)),
    "error-inside": Reply((Choice((Text(("Yes",)),)),), failure=Failure("server_error")),
}
CALLS: dict[str, tuple[str, Json, tuple[str, ...]]] = {
    "chat": (f"{BASE}/chat/completions", HI, ("call", "thinking", "error-inside")),
    "responses": ("/openai/v1/responses", {"model": "gpt-5-mini", "input": "hi"}, tuple(REPLIES)),
    "completions": (f"{BASE}/completions", {"prompt": "hi"}, ("text", "error-inside")),
    "foundry": ("/models/chat/completions", {**HI, "model": "grok-4"}, tuple(REPLIES)),
}


@pytest.mark.parametrize(("call", "name"), [(call, name) for call in CALLS for name in CALLS[call][2]])
def test_azure_response_equals_golden_file(call: str, name: str) -> None:
    path, body, _ = CALLS[call]
    match, request = route_request(path, body)
    dialect = cast(ReplyDialect, match)
    reply = dialect.supported_reply(REPLIES[name], request)
    if reply.failure is None:
        assert_golden(f"azure/{call}-{name}.txt", dialect.encode_body(reply, request, IDENTITY))
    _, streamed = route_request(path, {**body, "stream": True})
    assert_golden(f"azure/{call}-{name}-stream.txt", dialect.encode_stream(reply, streamed, IDENTITY))


@pytest.mark.parametrize("call", ["responses", "completions", "foundry"])
def test_azure_error_equals_golden_file(call: str) -> None:
    path, body, _ = CALLS[call]
    dialect, request = route_request(path, body)
    assert_golden(f"azure/{call}-error.txt", dialect.error(Failure("rate_limit"), request, IDENTITY))


def azure_response(model: str, reply: Reply = REPLY, *, stream: bool = False) -> list[Json]:
    dialect, request = route_request("/openai/responses", {"model": model, "input": "hi", "stream": stream})
    generating = cast(ReplyDialect, dialect)
    encode = generating.encode_stream if stream else generating.encode_body
    return [loads(data) for data, _ in events(encode(reply, request, IDENTITY))]


def test_gpt_5_5_lacks_newer_members() -> None:
    for stream in (False, True):
        last = azure_response("gpt-5.5", stream=stream)[-1]
        response = last.get("response", last)
        assert "tool_usage" not in response
        assert "cache_write_tokens" not in response["usage"]["input_tokens_details"]
    assert "tool_usage" in azure_response("gpt-5-nano")[0]


def test_gpt_5_6_is_rated_where_its_output_is_cut() -> None:
    (rated,) = azure_response("gpt-5.6-luna")[0]["content_filters"]
    assert (rated["source_type"], rated["content_filter_results"]) == ("prompt", {})
    cut = Reply((Choice((Text(("Yes",)),), "content_filter", flagged="violence"),), Usage(2, 1))
    prompt, completion = azure_response("gpt-5.6-luna", cut)[0]["content_filters"]
    assert (prompt["source_type"], completion["blocked"]) == ("prompt", True)


def test_filters_are_null_until_the_end_of_a_stream() -> None:
    events = [event["response"] for event in azure_response("gpt-5-nano", stream=True) if "response" in event]
    assert [response["content_filters"] for response in events[:-1]] == [None, None]
    assert events[-1]["content_filters"][0]["source_type"] == "prompt"
