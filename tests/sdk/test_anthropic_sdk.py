"""What only the anthropic package uses: thinking with its signature, events, results in user turns."""

from __future__ import annotations

import asyncio
import importlib
import json
from typing import Any, get_args

import anthropic
import pytest
from anthropic.types import Model
from pydantic import TypeAdapter

from mockllm.dialects.anthropic.client_tools import toolsets_by_tool
from mockllm.dialects.provider_facts import is_known_model
from tests.live import Live
from tests.sdk.sdk_releases import require_known
from tests.sdk.ways import ANTHROPIC_TOOLS

MODEL = "claude-mock"  # of a family that the SDK does not call deprecated
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "degrees": {"type": "integer"}},
    "required": ["city", "degrees"],
    "additionalProperties": False,
}


def params(text: str, **more: Any) -> dict[str, Any]:
    return {
        "model": MODEL,
        "max_tokens": 500,
        "messages": [{"role": "user", "content": text}],
        **more,
    }


def test_models_that_the_sdk_names_are_known() -> None:
    names = get_args(get_args(Model)[0])
    assert "claude-sonnet-5" in names
    require_known("anthropic", [name for name in names if not is_known_model("anthropic", name)])


@pytest.mark.parametrize("kind", ["computer", "browser"])
def test_toolset_member_is_called(claude: anthropic.Anthropic, kind: str) -> None:
    tool: Any = {"type": f"{kind}_toolset_20260801"}
    members: Any = importlib.import_module(f"anthropic.types.beta.beta_{kind}_member_name")
    names = getattr(members, f"BETA_{kind.upper()}_MEMBER_NAME_VALUES")
    require_known("anthropic", [name for name in names if name not in toolsets_by_tool([tool])])
    response = claude.beta.messages.create(**params("screen?", tools=[tool]))
    (call,) = (block for block in response.content if block.type == "tool_use")
    assert (call.name, call.toolset_name) == ("screenshot", kind)
    with claude.beta.messages.stream(**params("screen?", tools=[tool])) as stream:
        (call,) = (block for block in stream.get_final_message().content if block.type == "tool_use")
    assert (call.name, call.toolset_name) == ("screenshot", kind)


@pytest.mark.parametrize("kind", ["computer", "browser"])
def test_generated_input_of_toolset_member_is_valid(claude: anthropic.Anthropic, kind: str) -> None:
    tool: Any = {"type": f"{kind}_toolset_20260801"}
    blocks: Any = importlib.import_module(f"anthropic.types.beta.beta_{kind}_tool_use_block")
    adapter = TypeAdapter(getattr(blocks, f"Beta{kind.title()}ToolUseBlock"))
    for name in toolsets_by_tool([tool]):
        choice = {"type": "tool", "name": name}
        response = claude.beta.messages.create(**params("screen?", tools=[tool], tool_choice=choice))
        (call,) = (block for block in response.content if block.type == "tool_use")
        assert call.name == name
        adapter.validate_python(call.to_dict())


def test_agent_loop_ends_with_text(claude: anthropic.Anthropic) -> None:
    question = params("weather?", tools=ANTHROPIC_TOOLS)
    first = claude.messages.create(**question)
    assert first.stop_reason == "tool_use"
    (call,) = (block for block in first.content if block.type == "tool_use")
    assert call.input == {"city": "Paris"}
    result = {"type": "tool_result", "tool_use_id": call.id, "content": '{"degrees": 21}'}
    question["messages"] += [
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]
    last = claude.messages.create(**question)
    assert [block.text for block in last.content if block.type == "text"] == ["It is 21 degrees."]
    assert last.stop_reason == "end_turn"


def test_tool_runner_runs_agent_loop(claude: anthropic.Anthropic) -> None:
    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """The weather of a city.

        Args:
            city: Which one.
        """
        return json.dumps({"degrees": 21, "city": city})

    last = claude.beta.messages.tool_runner(**params("weather?", tools=[get_weather])).until_done()
    assert [block.text for block in last.content if block.type == "text"] == ["It is 21 degrees."]


