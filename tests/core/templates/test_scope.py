"""The names of a template and their values for a request."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import MISSING, Json
from mockllm.core.request.messages import CallPart, ResultPart
from mockllm.core.request.request import Message, Request, TextPart, Tool
from mockllm.core.templates.compile_template import compile_template
from mockllm.core.templates.scope import NAMES
from mockllm.core.templates.template import TemplateScope


class Requested(Request):
    @property
    def model(self) -> str | None:
        return "gpt-x"

    @property
    def tools(self) -> tuple[Tool, ...]:
        return (Tool("get_weather"), Tool("get_time"))

    @property
    def messages(self) -> tuple[Message, ...]:
        return (
            Message("system", (TextPart("Be brief."),)),
            Message("user", (TextPart("Hi"), TextPart("there"))),
            Message("assistant", (CallPart("c1", "get_weather", {}),)),
            Message("tool", (ResultPart("c1", "get_weather", '{"temperature": 21}'),)),
            Message(
                "tool", (ResultPart("c2", "get_weather", "second"), ResultPart("c3", None, "no name", True))
            ),
            Message("tool", (ResultPart("c4", "get_time", "noon"),)),
        )


def request(kind: type[Request] = Requested, **more: Any) -> Request:
    fields: dict[str, Any] = {
        "method": "POST",
        "path": "/v1/chat",
        "headers": {"X-Case": "7"},
        "raw": b'{"a": [1]}',
        "query_string": "x=1&x=2&empty=",
        "session": "s1",
        "now": 1_700_000_000.75,
    }
    return kind(**{**fields, **more})


WEATHER = {
    "name": "get_weather",
    "id": "c1",
    "text": '{"temperature": 21}',
    "is_error": False,
    "json": {"temperature": 21},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("model", "gpt-x"),
        ("user", "Hi\nthere"),
        ("system", "Be brief."),
        ("messages[0]", {"role": "system", "text": "Be brief."}),
        ("messages[1].text", "Hi\nthere"),
        ("turn", 2),
        ("tools", ["get_weather", "get_time"]),
        ("tools[1]", "get_time"),
        ("tool_result", WEATHER),
        ("tool_result.json.temperature", 21),
        ("tool_results.get_weather.json.temperature", 21),
        ("tool_results.get_time.text", "noon"),
        ("query", {"x": "2", "empty": ""}),
        ("query.x", "2"),
        ("headers", {"x-case": "7"}),
        ('headers["X-CASE"]', "7"),
        ("path", "/v1/chat"),
        ("body", {"a": [1]}),
        ("body.a[0]", 1),
        ("session", "s1"),
        ("now", 1_700_000_000),
        ("(now + 42) * 1000", 1_700_000_042_000),
        ("match", {"1": "group"}),
        ('match["1"]', "group"),
        ("match[1]", "group"),
        ("city", "Paris"),
    ],
)
def test_scope_name_reads_value(path: str, value: Json) -> None:
    scope = TemplateScope(request(), {"city": "Paris", "model": "never seen"}, {"1": "group"})
    assert compile_template(f"{{{{ {path} }}}}").render(scope) == value


@pytest.mark.parametrize("name", ["model", "user", "system", "tool_result", "body", "session", "city"])
def test_scope_missing_value_is_absent(name: str) -> None:
    assert TemplateScope(request(Request, raw=b"", session=None)).read(name) is MISSING


@pytest.mark.parametrize(
    ("name", "value"),
    [("messages", []), ("turn", 1), ("tools", []), ("tool_results", {}), ("match", {}), ("query", {})],
)
def test_scope_missing_list_is_empty(name: str, value: Json) -> None:
    assert TemplateScope(request(Request, query_string="")).read(name) == value


def test_scope_tool_result_is_the_matched_one() -> None:
    scope = TemplateScope(request(), result=ResultPart("c4", "get_time", "noon"))
    assert scope.read("tool_result") == {"name": "get_time", "id": "c4", "text": "noon", "is_error": False}


def test_scope_replaces_bytes_outside_utf8() -> None:
    scope = TemplateScope(
        request(headers={"x": "a\udcff"}, path="/\udcff", query_string="q=\udcff", session="\udcffé")
    )
    assert scope.read("headers") == {"x": "a?"}
    assert scope.read("path") == "/?"
    assert scope.read("query") == {"q": "?"}
    assert scope.read("session") == "?é"


def test_scope_names_are_those_of_the_language() -> None:
    assert sorted(NAMES) == [
        *(
            "body",
            "headers",
            "match",
            "mcp",
            "messages",
            "model",
            "now",
            "path",
            "query",
            "session",
            "system",
        ),
        *("tool_result", "tool_results", "tools", "turn", "typed", "user"),
    ]
