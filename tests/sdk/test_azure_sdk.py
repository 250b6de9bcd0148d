"""AzureOpenAI against a live server: by deployment and by the newer paths, and its errors as the SDK's own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from mockllm.core.failure import NAMED
from tests.live import Live
from tests.live import live as serve

VERSION = "2024-10-21"
RULES = """mockllm: 1
rules:
  - name: deployed
    match: {provider: azure, model: my-deployment, user: hello}
    reply: {text: "Hello from Azure.", usage: {input_tokens: 12, output_tokens: 4}}
  - name: weather
    match: {tools: get_weather}
    reply: {tool_calls: [{name: get_weather, arguments: {city: Paris}}]}
  - name: filtered
    match: {user: violent}
    reply: {text: It was, finish_reason: content_filter}
  - name: breaks-off
    match: {user: breaks}
    reply: {chunks: [Once, {error: overloaded}]}
  - name: keyed
    match: {user: secret, api_key: open-sesame}
    reply: Come in.
"""
ERRORS = "".join(f"  - {{name: {name}, match: {{model: {name}}}, error: {name}}}\n" for name in NAMED)
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
]


def user(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


HELLO = user("hello")


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    file = tmp_path_factory.mktemp("azure") / "azure.yaml"
    file.write_text(RULES + ERRORS)
    with serve(file) as server:
        yield server


@pytest.fixture(params=["", "/azure", "/"])
def client(azure: Live, request: pytest.FixtureRequest) -> Iterator[openai.AzureOpenAI]:
    """As is, behind the provider's prefix, and with the slash that makes the path begin with two."""
    endpoint = azure.url + request.param
    with openai.AzureOpenAI(
        azure_endpoint=endpoint, api_key="key", api_version=VERSION, max_retries=0
    ) as built:
        yield built


def test_deployment_overrides_model_of_body(client: openai.AzureOpenAI) -> None:
    response = client.chat.completions.create(model="my-deployment", messages=HELLO)
    assert response.choices[0].message.content == "Hello from Azure."
    assert response.model == "my-deployment"
    assert response.usage is not None
    assert (response.usage.prompt_tokens, response.usage.completion_tokens) == (12, 4)
    filtered = response.choices[0].model_extra
    assert filtered is not None
    assert filtered["content_filter_results"]["hate"] == {"filtered": False, "severity": "safe"}
    assert response.model_extra is not None
    assert response.model_extra["prompt_filter_results"][0]["prompt_index"] == 0


def test_first_chunk_of_stream_has_no_choices(client: openai.AzureOpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="my-deployment", messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    assert chunks[0].choices == []
    assert (chunks[0].id, chunks[0].created) == ("", 0)
    texts = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(texts) == "Hello from Azure."
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 16


def test_async_whole_and_streamed(azure: Live) -> None:
    async def ask() -> tuple[str | None, str]:
        async with openai.AsyncAzureOpenAI(
            azure_endpoint=azure.url, api_key="key", api_version=VERSION, max_retries=0
        ) as client:
            whole = await client.chat.completions.create(model="my-deployment", messages=HELLO)
            stream = await client.chat.completions.create(model="my-deployment", messages=HELLO, stream=True)
            texts = [choice.delta.content or "" async for chunk in stream for choice in chunk.choices]
            return whole.choices[0].message.content, "".join(texts)

    assert asyncio.run(ask()) == ("Hello from Azure.", "Hello from Azure.")


def test_bearer_token_is_accepted_as_key(azure: Live) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=azure.url, azure_ad_token="open-sesame", api_version=VERSION, max_retries=0
    ) as client:
        response = client.chat.completions.create(model="any", messages=user("secret"))
    assert response.choices[0].message.content == "Come in."


def test_tools_are_called(client: openai.AzureOpenAI) -> None:
    response = client.chat.completions.create(model="any", messages=user("weather?"), tools=TOOLS)
    calls = response.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].type == "function"
    assert json.loads(calls[0].function.arguments) == {"city": "Paris"}
    assert response.choices[0].message.content is None
    assert response.choices[0].finish_reason == "tool_calls"


def test_filtered_response_has_category_and_severity(client: openai.AzureOpenAI) -> None:
    choice = client.chat.completions.create(model="any", messages=user("violent")).choices[0]
    assert choice.finish_reason == "content_filter"
    assert choice.model_extra is not None
    assert choice.model_extra["content_filter_results"]["violence"] == {
        "filtered": True,
        "severity": "medium",
    }


def test_embeddings(client: openai.AzureOpenAI) -> None:
    response = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    assert [len(item.embedding) for item in response.data] == [1536, 1536]


def test_responses_with_and_without_the_versioned_path(azure: Live, client: openai.AzureOpenAI) -> None:
    assert client.responses.create(model="my-deployment", input="hello").output_text == "Hello from Azure."
    with openai.OpenAI(
        base_url=f"{azure.url}/openai/v1",
        api_key="key",
        default_headers={"api-key": "key"},
        max_retries=0,
    ) as newer:
        response = newer.responses.create(model="my-deployment", input="hello")
        whole = newer.chat.completions.create(model="my-deployment", messages=HELLO)
        with newer.responses.stream(model="my-deployment", input="hello") as stream:
            assert stream.get_final_response().output_text == "Hello from Azure."
    assert response.output_text == "Hello from Azure."
    assert response.model_extra is not None
    assert [content_filter["source_type"] for content_filter in response.model_extra["content_filters"]] == [
        "prompt",
        "completion",
    ]
    assert whole.choices[0].message.content == "Hello from Azure."


STATUS = {"insufficient_quota": 429, "overloaded": 503}
CODES = {
    "authentication": "401",
    "permission": "403",
    "not_found": "404",
    "model_not_found": "DeploymentNotFound",
    "model_deprecated": "DeploymentNotFound",
    "rate_limit": "429",
    "content_filter": "content_filter",
    "context_length": "context_length_exceeded",
    "server_error": "InternalServerError",
    "overloaded": "ServiceUnavailable",
}


@pytest.mark.parametrize("name", NAMED)
def test_named_error_raises_sdk_exception(client: openai.AzureOpenAI, name: str) -> None:
    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(model=name, messages=user("hi"))
    error = raised.value
    assert error.status_code == STATUS.get(name, NAMED[name])
    if name in CODES:
        assert error.code == CODES[name]
    assert "apim-request-id" in error.response.headers


def test_refused_prompt_has_policy_error(client: openai.AzureOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="content_filter", messages=user("hi"))
    assert isinstance(raised.value.body, dict)
    inner = raised.value.body["innererror"]
    assert inner["code"] == "ResponsibleAIPolicyViolation"
    assert inner["content_filter_result"]["violence"]["filtered"] is True
    assert raised.value.param == "prompt"


def test_rate_limit_has_retry_after_headers(client: openai.AzureOpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as raised:
        client.chat.completions.create(model="rate_limit", messages=user("hi"))
    headers = raised.value.response.headers
    assert (headers["retry-after"], headers["retry-after-ms"]) == ("1", "1000")


def test_error_in_stream_raises_api_error(client: openai.AzureOpenAI) -> None:
    with pytest.raises(openai.APIError, match="temporarily unable"):
        list(client.chat.completions.create(model="any", messages=user("breaks"), stream=True))


def test_empty_messages_are_400_with_code_and_param(client: openai.AzureOpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.chat.completions.create(model="any", messages=[])
    assert (raised.value.code, raised.value.param) == ("empty_array", "messages")
