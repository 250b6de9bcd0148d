"""The padding of deltas of native items: as of other deltas, unless the request declines."""

from __future__ import annotations

from typing import Any

import pytest

from tests.language.virtual_server import raw_request, respond_once

RULES = """
rules:
  - reply:
      server_tools: [{code_interpreter: {code: "1 + 1", logs: "2"}}]
      text: Two.
"""


@pytest.mark.parametrize(("options", "padded"), [({}, True), ({"include_obfuscation": False}, False)])
def test_delta_of_code_is_padded_unless_declined(options: dict[str, Any], padded: bool) -> None:
    body = {"model": "gpt-5.2", "input": "hi", "stream": True, "stream_options": options}
    sent = respond_once(
        RULES, raw_request("/v1/responses", {**body, "tools": [{"type": "code_interpreter"}]})
    )
    deltas = [event.json for event in sent.events if event.json["type"].endswith(".delta")]
    assert [delta["type"] for delta in deltas][:1] == ["response.code_interpreter_call_code.delta"]
    assert [("obfuscation" in delta) for delta in deltas] == [padded] * len(deltas)
    if padded:
        assert len(deltas[0]["delta"] + deltas[0]["obfuscation"]) == 16
