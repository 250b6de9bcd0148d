"""boto3's clients and the anthropic package's Bedrock client read our responses: non-streaming and streamed, tools,
thinking, counting, lists, faults, and each named error as a separate exception."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import pytest
from anthropic import AnthropicBedrock, AsyncAnthropicBedrock

from mockllm.core.failure import NAMED
from mockllm.dialects.bedrock.errors import ROWS
from tests.live import Live
from tests.live import live as serve
from tests.sdk.test_anthropic_sdk import SCHEMA, params
from tests.sdk.ways import ANTHROPIC_TOOLS

boto3 = pytest.importorskip("boto3")
config = pytest.importorskip("botocore.config")
errors = pytest.importorskip("botocore.exceptions")

HELLO = "Hello, world. It is a fine day."
MODEL = "anthropic.claude-3-5-sonnet-20241022-v2:0"
ARN = f"arn:aws:bedrock:us-east-1:012345678901:inference-profile/us.{MODEL}"
TOOLS = {
    "tools": [
        {
            "toolSpec": {
                "name": tool["name"],
                "description": tool.get("description", "Looks."),
                "inputSchema": {"json": tool["input_schema"]},
            }
        }
        for tool in ANTHROPIC_TOOLS
    ]
}


def client_of(live: Live, service: str = "bedrock-runtime", base: str = "", **settings: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=live.url + base,
        region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
        aws_session_token="token",
        config=config.Config(retries={"total_max_attempts": 1}, **settings),
    )


@pytest.fixture(params=["", "/bedrock"], ids=["by its path", "by its prefix"])
def bedrock(request: pytest.FixtureRequest, live: Live) -> Iterator[Any]:
    client = client_of(live, base=request.param)
    yield client
    client.close()


@pytest.fixture
def claude(live: Live) -> Iterator[AnthropicBedrock]:
    with AnthropicBedrock(
        base_url=live.url, aws_region="us-east-1", aws_access_key="x", aws_secret_key="y", max_retries=0
    ) as client:
        yield client


def talk(text: str, **fields: Any) -> dict[str, Any]:
    return {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": text}]}], **fields}


def blocks_of(response: Any) -> list[Any]:
    blocks: list[Any] = response["output"]["message"]["content"]
    return blocks


def joined(events: list[Any]) -> str:
    deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
    return "".join(delta.get("text", "") for delta in deltas)


# --- converse ------------------------------------------------------------------------------------


def test_converse_returns_text_and_usage(bedrock: Any) -> None:
    response = bedrock.converse(**talk("hello"))
    assert blocks_of(response) == [{"text": HELLO}]
    assert response["stopReason"] == "end_turn"
    usage = {key: response["usage"][key] for key in ("inputTokens", "outputTokens", "totalTokens")}
    assert usage == {"inputTokens": 12, "outputTokens": 9, "totalTokens": 21}
    assert len(response["ResponseMetadata"]["RequestId"]) == 36


def test_converse_stream_returns_events_in_order(bedrock: Any) -> None:
    events = list(bedrock.converse_stream(**talk("hello"))["stream"])
    names = [next(iter(event)) for event in events]
    assert (names[0], names[-3:]) == ("messageStart", ["contentBlockStop", "messageStop", "metadata"])
    assert joined(events) == HELLO
    assert events[-1]["metadata"]["usage"]["outputTokens"] == 9


def test_model_may_be_an_arn(bedrock: Any) -> None:
    assert blocks_of(bedrock.converse(**{**talk("hello"), "modelId": ARN})) == [{"text": HELLO}]


@pytest.mark.parametrize("stream", [False, True])
def test_call_and_its_result(bedrock: Any, stream: bool) -> None:
    question = talk("weather?", toolConfig=TOOLS)
    if stream:
        events = list(bedrock.converse_stream(**question)["stream"])
        (start,) = (event["contentBlockStart"]["start"] for event in events if "contentBlockStart" in event)
        deltas = [event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event]
        call = {
            **start["toolUse"],
            "input": json.loads("".join(delta["toolUse"]["input"] for delta in deltas)),
        }
    else:
        ((call,),) = (block.values() for block in blocks_of(bedrock.converse(**question)))
    assert call["toolUseId"].startswith("tooluse_")
    assert call["input"] == {"city": "Paris"}
    result = {"toolUseId": call["toolUseId"], "content": [{"json": {"degrees": 21}}]}
    question["messages"] += [
        {"role": "assistant", "content": [{"toolUse": call}]},
        {"role": "user", "content": [{"toolResult": result}]},
    ]
    assert blocks_of(bedrock.converse(**question)) == [{"text": "It is 21 degrees."}]


def test_thinking_and_structured_output(bedrock: Any) -> None:
    thinking, text = blocks_of(bedrock.converse(**talk("think")))
    assert thinking["reasoningContent"]["reasoningText"] == {"text": "Let me see.", "signature": "c2lnbmVk"}
    assert text == {"text": "Forty-two."}
    schema = {"name": "Weather", "schema": json.dumps(SCHEMA)}
    form = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
    (block,) = blocks_of(bedrock.converse(**talk("weather", outputConfig=form)))
    assert json.loads(block["text"])["city"] == "Paris"


# --- invoke --------------------------------------------------------------------------------------


def invoked(bedrock: Any, model: str, body: dict[str, Any]) -> tuple[Any, list[Any]]:
    """The body of a model, and the events of its stream."""
    text = json.dumps(body)
    whole = json.loads(bedrock.invoke_model(modelId=model, body=text)["body"].read())
    stream = bedrock.invoke_model_with_response_stream(modelId=model, body=text)["body"]
    return whole, [json.loads(event["chunk"]["bytes"]) for event in stream]


def test_invoke_returns_claudes_messages(bedrock: Any) -> None:
    body = {key: value for key, value in params("hello").items() if key != "model"}
    whole, events = invoked(bedrock, MODEL, {"anthropic_version": "bedrock-2023-05-31", **body})
    assert whole["content"] == [{"type": "text", "text": HELLO}]
    assert whole["id"].startswith("msg_bdrk_01")
    assert whole["model"] == "claude-3-5-sonnet-20241022"
    assert (events[0]["type"], events[-1]["type"]) == ("message_start", "message_stop")
    assert events[-1]["amazon-bedrock-invocationMetrics"]["inputTokenCount"] == 12


def test_invoke_returns_bodies_of_other_makers(bedrock: Any) -> None:
    whole, events = invoked(bedrock, "amazon.titan-text-express-v1", {"inputText": "hello"})
    assert whole["results"][0]["outputText"] == HELLO
    assert "".join(event["outputText"] for event in events) == HELLO
    whole, events = invoked(bedrock, "meta.llama3-8b-instruct-v1:0", {"prompt": "hello"})
    assert whole["generation"] == "".join(event["generation"] for event in events) == HELLO
    whole, _ = invoked(bedrock, "mistral.mistral-7b-instruct-v0:2", {"prompt": "hello"})
    assert whole["outputs"][0]["text"] == HELLO
    whole, _ = invoked(bedrock, "cohere.command-r-v1:0", {"message": "hello"})
    assert whole["text"] == HELLO
    messages = talk("hello")["messages"]
    whole, events = invoked(bedrock, "amazon.nova-lite-v1:0", {"messages": messages})
    assert blocks_of(whole) == [{"text": HELLO}]
    assert joined(events) == HELLO


# --- lookups -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "body", "vectors"),
    [
        (
            "amazon.titan-embed-text-v2:0",
            {"inputText": "cat", "dimensions": 512},
            lambda body: [body["embedding"], *body["embeddingsByType"].values()],
        ),
        (
            "us.cohere.embed-v4:0",
            {"texts": ["cat", "dog"], "input_type": "search_document", "output_dimension": 512},
            lambda body: body["embeddings"]["float"],
        ),
        (
            "amazon.nova-2-multimodal-embeddings-v1:0",
            {"singleEmbeddingParams": {"embeddingDimension": 1024, "text": {"value": "cat"}}},
            lambda body: [body["embeddings"][0]["embedding"]],
        ),
    ],
    ids=["titan", "cohere", "nova"],
)
def test_invoke_returns_vectors(
    bedrock: Any, model: str, body: dict[str, Any], vectors: Callable[[Any], list[list[float]]]
) -> None:
    response = bedrock.invoke_model(modelId=model, body=json.dumps(body))
    found = vectors(json.loads(response["body"].read()))
    assert len(found) == (1 if "nova" in model else 2)
    assert {len(vector) for vector in found} == {1024 if "nova" in model else 512}
    assert sum(value * value for value in found[0]) == pytest.approx(1.0, abs=1e-4)
    with pytest.raises(bedrock.exceptions.ValidationException, match="required key"):
        bedrock.invoke_model(modelId=model, body="{}")


def test_tokens_are_counted(bedrock: Any) -> None:
    counted = bedrock.count_tokens(modelId=MODEL, input={"converse": {"messages": talk("count")["messages"]}})
    assert counted["inputTokens"] == bedrock.converse(**talk("count"))["usage"]["inputTokens"]


def test_models_and_profiles_are_listed(live: Live) -> None:
    client = client_of(live, "bedrock")
    models = [each["modelId"] for each in client.list_foundation_models()["modelSummaries"]]
    assert MODEL in models
    details = client.get_foundation_model(modelIdentifier=MODEL)["modelDetails"]
    assert details["modelName"] == "Claude 3.5 Sonnet v2"
    pages = client.get_paginator("list_inference_profiles").paginate(PaginationConfig={"PageSize": 2})
    profiles = [each["inferenceProfileId"] for page in pages for each in page["inferenceProfileSummaries"]]
    assert f"us.{MODEL}" in profiles
    assert client.get_inference_profile(inferenceProfileIdentifier=ARN)["status"] == "ACTIVE"
    client.close()


# --- anthropic's client --------------------------------------------------------------------------


def text_of(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def test_anthropics_client_returns_text_and_stream(claude: AnthropicBedrock) -> None:
    message = claude.messages.create(**{**params("hello"), "model": MODEL})
    assert text_of(message) == HELLO
    assert message.id.startswith("msg_bdrk_01")
    with claude.messages.stream(**{**params("hello"), "model": MODEL}) as stream:
        texts = list(stream.text_stream)
        last = stream.get_final_message()
    assert "".join(texts) == text_of(last) == HELLO
    assert len(texts) > 1
    assert last.usage.output_tokens == 9


def test_anthropics_client_calls_a_tool(claude: AnthropicBedrock) -> None:
    question = {**params("weather?", tools=ANTHROPIC_TOOLS), "model": MODEL}
    first = claude.messages.create(**question)
    (call,) = (block for block in first.content if block.type == "tool_use")
    assert call.id.startswith("toolu_bdrk_01")


def test_anthropics_async_client_with_an_api_key(live: Live) -> None:
    async def ask() -> str:
        async with (
            AsyncAnthropicBedrock(
                base_url=live.url, aws_region="us-east-1", api_key="any", max_retries=0
            ) as client,
            client.messages.stream(**{**params("hello"), "model": MODEL}) as stream,
        ):
            return "".join([text async for text in stream.text_stream])

    assert asyncio.run(ask()) == HELLO


# --- errors and faults ---------------------------------------------------------------------------

RULES = "".join(f"  - {{name: {name}, match: {{user: {name}}}, error: {name}}}\n" for name in NAMED)
TROUBLE = """
  - {match: {user: in stream}, reply: {chunks: [One, " two", {error: rate_limit}]}}
  - {match: {user: malformed}, reply: {chunks: [One, " two"]}, faults: [malformed]}
  - {match: {user: cut frame}, reply: {chunks: [One, " two"]}, faults: [{cut_event: {then: close}}]}
  - {match: {user: checksum}, reply: {chunks: [One, " two"]}, faults: [{bad_checksum: {at: {chunk: 2}}}]}
  - {match: {user: no finish}, reply: {chunks: [One, " two"]}, faults: [no_finish]}
