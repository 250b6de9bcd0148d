"""Recorded WebSockets with the SDKs, from `record` to the replay: realtime, responses and Gemini Live."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import google.genai.live
import openai
import pytest
from google import genai

from tests.live import live
from tests.server.recording import files, recording

TEXTS: Final[Any] = {"response_modalities": ["TEXT"]}
SCENARIO: Final = """
rules:
  - {match: {user: {contains: weather}}, reply: It is sunny., pace: {itl: 1ms}}
  - reply: "You said {{ user }}."
"""


@pytest.fixture
def without_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    """google-genai opens WebSockets over TLS only; here it connects to this machine."""
    module: Any = google.genai.live
    connect = module.ws_connect

    def plain(uri: str, **options: Any) -> Any:
        return connect(uri.replace("wss://", "ws://"), **{**options, "ssl": None})

    monkeypatch.setattr(module, "ws_connect", plain)


def realtime(url: str) -> list[str]:
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="any")
    events: list[str] = []
    with client.realtime.connect(model="gpt-realtime") as connection:
        events.append(connection.recv().to_json())
        for text in ("What is the weather?", "And now?"):
            content: Any = [{"type": "input_text", "text": text}]
            connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
            connection.response.create()
            for event in connection:
                events.append(event.to_json())
                if event.type == "response.done":
                    break
    return events


def responses(url: str) -> list[str]:
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="any")
    events: list[str] = []
    with client.responses.connect() as connection:
        for text in ("What is the weather?", "And now?"):
            connection.response.create(model="gpt-5", input=text)
            for event in connection:
                events.append(event.to_json())
                if event.type == "response.completed":
                    break
    return events


def live_talk(url: str) -> list[str]:
    client = genai.Client(api_key="any", http_options={"base_url": url})

    async def talk() -> list[str]:
        messages = []
        async with client.aio.live.connect(model="gemini-live-2.5-flash", config=TEXTS) as session:
            for text in ("What is the weather?", "And now?"):
                await session.send_client_content(turns={"role": "user", "parts": [{"text": text}]})
                messages += [message.model_dump_json() async for message in session.receive()]
        return messages

    return asyncio.run(talk())


@pytest.mark.usefixtures("without_tls")
@pytest.mark.parametrize(
    ("provider", "talk"), [("openai", realtime), ("openai", responses), ("gemini", live_talk)]
)
def test_recorded_socket_is_replayed_to_the_sdk(
    provider: str, talk: Callable[[str], list[str]], tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text(SCENARIO, encoding="utf-8")
    out = tmp_path / "out"
    with (
        live(tmp_path / "a.yaml") as upstream,
        recording(out, **{provider: upstream.url}) as (url, _, _),  # type: ignore[arg-type]
    ):
        reported = talk(url)
        (file,) = files(out)
    assert len(reported) > 4
    with live(file) as replaying:
        assert talk(replaying.url) == reported
