"""Checks of how a client uses MCP servers: cases that show each verdict, and the nearest cases that do not."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mockllm.core.rendering.plan import EventStep, Framing, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.core.verdicts import Client, ObservedRequest, evaluate
from tests.core.verdicts.client_script import whole

Message = dict[str, Any]
HEADER = {"mcp-protocol-version": "2025-11-25"}
CHANGED = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}


class McpServerRequest(Request):
    dialect = "test"
    is_for_mcp_server = True

    def __init__(self, words: Message, *, raw: bytes, headers: Message) -> None:
        super().__init__(method="POST", path="/mcp/a", headers=headers, raw=raw)
        vars(self)["mcp"] = {"server": "a", "protocol": "2025-11-25", **words}


class McpServerScript:
    """Messages of a client, one a second."""

    def __init__(self) -> None:
        self.requests: list[ObservedRequest] = []

    def send(
        self,
        method: str | None,
        *sent: Message,
        headers: Message = HEADER,
        raw: bytes = b"{}",
        plan: Plan | None = None,
        ended: bool = True,
        **words: Any,
    ) -> None:
        """Add a message that got these JSON-RPC messages, the last one as the body."""
        number = len(self.requests) + 1
        request = McpServerRequest({"method": method, **words}, raw=raw, headers=headers)
        response = plan or whole(200, body=sent[-1] if sent else None)
        if len(sent) > 1:
            steps = tuple(EventStep(json.dumps(each).encode(), 0, "chunk") for each in sent)
            response = Plan(ResponseHead(200, ()), steps, Framing.SSE)
        self.requests.append(
            ObservedRequest(
                number, Client("a"), None,
                at=number, started=number, ended=number + 0.1 if ended else None, end_reason="finished", status=200,
                read=lambda: request, plan=lambda: response, unfinished_text=lambda request, plan: None,
                is_for_mcp_server=True,
            )
        )  # fmt: skip

    def open(self, version: str = "2025-11-25") -> None:
        self.send("initialize", result({"protocolVersion": version}), headers={})
        self.send("notifications/initialized")

    def call(self, tool: str, *sent: Message, **more: Any) -> None:
        self.send("tools/call", *(sent or (result({}),)), tool=tool, **more)

    def show(self, *names: str, **more: Any) -> None:
        raw = more.pop("raw", b"{}")
        self.send("tools/list", result({"tools": [{"name": name} for name in names], **more}), raw=raw)

    def verdicts(self, **options: Any) -> dict[str, list[int]]:
        reports = evaluate(self.requests, 100.0, **options)
        return {
            found.verdict.name: [each.id for each in found.requests]
            for report in reports
            for found in report.verdicts
        }


def result(value: Message) -> Message:
    return {"jsonrpc": "2.0", "id": 1, "result": value}


FAILED = result({"isError": True})
REFUSED = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32602}}
Play = Callable[[McpServerScript], object]


def played(*plays: Play) -> dict[str, list[int]]:
    script = McpServerScript()
    for play in plays:
        play(script)
    return script.verdicts()


def calls(tool: str, *answers: Message, **more: Any) -> Play:
    def play(script: McpServerScript) -> None:
        for answer in answers:
            script.call(tool, answer, **more)

    return play


def opened(script: McpServerScript) -> None:
    script.open()


def test_client_with_manners_gets_no_verdict() -> None:
    assert played(opened, lambda script: script.show("t"), calls("t", result({}), FAILED, result({}))) == {}


@pytest.mark.parametrize(
    ("plays", "expected"),
    [
        ([calls("t", result({}))], [1]),
        ([calls("t", result({}), result({}))], [1]),
        ([lambda script: script.send("ping")], []),
        ([lambda script: script.send(None)], []),
        ([calls("t", result({}), protocol="2026-07-28")], []),
        ([lambda script: script.call("t", ended=False)], []),
    ],
)
def test_handshake_is_expected_of_older_versions(plays: Sequence[Play], expected: list[int]) -> None:
    assert played(*plays).get("not_initialized", []) == expected


def test_handshake_may_be_among_dropped_requests() -> None:
    script = McpServerScript()
    script.call("t")
    assert script.verdicts(lost=True) == {}


@pytest.mark.parametrize(
    ("version", "headers", "expected"),
    [
        ("2025-11-25", {}, [1, 3]),
        ("2025-03-26", {}, []),
        ("2025-11-25", {"x-mockllm-stdio": "1"}, []),
    ],
)
def test_version_header_is_expected_after_handshake(
    version: str, headers: Message, expected: list[int]
) -> None:
    script = McpServerScript()
    script.open(version)
    script.call("t", headers=headers)
    script.call("t", headers=headers)
    assert script.verdicts().get("version_header_missing", []) == expected


def test_handshake_without_a_version_expects_no_header() -> None:
    script = McpServerScript()
    script.send("initialize", REFUSED, headers={})
    script.send("notifications/initialized", headers={})
    assert script.verdicts() == {}


@pytest.mark.parametrize(
    ("plays", "expected"),
    [
        ([lambda script: script.show("t"), calls("u", result({}))], [3, 4]),
        ([lambda script: script.show("t"), calls("t", result({}))], []),
        ([calls("u", result({}))], []),
        ([lambda script: script.show("t", nextCursor="x"), calls("u", result({}))], []),
        ([lambda script: script.show("t", raw=b"[]"), calls("u", result({}))], [3, 4]),
        (
            [
                lambda script: script.show("t", nextCursor="x"),
                lambda script: script.show("u", raw=b'{"params": {"cursor": "x"}}'),
                calls("t", result({})),
                calls("v", result({})),
            ],
            [4, 6],
        ),
        ([lambda script: script.send("tools/list", REFUSED), calls("u", result({}))], []),
        ([lambda script: script.send("tools/list", result({"tools": [1, {}]})), calls("u", REFUSED)], [3, 4]),
    ],
)
def test_only_listed_tools_are_called(plays: Sequence[Play], expected: list[int]) -> None:
    assert played(opened, *plays).get("unlisted_tool_called", []) == expected


@pytest.mark.parametrize(
    ("plays", "expected"),
    [
        ([calls("t", FAILED, FAILED, FAILED)], [3, 4, 5]),
        ([calls("t", REFUSED, REFUSED, REFUSED), calls("u", result({}))], [3, 4, 5]),
        ([calls("t", FAILED, FAILED, result({}))], []),
        ([calls("t", FAILED, FAILED), calls("t", FAILED, arguments={"a": 1})], []),
        ([calls("t", FAILED, FAILED), lambda script: script.show("t"), calls("t", FAILED)], [3, 4, 6]),
        ([calls("t", result({}), result({}), result({}))], []),
    ],
)
def test_failed_call_is_not_repeated_unchanged(plays: Sequence[Play], expected: list[int]) -> None:
    assert played(opened, *plays).get("tool_error_repeated", []) == expected


@pytest.mark.parametrize(
    ("plays", "expected"),
    [
        ([calls("t", result({}), result({}))], [3, 4, 5]),
        ([calls("t", result({}), result({}), result({}))], [3, 4, 5]),
        ([calls("t", result({}))], []),
        ([lambda script: script.show("t"), calls("t", result({}), result({}))], []),
    ],
)
def test_changed_list_is_requested_again(plays: Sequence[Play], expected: list[int]) -> None:
    def change(script: McpServerScript) -> None:
        script.call("t", CHANGED, result({}))

    assert played(opened, change, *plays).get("list_change_ignored", []) == expected


def test_response_that_is_no_json_is_left_out() -> None:
    script = McpServerScript()
    script.open()
    script.call("t", plan=Plan(ResponseHead(200, ()), (EventStep(b"<html>", 0, "body"),)))
    script.call("t", plan=Plan(ResponseHead(200, ()), (EventStep(b"[]", 0, "body"),)))
    assert script.verdicts() == {}
