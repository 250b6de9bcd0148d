"""What an example's request is on the wire: in a provider's words, or as it is written."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.json.codec import Json, loads
from mockllm.core.matching.rule_matching import RuleIndex
from mockllm.core.request.request import Tool
from mockllm.core.request.response_parameters import Format
from mockllm.core.request.tools import ToolChoice
from mockllm.engine import Engine
from mockllm.scenario.catalog import Catalog
from mockllm.scenario.language.examples import RequestSpec
from mockllm.state.engine_state import EngineState
from mockllm.testing.example_requests import SentRequest, UnsupportedCall, build_sent_request

ENGINE = Engine(Catalog((), 0, RuleIndex([])), EngineState())


def sent(run_for: str | None = None, **words: Any) -> SentRequest:
    return build_sent_request(RequestSpec.model_validate(words), run_for)


def test_request_without_keys_is_hi_to_openai() -> None:
    request = sent().read_by(ENGINE, 5.0)
    assert (request.provider, request.api, request.user, request.now) == ("openai", "chat", "hi", 5.0)


@pytest.mark.parametrize(
    ("words", "provider"),
    [({"provider": "anthropic"}, None), ({"provider": ["anthropic", "openai"]}, None), ({}, "anthropic")],
)
def test_request_provider_is_argument_else_first_named(words: dict[str, Any], provider: str | None) -> None:
    assert sent(provider, **words).read_by(ENGINE, 0.0).provider == "anthropic"


@pytest.mark.parametrize(
    ("word", "value", "field", "read"),
    [
        ("model", "mine", "model", "mine"),
        ("user", "", "user", ""),
        ("system", "Be brief.", "system", "Be brief."),
        ("stream", True, "stream", True),
        ("api_key", "k", "api_key", "k"),
        ("session", "s", "session", "s"),
        ("query", {"a": "1&2", "b": ""}, "query", {"a": "1&2", "b": ""}),
        ("tool_choice", "any", "tool_choice", ToolChoice("any")),
        ("tool_choice", {"name": "x"}, "tool_choice", ToolChoice("named", ("x",))),
        ("response_format", "json", "response_format", Format("json")),
        (
            "response_format",
            {"name": "n", "schema": {"type": "object"}},
            "response_format",
            Format("schema", "n", {"type": "object"}),
        ),
        ("messages", [{"role": "user", "content": "a"}], "user", "a"),
    ],
)
def test_built_request_is_read_with_same_values(word: str, value: Json, field: str, read: object) -> None:
    assert getattr(sent(**{word: value}).read_by(ENGINE, 0.0), field) == read


def test_tools_are_names_or_described() -> None:
    described = {"name": "b", "description": "B.", "parameters": {"type": "object"}}
    tools = sent(tools=["a", described]).read_by(ENGINE, 0.0).tools
    assert [tool.name for tool in tools] == ["a", "b"]
    assert tools[1] == Tool("b", {"type": "object"}, "B.")


def test_request_has_sampling_parameters() -> None:
    output_bounds = sent(n=2, max_tokens=3, stop=["END"]).read_by(ENGINE, 0.0).output_bounds
    assert (output_bounds.n, output_bounds.max_tokens, output_bounds.stop) == (2, 3, ("END",))


def test_request_headers_override_provider_headers() -> None:
    built = sent(provider="anthropic", headers={"X-Case": "7", "Anthropic-Version": "1"})
    assert (built.headers["x-case"], built.headers["anthropic-version"]) == ("7", "1")
    assert built.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("body", "raw"), [("{", b"{"), ({"a": 1}, b'{"a":1}'), ([], b"[]"), (None, b""), (False, b"false")]
)
def test_raw_body_is_json_or_text(body: Json, raw: bytes) -> None:
    assert sent(path="/x", body=body).raw == raw


def test_request_with_path_only_has_no_body() -> None:
    built = sent(path="/x?a=1", query={"b": "2"}, method="GET")
    assert (built.method, built.path, built.query_string, built.raw) == ("GET", "/x", "a=1&b=2", b"")


def test_body_without_path_goes_to_usual_path() -> None:
    built = sent(provider="anthropic", body={"model": "m"})
    assert (built.method, built.path, loads(built.raw)) == ("POST", "/v1/messages", {"model": "m"})


def test_call_without_neutral_form_raises() -> None:
    with pytest.raises(UnsupportedCall, match="openai has no call models with a neutral form"):
        sent(api="models")
