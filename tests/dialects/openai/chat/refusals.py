"""Messages and tools for the tests of a chat request's check, and a refusal as a tuple."""

from __future__ import annotations

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json

CALL: Json = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CALLING: Json = {"role": "assistant", "tool_calls": [CALL]}
ANSWER: Json = {"role": "tool", "tool_call_id": "call_1", "content": "ok"}
USER: Json = {"role": "user", "content": "hi"}
TOOL: Json = {"type": "function", "function": {"name": "f", "parameters": {}}}
CUSTOM: Json = {"type": "custom", "custom": {"name": "f"}}
MISSING = "missing_required_parameter"


def refusal_tuple(failure: Failure | None) -> tuple[object, object, str]:
    assert failure is not None
    assert failure.message is not None
    assert (failure.type, failure.status) == ("bad_request", None)
    return failure.fields["param"], failure.fields["code"], failure.message


def function(**fields: Json) -> Json:
    return {"tools": [{"type": "function", "function": {"name": "f", **fields}}]}