def test_parallel_calls_have_ids_of_their_own(claude: anthropic.Anthropic) -> None:
    response = claude.messages.create(**params("both", tools=ANTHROPIC_TOOLS))
    ids = [block.id for block in response.content if block.type == "tool_use"]
    assert len(set(ids)) == 2
    assert all(id.startswith("toolu_01") and len(id) == 30 for id in ids)


def test_thinking_has_its_signature(claude: anthropic.Anthropic) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    response = claude.messages.create(**params("think", thinking=thinking, max_tokens=2000))
    (block,) = (block for block in response.content if block.type == "thinking")
    assert (block.thinking, block.signature) == ("Let me see.", "c2lnbmVk")


def test_thinking_in_a_stream(claude: anthropic.Anthropic) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    with claude.messages.stream(**params("think", thinking=thinking, max_tokens=2000)) as stream:
        kinds = [event.type for event in stream]
        block = stream.get_final_message().content[0]
    assert block.type == "thinking"
    assert (block.thinking, block.signature) == ("Let me see.", "c2lnbmVk")
    assert kinds.count("signature") == 1
    assert kinds.index("thinking") < kinds.index("signature") < kinds.index("text")


def test_stream_events_have_legal_order(claude: anthropic.Anthropic) -> None:
    events = list(claude.messages.create(**params("both", tools=ANTHROPIC_TOOLS, stream=True)))
    kinds = [event.type for event in events if event.type != "content_block_delta"]
    block = ["content_block_start", "content_block_stop"]
    assert kinds == ["message_start", *block * 3, "message_delta", "message_stop"]
    starts = [event for event in events if event.type == "content_block_start"]
    assert [(event.index, event.content_block.type) for event in starts] == [
        *((0, "text"), (1, "tool_use"), (2, "tool_use"))
    ]


