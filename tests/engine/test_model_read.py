"""Whether the model of a request is read does not depend on the caches: a journal has it only where it was read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from mockllm.engine import Engine
from mockllm.engine.request_reader import RequestReader
from mockllm.engine.settings import EngineSettings
from tests.language.virtual_server import ClientRequest, VirtualServer, chat_request

UNREAD = "{text: fixed, model: m, usage: {input_tokens: 1, output_tokens: 1}}"
"""A reply that depends on nothing of the request."""
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
LARGE = {"type": "array", "items": {"type": "integer"}, "minItems": 20_000}
TOO_LARGE = {**TOOL, "function": {"name": "f", "parameters": {"type": "object", "required": ["a"]}}}
TOO_LARGE["function"]["parameters"]["properties"] = {"a": LARGE}  # type: ignore[index]
HI = chat_request()
WITHOUT_USER = chat_request(messages=[])
ROWS = {
    "a reply": ("[{reply: Hello}]", [HI] * 5, True),
    "a reply of no request": (f"[{{stream: true, reply: {UNREAD}}}]", [HI] * 6, False),
    "a stream of no request": (
        f"[{{stream: true, reply: {UNREAD}, pace: {{itl: [1ms, 2ms]}}}}]",
        [HI] * 6,
        False,
    ),
    "a matched model": (f"[{{match: {{model: gpt*}}, stream: true, reply: {UNREAD}}}]", [HI] * 6, True),
    "a template": ("[{reply: 'You said {{ user }}'}]", [HI] * 4, True),
    "a template that fails": (
        "[{reply: 'You said {{ user }}'}]",
        [WITHOUT_USER, HI, HI, HI, WITHOUT_USER, WITHOUT_USER, WITHOUT_USER],
        True,
    ),
    "a call": ("[{reply: {tool_calls: from_schema}}]", [chat_request(tools=[TOOL])] * 5, True),
    "a call that is too large": (
        "[{reply: {tool_calls: from_schema}}]",
        [*[chat_request(tools=[TOOL])] * 4, *[chat_request(tools=[TOO_LARGE])] * 4],
        True,
    ),
    "an error": ("[{error: overloaded}]", [HI] * 4, True),
    "HTTP": ("[{http: {status: 500}}]", [HI] * 4, False),
}


def models_read(scenario: str, requests: Sequence[ClientRequest], *, cached: bool) -> Iterator[object]:
    """Yield the model of each request as a journal has it; with `cached` False, each has a separate engine."""
    game = VirtualServer(scenario)
    catalog, state = game.engine.catalog, game.engine.state
    readers: dict[str, RequestReader] = {}
    for sent in requests:
        if not cached:
            game.engine, readers = Engine(catalog, state, EngineSettings()), {}
        headers = {name.lower(): value for name, value in sent.headers.items()}
        head = (sent.method, sent.path, sent.query, headers)
        reader = readers.setdefault(str(head), game.engine.request_reader(*head))
        request = reader.read(sent.body, sent.client, sent.now, sent.monotonic)
        game.engine.respond(request)
        yield vars(request).get("model")


@pytest.mark.parametrize("row", ROWS)
def test_the_caches_do_not_decide_whether_a_model_is_read(row: str) -> None:
    rules, requests, is_read = ROWS[row]
    scenario = f"validation: off\nrules: {rules}"
    expected = ["gpt-4o" if is_read else None] * len(requests)
    assert list(models_read(scenario, requests, cached=False)) == expected
    assert list(models_read(scenario, requests, cached=True)) == expected


@pytest.mark.parametrize("step", ["{http: {status: 500}}", f"{{stream: true, reply: {UNREAD}}}"])
@pytest.mark.parametrize("modifiers", ["", "modifiers: [{limit: {strategy: fixed-window, requests: 4}}]"])
def test_the_caches_do_not_decide_for_a_step_of_a_sequence(step: str, modifiers: str) -> None:
    scenario = f"validation: off\nrules: [{{sequence: [Hello, {step}], then: cycle}}]\n{modifiers}"
    rest = ["gpt-4o"] * 4 if modifiers else ["gpt-4o", None] * 2
    expected = ["gpt-4o", None, "gpt-4o", None, *rest]
    assert list(models_read(scenario, [HI] * 8, cached=False)) == expected
    assert list(models_read(scenario, [HI] * 8, cached=True)) == expected
