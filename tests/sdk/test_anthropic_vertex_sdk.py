"""The anthropic package's Vertex clients read our responses: non-streaming and streamed, sync and async, tools,
thinking, counting, and each named error as a separate exception."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import AnthropicVertex, AsyncAnthropicVertex

from mockllm.core.failure import NAMED
from tests.live import Live
from tests.live import live as serve
from tests.sdk.test_anthropic_sdk import SCHEMA, params, prompt
from tests.sdk.ways import ANTHROPIC_TOOLS

HELLO = "Hello, world. It is a fine day."


def client_of(live: Live, base: str = "/v1") -> AnthropicVertex:
    return AnthropicVertex(
        base_url=f"{live.url}{base}", region="us-east5", project_id="p", access_token="x", max_retries=0
    )


@pytest.fixture(params=["/v1", "/vertex/v1"], ids=["by its path", "by its prefix"])
def claude(request: pytest.FixtureRequest, live: Live) -> Iterator[AnthropicVertex]:
    with client_of(live, request.param) as client:
        yield client


def text_of(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def test_message_has_text_ids_and_usage(claude: AnthropicVertex) -> None:
    message = claude.messages.create(**params("hello"))
    assert text_of(message) == HELLO
    assert message.id.startswith("msg_vrtx_01")
    assert message._request_id is not None
    assert message._request_id.startswith("req_vrtx_01")
    assert (message.usage.input_tokens, message.usage.output_tokens) == (12, 9)


def test_text_stream_has_chunks(claude: AnthropicVertex) -> None:
    with claude.messages.stream(**params("hello")) as stream:
        chunks = list(stream.text_stream)
        message = stream.get_final_message()
    assert "".join(chunks) == text_of(message) == HELLO
    assert len(chunks) > 1


def test_events_in_a_stream(claude: AnthropicVertex) -> None:
    events = [event.type for event in claude.messages.create(**params("hello", stream=True))]
    assert (events[0], events[-1]) == ("message_start", "message_stop")


def test_tool_result_produces_text(claude: AnthropicVertex) -> None:
    question = params("weather?", tools=ANTHROPIC_TOOLS)
    first = claude.messages.create(**question)
    (call,) = (block for block in first.content if block.type == "tool_use")
    assert call.id.startswith("toolu_vrtx_01")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": '{"degrees": 21}'}
    question["messages"] += [
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]
    assert text_of(claude.messages.create(**question)) == "It is 21 degrees."


def test_thinking_and_structured_output(claude: AnthropicVertex) -> None:
    thinking = {"type": "enabled", "budget_tokens": 1024}
    response = claude.messages.create(**params("think", thinking=thinking, max_tokens=2000))
    assert [block.type for block in response.content] == ["thinking", "text"]
    form = {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert '"Paris"' in text_of(claude.messages.create(**params("weather", output_config=form)))


def test_tokens_are_counted(claude: AnthropicVertex) -> None:
    counted = claude.messages.count_tokens(**prompt("count")).input_tokens
    assert counted == claude.messages.create(**params("count")).usage.input_tokens


def test_dated_model_has_provider_name_in_response(claude: AnthropicVertex) -> None:
    message = claude.messages.create(**{**params("hello"), "model": "claude-mock@20260101"})
    assert message.model == "claude-mock-20260101"


def test_beta_messages(claude: AnthropicVertex) -> None:
    beta: Any = claude.beta  # whose type does not know its own client's messages
    assert text_of(beta.messages.create(**params("hello"))) == HELLO


def test_async_client_has_same_text_and_count(live: Live) -> None:
    async def ask() -> tuple[str, str, int]:
        async with AsyncAnthropicVertex(
            base_url=f"{live.url}/v1", region="global", project_id="p", access_token="x", max_retries=0
        ) as client:
            whole = text_of(await client.messages.create(**params("hello")))
            async with client.messages.stream(**params("hello")) as stream:
                streamed = "".join([chunk async for chunk in stream.text_stream])
            counted = await client.messages.count_tokens(**prompt("hello"))
            return whole, streamed, counted.input_tokens

    whole, streamed, counted = asyncio.run(ask())
    assert whole == streamed == HELLO
    assert counted > 0


ERRORS: dict[str, tuple[type[anthropic.APIStatusError], int]] = {
    "bad_request": (anthropic.BadRequestError, 400),
    "authentication": (anthropic.AuthenticationError, 401),
    "permission": (anthropic.PermissionDeniedError, 403),
    "not_found": (anthropic.NotFoundError, 404),
    "model_not_found": (anthropic.NotFoundError, 404),
    "model_deprecated": (anthropic.NotFoundError, 404),
    "request_too_large": (anthropic.APIStatusError, 413),
    "context_length": (anthropic.BadRequestError, 400),
    "rate_limit": (anthropic.RateLimitError, 429),
    "insufficient_quota": (anthropic.RateLimitError, 429),
    "content_filter": (anthropic.BadRequestError, 400),
    "server_error": (anthropic.InternalServerError, 500),
    "overloaded": (anthropic.APIStatusError, 529),
    "unavailable": (anthropic.APIStatusError, 503),
    "bad_gateway": (anthropic.InternalServerError, 502),
    "timeout": (anthropic.APIStatusError, 504),
}
RULES = "".join(f"  - {{name: {name}, match: {{model: {name}}}, error: {name}}}\n" for name in NAMED)


@pytest.fixture(scope="module")
def errors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("vertex") / "errors.yaml"
    file.write_text(f"mockllm: 1\nrules:\n{RULES}")
    with serve(file) as server:
        yield server


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("name", NAMED)
@pytest.mark.covering
def test_named_error_raises_sdk_exception(errors: Live, name: str, stream: bool) -> None:
    kind, status = ERRORS[name]
    with client_of(errors) as client, pytest.raises(kind) as caught:
        client.messages.create(**{**params("hi", stream=stream), "model": name})
    assert caught.value.status_code == status


def test_error_in_stream_raises_status_error(live: Live) -> None:
    with client_of(live) as client, pytest.raises(anthropic.APIStatusError) as caught:
        list(client.messages.create(**{**params("hi", stream=True), "model": "breaks-off"}))
    body: Any = caught.value.body
    assert body["error"]["type"] == "overloaded_error"


def test_invalid_request_is_400(claude: AnthropicVertex) -> None:
    with pytest.raises(anthropic.BadRequestError, match="at least one message"):
        claude.messages.create(model="claude-mock", max_tokens=5, messages=[])
