"""Each attribute of a request that is read while a cacheable response is rendered is one that its key has read.

A recorder notes what the renderer, a dialect's encoders and `encoding_key` read themselves; what an attribute of the
request reads to compute its own value is not noted. `encoding_options` is a part of `encoding_key`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import pytest

from mockllm.core.json.codec import dumps
from mockllm.core.request.request import Request, Tool
from mockllm.core.request.response_parameters import Format
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.cohere.chat import CohereChat
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.engine.engine_request import EngineRequest
from mockllm.engine.response_builder import ResponseBuilder
from tests.dialects.test_building_and_decoding import WANTED
from tests.engine.cached_and_rendered import CALLS, Call, without_cache
from tests.language.virtual_server import NOW, VirtualServer

REPLIES: Final = (
    "{thinking: {text: Hm., signature: abc}, text: hey, tool_calls: [{name: look, arguments: {a: 1}}, {name: f}]}",
    "{refusal: no}",
    "{text: hi there., citations: [{url: 'https://a.test', words: there}]}",
    "{text: found, server_tools: [{web_search: {query: x}}, {code_interpreter: {code: '1'}}, {file_search: x}]}",
    "{text: found, server_tools: [{mcp: {server: s, tool: t}}]}",
    "{text: cut, finish_reason: length}",
    "{text: filtered, finish_reason: content_filter}",
    "{json: {a: 1}}",
    "{json: Oslo}",
    "{parts: [{images: [{data: aGk=}]}, {text: seen}]}",
    "{images: [{size: 64x64}]}",
    "{audio: {data: aGk=}}",
    "{audio: {duration: 1s}}",
    "{video: {data: aGk=}}",
    "{choices: [a, {tool_calls: [{name: g, arguments: {}}]}]}",
    "{text: x, usage: {cached_tokens: 3, reasoning_tokens: 2, cache_write_tokens: 1}}",
    "{chunks: [a, b, {comment: c}]}",
    "{text: x, extras: {openai: {a: 1, events: {chunk: {b: 1}}}, anthropic: {c: 1}, gemini: {d: 1}, cohere: {q: 1}}}",
    "{text: {tokens: 30}}",
    "{text: x, finish_reason: {raw: FOO}, model: other}",
)
"""Replies with a static response wherever they have one. One with an error in a stream is not cached."""
OF_EVERY_KEY: Final = {"model", "stream", "output_bounds", "input_tokens", "now"}
"""What every key has, and what is filled into a cached response."""
OF_THE_DIALECT: Final = {
    *(
        "generates",
        "makes_media",
        "is_for_mcp_server",
        "provider",
        "background",
        "vector_components",
        "echoed_characters",
        "planning_takes_long",
    )
}
"""What is the same for all requests of a dialect object whose responses are cached. Only a dialect that echoes has
other `echoed_characters` than 0: they follow from `echoed`, which it reads, too."""
FOLLOWS: Final = {
    "pending_uses": "container_options",
    "manages_context": "container_options",
    "fields.container": "container_options",
    "offsets": "logprobs",
    "items": "compacts",
    "requested_media": "audio_format",
    "file_results": "file_search",
    **dict.fromkeys(("added_tools", "own_tools", "loaded_tools"), "tool_items"),
    **dict.fromkeys(
        ("client_tools", "custom_tools", "included", "logprobs", "namespaces", "obfuscated", "service_tier"),
        "cached_by_remaining_members",
    ),
    **dict.fromkeys(
        ("cites_results", "is_repeated", "omits_thinking", "prompt_numbers", "turns", "user"), "raw"
    ),
}
"""Attributes that follow from another one in the key. Items are read of MCP calls alone that need an approval, which
are not static."""
ECHOED: Final = "cached_by_remaining_members"
"""With it, `encoding_key` of OpenAI's responses has read all fields but the model, the input and `stream`."""


