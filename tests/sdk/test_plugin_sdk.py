"""The official SDKs, sync and async, against the plugin's fixtures: each finds the test's own server by the
environment of it. That parallel workers have servers of their own is shown in tests/testing/test_plugin.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testing.inner_runs import ONLY_OURS, apart

INI = """\
[pytest]
mockllm_strict = true
mockllm_all_used = true
filterwarnings =
    error
    ignore:Inheritance class AiohttpClientSession:DeprecationWarning
"""
TESTS = '''
import anthropic
import openai
import pytest
from google import genai

HI = [{"role": "user", "content": "hi"}]
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(params=["own", "shared"])
def server(request):
    """Each test with a server of its own, and with a session of the one that all share."""
    return request.getfixturevalue("mockllm" if request.param == "own" else "mockllm_shared")


@pytest.fixture(autouse=True)
def environment(server, monkeypatch):
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)


def test_openai(server):
    server.reply("Hi", match={"provider": "openai"})
    server.error("rate_limit", times=1)
    with openai.OpenAI(max_retries=1) as client:
        assert client.chat.completions.create(model="gpt-4o", messages=HI).choices[0].message.content == "Hi"
        with client.chat.completions.stream(model="gpt-4o", messages=HI) as stream:
            assert stream.get_final_completion().choices[0].message.content == "Hi"
        assert client.responses.create(model="gpt-4o", input="hi").output_text == "Hi"
    assert [each.status for each in server.requests] == [429, 200, 200, 200]
    server.verify({"stream": True}, times=1)
    server.verify({"api": "responses", "user": "hi"}, times=1)


async def test_openai_async(server):
    server.reply({"tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]})
    async with openai.AsyncOpenAI() as client:
        answer = await client.chat.completions.create(model="gpt-4o", messages=HI)
    assert answer.choices[0].message.tool_calls[0].function.name == "get_weather"


def test_anthropic(server):
    server.sequence({"error": "overloaded"}, "Hi")
    with anthropic.Anthropic(max_retries=1) as client:
        answer = client.messages.create(model="claude-sonnet-5", max_tokens=10, messages=HI)
    assert answer.content[0].text == "Hi"
    assert [each.error for each in server.requests] == ["overloaded", None]
    assert {each.api_key for each in server.requests} == {"mockllm"}


async def test_anthropic_async(server):
    server.reply({"chunks": ["H", "i"]})
    async with anthropic.AsyncAnthropic() as client:
        async with client.messages.stream(model="claude-sonnet-5", max_tokens=10, messages=HI) as stream:
            assert [text async for text in stream.text_stream] == ["H", "i"]


def test_gemini(server):
    server.reply("Hi")
    client = genai.Client()
    assert client.models.generate_content(model="gemini-3-pro", contents="hi").text == "Hi"
    assert "".join(
        part.text for part in client.models.generate_content_stream(model="gemini-3-pro", contents="hi")
    ) == "Hi"
    client.close()
    server.verify({"provider": "gemini"}, times=2)


async def test_gemini_async(server):
    server.reply("Hi")
    client = genai.Client()
    answer = await client.aio.models.generate_content(model="gemini-3-pro", contents="hi")
    assert answer.text == "Hi"
    await client.aio.aclose()
    client.close()
'''


@pytest.mark.timeout(300)
@pytest.mark.full
def test_official_sdks_use_server_of_fixture_sync_and_async(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text(INI)
    (tmp_path / "test_sdks.py").write_text(TESTS)
    done = apart(tmp_path, *ONLY_OURS, "-p", "anyio")
    assert "12 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0
