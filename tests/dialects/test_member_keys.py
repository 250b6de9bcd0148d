"""`mockllm check` refuses extras with a member that the server writes: each protocol lists these members."""

from __future__ import annotations

import re
from typing import Final

import pytest

from mockllm.core.json.codec import loads
from mockllm.core.rendering.event_parser import sent_bytes
from mockllm.core.reply.reply import Choice, Part, Reply, Text, ToolCall, Usage
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import BY_NAME, GENERATING_CALLS, GeneratingCall
from mockllm.engine.known_names import KNOWN_NAMES
from tests.dialects.test_building_and_decoding import encoded
from tests.dialects.test_waits_of_errors import leaves

OWN: Final = [
    call for call in GENERATING_CALLS if call.provider == call.dialect.name and call.dialect.api != "invoke"
]
"""The calls of protocols with a provider of their name. `invoke` speaks the protocols of its models."""
own_calls: Final = pytest.mark.parametrize("call", OWN, ids=lambda call: call.name)
REPLY_TEXT: Final = "text-of-reply"
FINISH: Final = "finish-of-reply"
MODEL: Final = "model-of-reply"
TOOL: Final = "tool-of-reply"
COUNTS: Final = Usage(1237, 771)
TEXTS: Final = (REPLY_TEXT, FINISH, MODEL, TOOL)
NUMBERS: Final = (str(COUNTS.input), str(COUNTS.output))


def written(call: GeneratingCall, *parts: Part) -> set[str]:
    """Return the paths of the members of a body that have a value of the reply; `*` is each item of a list."""
    replied = Reply((Choice(parts, raw_finish=FINISH),), COUNTS, MODEL)
    body = loads(sent_bytes(encoded(call.dialect, replied, NeutralRequest(model="model-of-request"))))
    found: set[str] = set()
    for path, value in leaves(body).items():
        name = re.sub(r"(?<=\.)\d+(?=\.|$)", "*", path.lstrip("/").replace("/", "."))
        if value in TEXTS or (
            value in NUMBERS and "*" not in name
        ):  # a count in a list is that of a modality
            found.add(name)
    return found


@own_calls
def test_members_of_a_body_from_the_reply_are_listed(call: GeneratingCall) -> None:
    parts = [(Text((REPLY_TEXT,)),)] + [(ToolCall(TOOL, ("{}",)),)] * call.dialect.capabilities.tool_calls
    paths = {path for each in parts for path in written(call, *each)}
    listed = BY_NAME[call.provider].member_keys
    starts = tuple(f"{name}." for name in listed)
    assert {path for path in paths if not f"{path}.".startswith(starts)} == set()


@own_calls
def test_listed_members_are_refused_as_extras(call: GeneratingCall) -> None:
    for name, word in BY_NAME[call.provider].member_keys.items():
        path = [0 if part == "*" else part for part in name.split(".")]
        assert KNOWN_NAMES.written_member(call.provider, path) == word