class Recorder:
    """Notes the attributes of requests that are read from outside of requests, while `reads` is a set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reads: set[str] | None = None
        monkeypatch.setattr(Request, "__getattribute__", lambda request, name: self._read(request, name))

    def note(self, reads: set[str], function: Callable[..., Any], *values: Any) -> Any:
        """Return what a function returns, and note what it reads."""
        before, self.reads = self.reads, reads
        try:
            return function(*values)
        finally:
            self.reads = before

    def _read(self, request: Request, name: str) -> Any:
        reads = self.reads
        if reads is None or name.startswith("__"):
            return object.__getattribute__(request, name)
        if name == "encoding_options":
            return type(request).encoding_options.func(request)  # type: ignore[attr-defined]
        value = self._unnoted(object.__getattribute__, request, name)
        if name == "fields":
            return Fields(value, self)
        reads.add(name)
        return (lambda *values: self._unnoted(value, *values)) if callable(value) else value

    def _unnoted(self, function: Callable[..., Any], *values: Any) -> Any:
        reads, self.reads = self.reads, None
        try:
            return function(*values)
        finally:
            self.reads = reads


class Fields(dict[str, Any]):
    """The fields of a body; notes which members are read by name."""

    def __init__(self, fields: dict[str, Any], recorder: Recorder) -> None:
        super().__init__(fields)
        self._recorder = recorder

    def get(self, name: str, default: Any = None) -> Any:
        self._note(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        self._note(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self._note(name)
        return super().__contains__(name)

    def _note(self, name: object) -> None:
        if self._recorder.reads is not None:
            self._recorder.reads.add(f"fields.{name}")


@cache
def server() -> VirtualServer:
    rules = "\n".join(
        f"  - {{match: {{headers: {{x-case: '{n}'}}}}, reply: {reply}}}" for n, reply in enumerate(REPLIES)
    )
    return without_cache(f"validation: off\nrules:\n{rules}")


LOOK = Tool("look", {"type": "object", "properties": {"city": {"type": "string"}}})
NEUTRAL_REQUESTS = {
    **WANTED,
    "plain": NeutralRequest(max_tokens=500),
    "forced": NeutralRequest(tools=(LOOK,), tool_choice=ToolChoice("any"), response_format=Format("json")),
}


def requests(call: Call) -> Iterator[EngineRequest]:
    """Yield a request of the call for each neutral request and each reply."""
    for words in NEUTRAL_REQUESTS.values():
        wire = call.dialect.build_request(words)
        path, _, query = wire.path.partition("?")
        for number in range(len(REPLIES)):
            headers = {name.lower(): value for name, value in wire.headers.items()} | {"x-case": str(number)}
            head = ("POST", call.path or path, query, headers)
            yield server().engine.read(*head, dumps(wire.body), "c", NOW)


def unkeyed(call: Call, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Return the attributes that are read while static replies are rendered, and that no key has."""
    recorder, rendered, keyed = Recorder(monkeypatch), set[str](), set[str]()
    original = ResponseBuilder._planned_without_cache

    def render(self: ResponseBuilder, item: Any, selected: Any, response: Any, *rest: Any) -> Any:
        values = (self, item, selected, response, *rest)
        return recorder.note(rendered, original, *values) if response.static else original(*values)

    monkeypatch.setattr(ResponseBuilder, "_planned_without_cache", render)
    for request in requests(call):
        server().engine.respond(request)
        recorder.note(keyed, request.routing.dialect.encoding_key, request)  # type: ignore[attr-defined]
    found = rendered - keyed - OF_EVERY_KEY - OF_THE_DIALECT
    echoed = ECHOED in keyed
    return {
        name
        for name in found
        if FOLLOWS.get(name) not in keyed and not (echoed and name.startswith("fields."))
    }


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_what_a_response_depends_on_is_in_its_key(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert unkeyed(call, monkeypatch) == set(), (
        "`encoding_key` has to have these, or `_depends_on_request` to name them"
    )


def test_an_attribute_that_a_key_lacks_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CohereChat, "encoding_key", lambda self, request: request.omits_thinking)
    assert unkeyed(CALLS["cohere-chat"], monkeypatch) == {"cites_results", "logprobs"}


def test_a_reply_that_reads_its_request_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockllm.scenario.compiler._depends_on_request", lambda node: False)
    server.cache_clear()
    try:
        assert unkeyed(CALLS["openai-chat"], monkeypatch) == {"user", "response_format"}
    finally:
        server.cache_clear()
