"""What the official SDKs make of each fault: the text that the caller gets, and the exception."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import anthropic
import openai
import pytest
from google import genai

from tests.faults.expected import CONNECTION, HTTP, STREAM
from tests.faults.expected_form import FORM
from tests.faults.expected_variation import VARIATION
from tests.faults.matrix_cell import CHUNKS
from tests.live import Live
from tests.live import live as serve
from tests.sdk.fault_outcomes import ALL, OUTCOMES, SDKS, UNKNOWN

ROWS = {**CONNECTION, **HTTP, **STREAM, **VARIATION, **FORM}
HI: list[Any] = [{"role": "user", "content": "hi"}]
PATIENT, HASTY = 30.0, 0.5
"""Seconds without a byte after which a client ends its wait."""

TextStream: TypeAlias = Iterator[str | None]
"""The texts of chunks, and None for a finish reason."""


def test_every_fault_of_the_wire_has_an_outcome() -> None:
    assert list(ROWS) == list(OUTCOMES), "add a row in this order: docs/adding-a-fault.md, step 5"


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Each fault on the model of its name."""
    rules = [
        {
            "match": {"model": name},
            "reply": {"chunks": list(CHUNKS)},
            "faults": [{name: dict(row.settings)}],
            **({"pace": dict(row.pace)} if row.pace else {}),
        }
        for name, row in ROWS.items()
    ]
    file = tmp_path_factory.mktemp("faulty") / "a.yaml"
    file.write_text(json.dumps({"mockllm": 1, "rules": rules}))
    with serve(file) as server:
        yield server


def ask_openai(url: str, model: str, timeout: float, *, stream: bool) -> TextStream:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0, timeout=timeout) as client:
        if not stream:
            choice = client.chat.completions.create(model=model, messages=HI).choices[0]
            yield choice.message.content
            yield None
            return
        for chunk in client.chat.completions.create(model=model, messages=HI, stream=True):
            for text in chunk.choices:
                yield text.delta.content or ""
                if text.finish_reason:
                    yield None


def ask_anthropic(url: str, model: str, timeout: float, *, stream: bool) -> TextStream:
    with anthropic.Anthropic(base_url=url, api_key="k", max_retries=0, timeout=timeout) as client:
        if not stream:
            (block,) = client.messages.create(model=model, max_tokens=99, messages=HI).content
            assert block.type == "text"
            yield block.text
            yield None
            return
        for event in client.messages.create(model=model, max_tokens=99, messages=HI, stream=True):
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                yield event.delta.text
            if event.type == "message_delta":
                yield None


def ask_google(url: str, model: str, timeout: float, *, stream: bool) -> TextStream:
    options = genai.types.HttpOptions(base_url=url, timeout=int(timeout * 1000))
    client = genai.Client(api_key="k", http_options=options)
    if not stream:
        yield client.models.generate_content(model=model, contents="hi").text
        yield None
        return
    for chunk in client.models.generate_content_stream(model=model, contents="hi"):
        yield chunk.text or ""
        if chunk.candidates and chunk.candidates[0].finish_reason:
            yield None


CLIENTS: dict[str, Callable[..., TextStream]] = dict(
    zip(SDKS, (ask_openai, ask_anthropic, ask_google), strict=True)
)


def outcome(reply: TextStream) -> str:
    """As OUTCOMES lists it."""
    text, finished, raised = "", False, ""
    try:
        for chunk in reply:
            text += chunk or ""
            finished = finished or chunk is None
    except Exception as exc:
        raised = f"!{type(exc).__name__}"
    return (ALL if finished and text == "".join(CHUNKS) else text) + raised


@pytest.mark.parametrize("form", ["streamed", "whole"])
@pytest.mark.parametrize("sdk", SDKS)
@pytest.mark.parametrize("fault", ROWS)
@pytest.mark.covering
def test_fault_has_expected_outcome_in_sdk(fault: str, sdk: str, form: str, faulty: Live) -> None:
    timeout = HASTY if fault == "silence" else PATIENT
    texts = CLIENTS[sdk](faulty.url, fault, timeout, stream=form == "streamed")
    seen = outcome(texts)
    row = 'f"{ALL}' + seen[len(ALL) :] + '"' if seen.startswith(f"{ALL}!") else repr(seen)
    assert seen == getattr(OUTCOMES.get(fault, UNKNOWN), form)[SDKS.index(sdk)], (
        f"in tests/sdk/fault_outcomes.py write {'ALL' if seen == ALL else row} for {sdk}, {form}"
    )
