"""The keys that are sent to live providers."""

from __future__ import annotations

import asyncio

import pytest

from mockllm.core.json.codec import dumps
from mockllm.drift.live_provider import LiveProviders, NoLiveResponse
from mockllm.engine import Engine
from mockllm.scenario.compiler import compile_catalog, run_steps
from mockllm.server.upstreams import Upstreams
from mockllm.state.engine_state import EngineState
from mockllm.testing.example_requests import SentRequest
from tests.dialects.openai.chat.chat_requests import MINIMAL
from tests.language.virtual_server import cases
from tests.waiting import PATIENCE

NAME = "OPENAI_API_KEY"


@cases(
    "value, key",
    [
        ("a line end", "key-123\n", "key-123"),
        ("a line end of Windows", " key-123\r\n", "key-123"),
        ("blanks alone", " \n", None),
        ("nothing", "", None),
    ],
)
def test_key_of_a_variable_has_no_blanks_around(
    value: str, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(NAME, value)
    live = LiveProviders(Upstreams({}), PATIENCE)
    sent = live._key_headers("openai").get("authorization")
    assert sent == (None if key is None else f"Bearer {key}")
    assert live.key_variable("openai") == (None if key is None else NAME)


@pytest.mark.parametrize("value", ["key-1\nkey-2", "key\u2011123", "key\x00123"])
def test_key_that_no_header_can_have_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {NAME: value})
    live = LiveProviders(Upstreams({"openai": "http://127.0.0.1:9"}), PATIENCE)
    engine = Engine(run_steps(compile_catalog([])), EngineState())
    sent = SentRequest("POST", "/v1/chat/completions", "", {}, dumps(MINIMAL)).read_by(engine, 0.0)
    with pytest.raises(NoLiveResponse) as refused:
        asyncio.run(live.ask(sent, {}))
    assert (
        str(refused.value) == f"the value of {NAME} is not a key: it has characters that no header may have"
    )
