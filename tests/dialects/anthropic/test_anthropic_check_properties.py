"""The check of a messages request on any JSON: it accepts, or refuses as an API does."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mockllm.core.json.codec import dumps
from mockllm.dialects.anthropic.messages import MESSAGES
from tests.dialects.anthropic.messages_requests import MINIMAL, of_bytes

GOOD: dict[str, Any] = {**MINIMAL, "model": "claude-sonnet-4-5"}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
KINDS = st.sampled_from(
    ["text", "image", "document", "tool_use", "tool_result", "thinking", "search_result", "compaction", "x"]
)
BLOCK_FIELDS = st.sampled_from(
    [
        *("text", "source", "id", "name", "input", "tool_use_id", "content", "is_error"),
        *("thinking", "signature", "cache_control"),
    ]
)
LEAVES = JSON | st.sampled_from(["a", "b", {}, {"type": "url", "url": "u"}, [{"type": "text", "text": "x"}]])
BLOCKS = st.builds(
    lambda kind, fields: {"type": kind, **fields}, KINDS, st.dictionaries(BLOCK_FIELDS, LEAVES, max_size=4)
)
MESSAGE = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant", "system"]) | JSON,
        "content": st.lists(BLOCKS | JSON, max_size=4) | JSON,
    }
)
ANY_FIELDS = st.dictionaries(
    st.sampled_from(
        ["system", "temperature", "tools", "tool_choice", "thinking", "output_config", "output_format"]
    ),
    JSON | st.fixed_dictionaries({"type": st.sampled_from(["enabled", "tool", "json_schema"]) | JSON}),
)


@given(
    JSON
    | st.builds(lambda messages, more: {**GOOD, **more, "messages": messages}, st.lists(MESSAGE), ANY_FIELDS)
)
def test_messages_check_on_any_json_accepts_or_returns_4xx(body: Any) -> None:
    failure = MESSAGES.check(of_bytes(dumps(body)))
    assert failure is None or (failure.type == "bad_request" and failure.message)