"""


@pytest.fixture(scope="module")
def trouble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    file = tmp_path_factory.mktemp("bedrock") / "trouble.yaml"
    file.write_text(f"mockllm: 1\nrules:\n{RULES}{TROUBLE}")
    with serve(file) as server:
        client = client_of(server, read_timeout=5)
        yield client
        client.close()


@pytest.mark.parametrize("name", NAMED)
def test_named_error_is_an_exception_of_its_own(trouble: Any, name: str) -> None:
    for call in (trouble.converse, trouble.converse_stream):
        with pytest.raises(errors.ClientError) as raised:
            call(**talk(name))
        error = raised.value
        assert error.response["Error"]["Code"] == ROWS[name].type
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == ROWS[name].status
        assert error.response["Error"]["Message"]
        modeled = getattr(trouble.exceptions, ROWS[name].type, None)
        assert modeled is None or isinstance(error, modeled)


def received(stream: Any) -> tuple[list[Any], Exception]:
    """The events of a stream, and the exception behind them."""
    events: list[Any] = []
    try:
        for event in stream:
            events.append(event)  # noqa: PERF402 - those before the exception
    except Exception as raised:
        return events, raised
    finally:
        stream.close()
    raise AssertionError("the stream ended")


def test_error_in_stream_is_raised_behind_its_events(trouble: Any) -> None:
    events, raised = received(trouble.converse_stream(**talk("in stream"))["stream"])
    assert isinstance(raised, errors.EventStreamError)
    assert raised.response["Error"]["Code"] == "throttlingException"
    assert joined(events) == "One two"


def test_broken_json_in_intact_frame_is_an_event_without_text(trouble: Any) -> None:
    """botocore reads a payload that is no JSON as a message."""
    events = list(trouble.converse_stream(**talk("malformed"))["stream"])
    assert events[-1] == {"contentBlockDelta": {}}
    assert joined(events[:-1]) == ""


def test_cut_frame_ends_the_stream(trouble: Any) -> None:
    events, raised = received(trouble.converse_stream(**talk("cut frame"))["stream"])
    assert list(events[0]) == ["messageStart"]
    assert re.search("Connection|Protocol", type(raised).__name__)


def test_frame_with_wrong_checksum_is_raised(trouble: Any) -> None:
    events, raised = received(trouble.converse_stream(**talk("checksum"))["stream"])
    assert joined(events) == "One"
    assert type(raised).__name__ == "ChecksumMismatch"


def test_stream_without_finish_has_no_stop(trouble: Any) -> None:
    events = list(trouble.converse_stream(**talk("no finish"))["stream"])
    assert joined(events) == "One two"
    assert not any("messageStop" in event for event in events)


def test_anthropics_client_raises_errors_by_status(trouble: Any) -> None:
    url = trouble.meta.endpoint_url
    with AnthropicBedrock(base_url=url, aws_region="us-east-1", api_key="any", max_retries=0) as client:
        with pytest.raises(anthropic.RateLimitError):
            client.messages.create(**{**params("rate_limit"), "model": MODEL})
        with pytest.raises(anthropic.APIStatusError) as raised:
            list(client.messages.create(**{**params("in stream"), "model": MODEL, "stream": True}))
        assert "throttlingException" in str(raised.value)
