"""Groq's chat responses: what its `Vendor` cannot express. From recordings of 2025 and 2026."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.json.merge import merged_json
from mockllm.core.rendering.encoder import Event
from mockllm.core.reply.reply import Choice, Usage
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.vendors.chat import VendorEncoder
from mockllm.dialects.vendors.vendor import VendorIdFormat

REQUEST_ID: Final = VendorIdFormat(
    "req_01", 24, bytes(b"0123456789abcdefghjkmnpqrstvwxyz"[byte % 32] for byte in range(256))
)
"""Groq's own id of a request."""
SEED: Final = 77848632


def groq_usage(counted: Usage) -> dict[str, Json]:
    """Return the usage with times, which are constants because nothing is computed."""
    result: dict[str, Json] = {
        "queue_time": 0.21,
        "prompt_time": 0.007,
        "completion_time": 0.173,
        "total_time": 0.18,
        **plain_usage(counted),
    }
    if counted.cache_read:
        result["prompt_tokens_details"] = {"cached_tokens": counted.cache_read}
    if counted.reasoning:
        result["completion_tokens_details"] = {"reasoning_tokens": counted.reasoning}
    return result


class Groq(VendorEncoder):
    """Groq. Its own object `x_groq` is in a non-streaming response, and at both ends of a stream. A stream has
    the usage with the finish reason. On request it has it in a separate chunk too. A stream of calls alone opens
    with a content of null (recordings of July 2026)."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        only_calls = bool(choice.tool_calls) and not choice.text and not choice.thinks
        return {"role": "assistant", "content": None if only_calls else ""}

    def thinking_delta(self, chunk: str) -> dict[str, Json]:
        return {"reasoning": chunk, "channel": "analysis"}

    def body(self) -> dict[str, Json]:
        compound = (self.reply.model or self._request.model or "").startswith("groq/compound")
        return {**super().body(), "x_groq": self._own_object({} if compound else {"seed": SEED})}

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        result = super().chunk(choices)
        if not choices:
            return result
        if "role" in choices[0]["delta"]:
            result["x_groq"] = self._own_object({"seed": SEED})
        elif choices[0]["finish_reason"] is not None:
            result["x_groq"] = self._own_object(
                self.reply.usage.null_or_remove_usage({"usage": self._counted}, "usage")
            )
            result["usage"] = self._counted
            self.reply.usage.null_or_remove_usage(result, "usage")
        return result

    def usage_chunk(self) -> dict[str, Json]:
        return {"service_tier": "on_demand", **super().usage_chunk()}

    def error_events(self, failure: Failure) -> Iterable[Event]:
        """Return the error, which names its status: that of the response is 200."""
        status = failure.status or self.vendor.errors.rows[failure.type].status
        return super().error_events(replace(failure, fields={**failure.fields, "status_code": status}))

    def _own_object(self, more: dict[str, Json]) -> Json:
        result = {"id": REQUEST_ID.make(self.ids, "x-request-id"), **more}
        return merged_json(result, self._own.get("x_groq", {}))
