"""Sessions by the SDKs' own base URLs: each client sees its own steps, in its own provider's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors, types

from tests.live import Live
from tests.live import live as serve

RULES = """
rules:
  - sequence:
      - {error: rate_limit}
      - "{{ session }} at last"
    then: cycle
"""
MESSAGES = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("urls")
    (folder / "a.yaml").write_text(RULES, encoding="utf-8")
    with serve(folder) as result:
        yield result


def chat(base: str) -> str | None:
    with openai.OpenAI(base_url=f"{base}/v1", api_key="k", max_retries=0) as client:
        response = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)  # type: ignore[arg-type]
        return response.choices[0].message.content


def responses(base: str) -> str | None:
    with openai.OpenAI(base_url=f"{base}/openai/v1", api_key="k", max_retries=0) as client:
        return client.responses.create(model="gpt-4o", input="hi").output_text


def azure(base: str) -> str | None:
    with openai.AzureOpenAI(
        azure_endpoint=base, api_version="2024-10-21", api_key="k", max_retries=0
    ) as client:
        response = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)  # type: ignore[arg-type]
        return response.choices[0].message.content


def claude(base: str) -> str | None:
    with anthropic.Anthropic(base_url=base, api_key="k", max_retries=0) as client:
        response = client.messages.create(model="claude-mock", max_tokens=9, messages=MESSAGES)  # type: ignore[arg-type]
        return getattr(response.content[0], "text", None)


def prefixed_claude(base: str) -> str | None:
    return claude(f"{base}/anthropic")


def gemini(base: str) -> str | None:
    with genai.Client(api_key="k", http_options=types.HttpOptions(base_url=base)) as client:
        return client.models.generate_content(model="gemini-2.5-flash", contents="hi").text


def groq(base: str) -> str | None:
    with openai.OpenAI(base_url=f"{base}/groq/openai/v1", api_key="k", max_retries=0) as client:
        response = client.chat.completions.create(model="gpt-4o", messages=MESSAGES)  # type: ignore[arg-type]
        return response.choices[0].message.content


CLIENTS = [chat, responses, azure, claude, prefixed_claude, gemini, groq]


@pytest.mark.parametrize("ask", CLIENTS, ids=[client.__name__ for client in CLIENTS])
def test_sessions_have_separate_sequence_steps(server: Live, ask: Callable[[str], str | None]) -> None:
    for number in range(2):
        session = f"{ask.__name__}-{number}"
        base = f"{server.url}/s/{session}"
        with pytest.raises((openai.RateLimitError, anthropic.RateLimitError, errors.ClientError)) as raised:
            ask(base)
        assert "429" in str(raised.value)
        assert ask(base) == f"{session} at last"


@pytest.mark.parametrize("ask", CLIENTS, ids=[client.__name__ for client in CLIENTS])
def test_invalid_session_is_400(server: Live, ask: Callable[[str], str | None]) -> None:
    bad = (openai.BadRequestError, anthropic.BadRequestError, errors.ClientError)
    with pytest.raises(bad, match="mockllm knows no such session"):
        ask(f"{server.url}/s/{'x' * 129}")
