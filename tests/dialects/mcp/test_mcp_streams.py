"""Streams of an MCP server: messages before a result, questions to the client, and what a client listens to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockllm.core.rendering.plan import CutStep, EventStep, Plan, WaitStep
from tests.dialects.mcp.messages import SERVER, ToolClient, call, rpc
from tests.language.virtual_server import ClientRequest, VirtualServer, raw_request, respond_once

PLAIN = SERVER.replace("    page: 2\n", "    sessions: false\n")
EVENTS = (
    PLAIN
    + """
rules:
  - match: {mcp: {tool: get_news}}
    reply:
      text: News.
      mcp:
        events:
          - {progress: 1, total: 2, message: half}
          - {wait: 2s}
          - {log: {a: 1}, level: warning, logger: me}
          - {log: bare}
          - {method: notifications/custom, params: {x: 1}}
          - {method: notifications/bare}
"""
)
QUESTIONS = (
    PLAIN
    + """
rules:
  - name: answered
    match: {mcp: {tool: get_news, responses: {$.who.action: accept}}}
    reply: "Hello, {{ mcp.responses.who.content.name }}."
  - name: ask
    match: {mcp: {tool: get_news}}
    reply: {mcp: {state: s1, ask: {who: {method: elicitation/create, params: {message: Who are you}}}}}
"""
)


def messages(answer: Any) -> list[Any]:
    assert all(event.name == "message" for event in answer.events)
    return [event.json for event in answer.events]


def test_events_come_before_the_result() -> None:
    answer = respond_once(EVENTS, call("get_news", _meta=None, headers={}))
    assert answer.headers["content-type"] == "text/event-stream"
    assert [each.get("method") for each in messages(answer)] == [
        "notifications/message",
        "notifications/message",
        "notifications/custom",
        "notifications/bare",
        None,
    ]
    assert messages(answer)[0]["params"] == {"level": "warning", "logger": "me", "data": {"a": 1}}
    assert messages(answer)[1]["params"] == {"level": "info", "data": "bare"}
    assert "params" not in messages(answer)[3]
    assert messages(answer)[-1]["result"]["content"] == [{"type": "text", "text": "News."}]
    assert answer.took == 2.0


def test_progress_is_for_clients_that_requested_it() -> None:
    sent = rpc("tools/call", {"name": "get_news", "_meta": {"progressToken": "t"}})
    first = messages(respond_once(EVENTS, sent))[0]
    assert first["params"] == {"progressToken": "t", "progress": 1, "total": 2, "message": "half"}


def test_logs_since_2026_are_for_clients_that_requested_them() -> None:
    silent = respond_once(EVENTS, call("get_news", modern=True))
    assert "notifications/message" not in [each.get("method") for each in messages(silent)]
    level = {"_meta": {"io.modelcontextprotocol/logLevel": "debug"}}
    loud = respond_once(EVENTS, rpc("tools/call", {"name": "get_news", **level}, modern=True))
    assert "notifications/message" in [each.get("method") for each in messages(loud)]


def test_events_of_the_description_are_sent() -> None:
    files = PLAIN.replace("- get_news", "- {name: get_news, reply: {text: x, mcp: {events: [{log: hi}]}}}")
    assert [each.get("method") for each in messages(respond_once(files, call("get_news")))] == [
        "notifications/message",
        None,
    ]


def test_stream_false_leaves_events_out() -> None:
    files = EVENTS.replace(
        "    reply:\n      text: News.", "    stream: false\n    reply:\n      text: News."
    )
    answer = respond_once(files, call("get_news"))
    assert answer.json["result"]["content"] == [{"type": "text", "text": "News."}]


def test_stream_true_streams_a_plain_result() -> None:
    files = PLAIN + "rules:\n  - {match: {mcp: {tool: get_news}}, reply: x, stream: true}\n"
    (only,) = messages(respond_once(files, call("get_news")))
    assert only["result"]["content"][0]["text"] == "x"


def test_pace_and_faults_hold_for_tools() -> None:
    files = (
        EVENTS
        + """
    pace: {ttft: 1s, itl: 500ms}
    faults: [{error_event: {after: {chunks: 2}, type: overloaded}}]
"""
    )
    answer = respond_once(files, call("get_news"))
    assert next(event.at for event in answer.events) == 2.0
    assert messages(answer)[-1]["error"]["code"] == -32000


def test_scripted_wait_and_text_are_one_result() -> None:
    files = (
        PLAIN
        + "rules:\n  - {match: {mcp: {tool: get_news}}, reply: {chunks: [a, {wait: 1s}, b, {raw: x}]}}\n"
    )
    answer = respond_once(files, call("get_news"))
    assert (answer.json["result"]["content"], answer.took) == ([{"type": "text", "text": "ab"}], 1.0)


def test_citations_and_calls_are_left_out() -> None:
    files = (
        PLAIN
        + """
rules:
  - match: {mcp: {tool: get_news}}
    reply: {text: x, citations: ["https://a.example"], thinking: hm, tool_calls: [{name: y}]}
