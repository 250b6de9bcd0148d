"""Any legal reply, in any dialect, to any request: cached responses equal rendered ones."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.cached_and_rendered import CALLS, Call, ask_call, compare
from tests.engine.test_cached_dialects import count_tokens
from tests.examples import examples
from tests.properties.replies import any_words

PACES: list[dict[str, Any]] = [
    {},
    {"pace": {"itl": "10ms", "ttft": "20ms"}},
    {"pace": {"tokens_per_second": 50, "jitter": "5ms"}},
    {"pace": {"ttft": {"per_input_token": "1ms", "base": "5ms"}}},
    {"delay": ["1ms", "5ms"], "headers": {"x-a": "1"}},
    {"faults": [{"stall": {"after": {"chunks": 1}, "for": "1s"}}]},
    {"pace": {"itl": "10ms"}, "headers": {"x-h": "{{ model }}"}},
]
MODIFIERS: list[list[dict[str, Any]]] = [
    [],
    [{"limit": {"strategy": "token-bucket", "requests": 1000, "tokens": 10**12, "window": "1m"}}],
    [{"chance": "50%", "headers": {"x-b": "2"}}],
]
counts = st.sampled_from([0, 1, 9, 12, 999, 10**9]) | st.integers(0, 10**9)


@given(
    call=st.sampled_from(list(CALLS.values())),
    reply=any_words,
    streams=st.lists(st.booleans(), min_size=4, max_size=8),
    tokens=st.lists(counts, min_size=8, max_size=8),
    pace=st.sampled_from(PACES),
    modifiers=st.sampled_from(MODIFIERS),
    shares=st.booleans(),
)
@settings(max_examples=examples(120), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_cached_replies_equal_rendered_ones(
    call: Call,
    reply: dict[str, Any],
    streams: list[bool],
    tokens: list[int],
    pace: dict[str, Any],
    modifiers: list[dict[str, Any]],
    shares: bool,
) -> None:
    """`shares`: all requests are streams or none is, so that most are cached."""
    scenario = {"validation": "off", "rules": [{"reply": reply, **pace}], "modifiers": modifiers}
    streams = [streams[0]] * len(streams) if shares else streams
    requested = [ask_call(call, "hi", turn, stream=stream) for turn, stream in enumerate(streams)]
    with pytest.MonkeyPatch.context() as patched:
        count_tokens(patched, iter([count for count in tokens for _ in range(2)]))
        compare(as_yaml(scenario), requested)


def as_yaml(value: object) -> str:
    """JSON that is YAML, too: all that is not printable ASCII as YAML's escapes."""
    text = json.dumps(value, ensure_ascii=False)
    return re.sub(r"[^ -~]", lambda char: f"\\U{ord(char[0]):08x}", text)