def test_text_stream_has_chunks_and_usage(claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(**params("hello")) as stream:
        chunks = list(stream.text_stream)
        usage = stream.get_final_message().usage
    assert "".join(chunks) == "Hello, world. It is a fine day."
    assert len(chunks) > 1
    assert (usage.input_tokens, usage.output_tokens) == (12, 9)


def test_async_text_stream_has_whole_text(live: Live) -> None:
    async def ask() -> list[str]:
        async with (
            anthropic.AsyncAnthropic(base_url=live.url, api_key="sk", max_retries=0) as client,
            client.messages.stream(**params("hello")) as stream,
        ):
            return [chunk async for chunk in stream.text_stream]

    assert "".join(asyncio.run(ask())) == "Hello, world. It is a fine day."


def test_output_format_schema_produces_json(claude: anthropic.Anthropic) -> None:
    form = {"format": {"type": "json_schema", "schema": SCHEMA}}
    response = claude.messages.create(**params("weather", output_config=form))
    assert [json.loads(block.text) for block in response.content if block.type == "text"] == [
        {"city": "Paris", "degrees": 21}
    ]


def test_raw_response_has_request_id_and_rate_limits(claude: anthropic.Anthropic) -> None:
    raw = claude.messages.with_raw_response.create(**params("hello"))
    assert raw.headers["x-mockllm-rule"] == "conversation.yaml:hello"
    assert raw.headers["request-id"].startswith("req_01")
    assert raw.parse()._request_id == raw.headers["request-id"]
    assert "anthropic-ratelimit-requests-remaining" in raw.headers


def test_ids_are_the_providers_and_differ(claude: anthropic.Anthropic) -> None:
    ids = {claude.messages.create(**params("hello")).id for _ in range(3)}
    assert len(ids) == 3
    assert all(id.startswith("msg_01") and len(id) == 28 for id in ids)


def test_response_has_requested_model(claude: anthropic.Anthropic) -> None:
    response = claude.messages.create(**params("hello"))
    assert response.model == MODEL


def test_models_are_listed_and_looked_up(claude: anthropic.Anthropic) -> None:
    page = claude.models.list()
    assert "twice-limited" in [model.id for model in page], "a model that a rule names is there"
    assert page.data[0].id == page.first_id
    response = claude.models.retrieve("twice-limited")
    assert (response.id, response.type) == ("twice-limited", "model")
    assert claude.models.retrieve("any-other").id == "any-other", "messages answers it, so it is there"
    assert [model.id for model in claude.beta.models.list()] == [model.id for model in claude.models.list()]
    assert claude.beta.models.retrieve("any-other").id == "any-other"


def prompt(text: str, **more: Any) -> dict[str, Any]:
    """What is counted of a question."""
    question = params(text, **more)
    del question["max_tokens"]
    return question


def test_count_tokens_equals_input_tokens_of_message(claude: anthropic.Anthropic) -> None:
    system = "Answer like a pirate."
    for more in ({}, {"system": system}, {"system": system, "tools": ANTHROPIC_TOOLS}):
        counted = claude.messages.count_tokens(**prompt("count", **more)).input_tokens
        assert counted == claude.messages.create(**params("count", **more)).usage.input_tokens
        assert counted == claude.beta.messages.count_tokens(**prompt("count", **more)).input_tokens


def test_count_tokens_without_messages_is_400(claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="at least one message"):
        claude.messages.count_tokens(model=MODEL, messages=[])


def test_beta_messages_have_same_text(claude: anthropic.Anthropic) -> None:
    whole = claude.beta.messages.create(**params("hello"), betas=["files-api-2025-04-14"])
    assert [block.text for block in whole.content if block.type == "text"] == [
        "Hello, world. It is a fine day."
    ]
    with claude.beta.messages.stream(**params("hello")) as stream:
        assert "".join(stream.text_stream) == "Hello, world. It is a fine day."


def test_async_counts_and_beta_and_models(live: Live) -> None:
    async def ask() -> tuple[int, int, str, str, list[str], str]:
        async with anthropic.AsyncAnthropic(base_url=live.url, api_key="sk", max_retries=0) as client:
            counted = await client.messages.count_tokens(**prompt("count"))
            beta = await client.beta.messages.count_tokens(**prompt("count"))
            response = await client.beta.messages.create(**params("hello"))
            async with client.beta.messages.stream(**params("hello")) as stream:
                streamed = "".join([chunk async for chunk in stream.text_stream])
            names = [model.id async for model in client.models.list()]
            reply = await client.models.retrieve("any-other")
            text = "".join(block.text for block in response.content if block.type == "text")
            return counted.input_tokens, beta.input_tokens, text, streamed, names, reply.id

    counted, beta, text, streamed, names, reply = asyncio.run(ask())
    assert counted == beta > 0
    assert text == streamed == "Hello, world. It is a fine day."
    assert "twice-limited" in names
    assert reply == "any-other"


def test_rules_see_the_api_key_and_count_by_it(live: Live) -> None:
    def ask(key: str, text: str) -> str:
        with anthropic.Anthropic(base_url=live.url, api_key=key, max_retries=0) as client:
            response = client.messages.create(**params(text))
        return "".join(block.text for block in response.content if block.type == "text")

    assert ask("sk-open-sesame", "secret") == "Come in."
    with pytest.raises(anthropic.NotFoundError, match="api_key"):
        ask("sk-other", "secret")
    assert [ask(key, "who am I") for key in ("three", "four", "three", "four")] == [
        *("first time", "first time", "second time", "second time")
    ]


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no model": ({"model": None}, "model"),
    "no messages": ({"messages": []}, "messages"),
    "null for a message": ({"messages": [None]}, "messages"),
    "no max_tokens": ({"extra_body": {"max_tokens": None}}, "max_tokens"),
    "too hot": ({"extra_body": {"temperature": 1.5}}, "temperature"),
    "a result without its call": (
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x"}]}]},
        "tool_result",
    ),
}


@pytest.mark.parametrize(("wrong", "named"), MISTAKES.values(), ids=MISTAKES.keys())
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_invalid_request_is_400_that_names_parameter(
    claude: anthropic.Anthropic, wrong: dict[str, Any], named: str, stream: bool
) -> None:
    with pytest.raises(anthropic.BadRequestError, match=named) as caught:
        claude.messages.create(**(params("hello", stream=stream) | wrong))
    body: Any = caught.value.body
    assert body["error"]["type"] == "invalid_request_error"