"""
    )
    answer = respond_once(files, call("get_news"))
    assert answer.json["result"]["content"] == [{"type": "text", "text": "x"}]
    assert "citations left out" in answer.notes


# --- questions to the client -----------------------------------------------------------------------


def test_question_since_2026_is_a_result() -> None:
    answer = respond_once(QUESTIONS, call("get_news", modern=True, capabilities={"elicitation": {}}))
    (message,) = messages(answer)
    result = message["result"]
    assert result["resultType"] == "input_required"
    assert result["inputRequests"] == {
        "who": {"method": "elicitation/create", "params": {"message": "Who are you"}}
    }
    assert result["requestState"] == "s1"


def test_answer_since_2026_comes_with_the_call() -> None:
    answers = {"who": {"action": "accept", "content": {"name": "Ann"}}}
    sent = rpc("tools/call", {"name": "get_news", "inputResponses": answers}, modern=True)
    answer = respond_once(QUESTIONS, sent)
    assert (answer.rule, answer.json["result"]["content"][0]["text"]) == ("answered", "Hello, Ann.")


@pytest.mark.parametrize("stream", ["true", "false"])
def test_client_that_cannot_respond_gets_an_error(stream: str) -> None:
    answer = respond_once(f"{QUESTIONS}    stream: {stream}\n", call("get_news", modern=True))
    assert (answer.status, answer.json["error"]["code"]) == (400, -32021)
    assert answer.json["error"]["data"] == {"requiredCapabilities": {"elicitation": {}}}


def test_question_without_a_state_has_none() -> None:
    files = QUESTIONS.replace("state: s1, ", "") + "    stream: false\n"
    answer = respond_once(files, call("get_news", modern=True, capabilities={"elicitation": {}}))
    assert "requestState" not in answer.json["result"]


@pytest.mark.parametrize("stream", ["", "    stream: false\n"])
def test_question_before_2026_is_a_request_of_the_server(stream: str) -> None:
    plan = VirtualServer(QUESTIONS + stream).respond(call("get_news")).planned.plan
    question, silent = (json.loads(step.payload) for step in plan.steps if isinstance(step, EventStep))
    assert question["method"] == "elicitation/create"
    key, _, name = question["id"].partition("/")
    assert plan.delivery.expected_responses is not None
    assert (plan.delivery.expected_responses.key, plan.delivery.expected_responses.names, name) == (
        key,
        ("who",),
        "who",
    )
    assert silent["error"]["message"] == "The client did not respond within 60 s"


# --- what a client listens to ------------------------------------------------------------------------

ANNOUNCING = PLAIN.replace(
    "    sessions: false\n",
    """    sessions: false
    messages:
      - {method: notifications/tools/list_changed, wait: 1s}
      - {method: notifications/resources/updated, params: {uri: "file:///a.md"}}
""",
)


def planned(server: VirtualServer, sent: ClientRequest) -> Plan:
    """Return the plan of a response that has no end."""
    head = (sent.method, sent.path, sent.query, sent.headers)
    return server.engine.respond(server.engine.read(*head, sent.body, sent.client, sent.now)).plan


def sent_messages(plan: Plan) -> list[Any]:
    return [json.loads(step.payload) for step in plan.steps if isinstance(step, EventStep)]


def test_get_streams_the_messages_of_the_server() -> None:
    listen = raw_request("/mcp/weather", method="GET", headers={"accept": "text/event-stream"})
    server = VirtualServer(ANNOUNCING)
    plan = planned(server, listen)
    assert [each["method"] for each in sent_messages(plan)] == [
        "notifications/tools/list_changed",
        "notifications/resources/updated",
    ]
    assert isinstance(plan.steps[0], WaitStep)
    assert plan.steps[-1] == CutStep("silence", 2)


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/json", 406), ("", 406), ("text/*", 200), ("text/event-stream", 200), ("*/*", 200),
    ],
)  # fmt: skip
def test_get_needs_a_client_that_accepts_a_stream(accept: str, status: int) -> None:
    listen = raw_request("/mcp/weather", method="GET", headers={"accept": accept})
    assert planned(VirtualServer(ANNOUNCING), listen).head.status == status


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        ("debug", ["debug", "info", "error"]),
        ("info", ["info", "error"]),
        ("error", ["error"]),
        ("emergency", []),
        ("loud", []),
        (None, []),
    ],
)
def test_logs_are_of_the_requested_level_and_above(wanted: str | None, sent: list[str]) -> None:
    logs = "[{log: a, level: debug}, {log: b}, {log: c, level: error}]"
    rule = f"rules: [{{match: {{mcp: {{tool: get_news}}}}, reply: {{text: Ok., mcp: {{events: {logs}}}}}}}]"
    meta = {"io.modelcontextprotocol/logLevel": wanted}
    request = rpc("tools/call", {"name": "get_news", "_meta": meta}, modern=True)
    *logged, _ = messages(respond_once(f"{PLAIN}\n{rule}", request))
    assert [each["params"]["level"] for each in logged] == sent


def test_get_without_messages_is_not_allowed() -> None:
    answer = respond_once(PLAIN, raw_request("/mcp/weather", method="GET"))
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert respond_once(PLAIN, raw_request("/mcp/no", method="GET")).status == 405


def test_listing_changes_are_announced_as_a_capability() -> None:
    tools = ToolClient(ANNOUNCING).opening.json["result"]["capabilities"]["tools"]
    assert tools == {"listChanged": True}


def test_subscription_gets_the_requested_events() -> None:
    wanted: dict[str, Any] = {"resourceSubscriptions": ["file:///a.md"], "toolsListChanged": False}
    server = VirtualServer(ANNOUNCING)
    sent = rpc("subscriptions/listen", {"notifications": wanted}, modern=True, id="s")
    acknowledged, updated = sent_messages(planned(server, sent))
    assert acknowledged["method"] == "notifications/subscriptions/acknowledged"
    assert acknowledged["params"]["notifications"] == wanted
    meta = {"io.modelcontextprotocol/subscriptionId": "s"}
    assert updated["params"] == {"uri": "file:///a.md", "_meta": meta}
    both = rpc("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, modern=True)
    assert len(sent_messages(planned(server, both))) == 2
