"""Requests with equal encoding keys share cached bytes: where the bytes differ, the keys do. In every protocol."""

from __future__ import annotations

from collections.abc import Hashable

import pytest
from msgspec.structs import replace

from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.reply.reply import Call, Choice, Reply, Text, Thinking, Usage
from mockllm.core.request.request import Tool
from mockllm.core.request.response_parameters import Format
from mockllm.core.request.tools import ToolChoice
from mockllm.dialects.dialect import GeneratingDialect
from mockllm.dialects.neutral_request import NeutralRequest
from tests.dialects.test_building_and_decoding import WANTED, answered, dialects, requested, talking

THINKING = Choice((Thinking(("Let me", " see.")), Text(("Hello ", "there."))))
CALLING = Choice((Text(("Hm.",)), Call("look", ('{"city":', '"Paris"}'))), "tool_calls")
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
@pytest.mark.parametrize("said", REPLIES)
def test_requests_of_one_key_get_the_same_bytes(dialect: GeneratingDialect, said: str, stream: bool) -> None:
    """The model is no part of a key, so all requests have the same one."""
    seen: dict[Hashable, tuple[str, bytes]] = {}
    for name, words in {**WANTED, **MORE}.items():
        wanted = replace(words, model="mine", stream=stream)
        key = dialect.encoding_key(requested(dialect, wanted))
        sent = sent_bytes(answered(dialect, Reply((REPLIES[said],), Usage(20, 9)), wanted, stream=stream))
        first, known = seen.setdefault(key, (name, sent))
        assert sent == known, f"`{name}` and `{first}` are rendered differently: `encoding_key` has to differ"


@talking
def test_input_tokens_include_the_system_text(dialect: GeneratingDialect) -> None:
    without = requested(dialect, NeutralRequest()).input_tokens
    least = without + 300 if dialect.capabilities.system_text else without
    assert requested(dialect, NeutralRequest(system="word " * 500)).input_tokens >= least
