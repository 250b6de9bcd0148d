"""`mcp:` in scenario files: what is a mistake, and where."""

from __future__ import annotations

import pytest

from tests.dialects.mcp.messages import ToolClient
from tests.language.virtual_server import diagnostics_of


@pytest.mark.parametrize(
    ("server", "message"),
    [
        ("{}", "name"),
        ("{name: a b}", '"a b" is no part of a path'),
        ("{name: a, tools: [x, x]}", '"x" is listed twice in tools'),
        ("{name: a, resources: [{uri: u}, {uri: u}]}", '"u" is listed twice in resources'),
        ("{name: a, resources: [{name: u}]}", "one of uri and uri_template"),
        ("{name: a, resources: [{uri: u, text: x, json: 1}]}", "one of text, json, blob"),
        ("{name: a, prompts: [{name: p, messages: [{role: user}]}]}", "one of text and content"),
        ("{name: a, toolz: []}", "did you mean"),
        ("{name: a, tools: [{name: t, reply: {mcp: {events: [{}]}}}]}", "one of wait, progress, log, method"),
        (
            "{name: a, tools: [{name: t, reply: {mcp: {events: [{log: x, total: 1}]}}}]}",
            "total belongs to progress",
        ),
    ],
)
def test_mistake_in_a_server_is_reported(server: str, message: str) -> None:
    found = diagnostics_of(f"mcp:\n  - {server}\n")
    assert found, "no diagnostic"
    assert message in found[0]
    assert found[0].startswith("mcp[0]")


def test_schema_without_a_type_is_one_of_an_object() -> None:
    client = ToolClient(
        "mcp: [{name: weather, tools: [{name: t, input: {properties: {a: {type: string}}}}]}]"
    )
    schema = client.result("tools/list")["tools"][0]["inputSchema"]
    assert schema == {"type": "object", "properties": {"a": {"type": "string"}}}


def test_server_that_is_off_is_none() -> None:
    client = ToolClient("mcp: [{name: weather, enabled: false}]")
    assert client.opening.planned.unmatched
