"""Requests with equal encoding keys share cached bytes: where the bytes differ, the keys do. In every protocol."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final, cast

import pytest
from msgspec import Struct
from msgspec.structs import astuple, replace

from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.reply.reply import Choice, Reply, Text, Thinking, ToolCall, Usage
from mockllm.core.request.request import Tool
from mockllm.core.request.response_parameters import Format
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.dialect import ReplyDialect
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import DIALECTS, GENERATING_CALLS, GeneratingCall
from tests.dialects.full_requests import calls, full_request, read, with_each_member
from tests.dialects.test_building_and_decoding import WANTED, dialects, encoded, requested, talking

THINKING = Choice((Thinking(("Let me", " see.")), Text(("Hello ", "there."))))
CALLING = Choice((Text(("Hm.",)), ToolCall("look", ('{"city":', '"Paris"}'))), "tool_calls")
REPLIES = {"thinks": THINKING, "calls": CALLING}
LOOK = (Tool("look"),)
MORE = {
    "any form": NeutralRequest(response_format=Format("json")),
    "a forced call in a form": NeutralRequest(
        tools=LOOK, tool_choice=ToolChoice("any"), response_format=Format("json")
    ),
    "more tokens": NeutralRequest(max_tokens=9),
}


@dialects
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("reply_name", REPLIES)
def test_requests_of_one_key_get_the_same_bytes(dialect: ReplyDialect, reply_name: str, stream: bool) -> None:
    """The model is no part of a key, so all requests have the same one."""
    seen: dict[Hashable, tuple[str, bytes]] = {}
    for name, words in {**WANTED, **MORE}.items():
        wanted = replace(words, model="mine", stream=stream)
        key = dialect.encoding_key(requested(dialect, wanted))
        sent = sent_bytes(
            encoded(dialect, Reply((REPLIES[reply_name],), Usage(20, 9)), wanted, stream=stream)
        )
        first, known = seen.setdefault(key, (name, sent))
        assert sent == known, f"`{name}` and `{first}` are rendered differently: `encoding_key` has to differ"


@talking
def test_input_tokens_include_the_system_text(dialect: ReplyDialect) -> None:
    without = requested(dialect, NeutralRequest()).input_tokens
    least = without + 300 if dialect.capabilities.system_text else without
    assert requested(dialect, NeutralRequest(system="word " * 500)).input_tokens >= least


LONG: Final = "x" * 20_000
MANY: Final = [*map(str, range(5_000))]
MAX_KEY: Final = 8_000
"""Characters of a key's texts, and its items."""
READ_BY_KEYS: Final[dict[str, Json]] = {
    "audio": {"format": "mp3"},
    "container": "c",
    "echo": True,
    "generation_config": {"response_modalities": ["IMAGE"]},
    "generationConfig": {"responseModalities": ["IMAGE"], "imageConfig": {"aspectRatio": "1:1"}},
    "logprobs": 1,
    "modalities": ["audio"],
    "moderation": {"model": "m"},
    "parameters": {"return_full_text": True},
    "previous_interaction_id": "i",
    "stream_id": "s",
}
"""Further members that keys depend on."""
OTHER_CALLS: Final = [
    dialect
    for dialect in DIALECTS
    if hasattr(dialect, "encoding_key") and all(call.dialect is not dialect for call in GENERATING_CALLS)
]
"""Calls for media, and those of WebSockets."""


def size(key: Any) -> int:
    if isinstance(key, str | bytes):
        return len(key)
    if isinstance(key, Struct):
        key = astuple(key)
    return sum(map(size, key)) + len(key) if isinstance(key, tuple | frozenset | list) else 1


@calls
def test_key_of_a_large_request_is_small(call: GeneratingCall) -> None:
    wire = call.dialect.build_request(full_request(call))
    body = {**loads(dumps(wire.body)), **READ_BY_KEYS}
    for changed in with_each_member(body, (LONG, [LONG], MANY, {"type": LONG}), 4):
        request = read(call, wire, dumps(changed))
        key = (call.dialect.encoding_key(request), request.output_bounds.key)
        assert isinstance(hash(key), int)
        assert size(key) <= MAX_KEY, f"{dumps(changed)[:2_000].decode()} is in the key: use `value_or_digest`"


@pytest.mark.parametrize("dialect", OTHER_CALLS, ids=lambda dialect: type(dialect).__name__)
def test_key_of_a_large_body_is_small(dialect: Any) -> None:
    texts = dict.fromkeys(("input", "prompt", "contents", "instructions", "model", "stream_id"), LONG)
    raw = dumps({**texts, "moderation": {"model": LONG}})
    request = dialect.request_class(method="POST", path="/", headers={}, raw=raw)
    assert size(cast(ReplyDialect, dialect).encoding_key(request)) <= MAX_KEY
