"""Cerebras' chat responses: what its `Vendor` cannot express. From recordings of 2025 and 2026."""

from __future__ import annotations

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json
from mockllm.core.rendering.placeholders import map_placeholder
from mockllm.core.reply.reply import Choice, Reply, ToolCall, Usage
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.vendors.chat import VendorEncoder
from mockllm.dialects.vendors.vendor import Vendor


def cerebras_usage(counted: Usage) -> dict[str, Json]:
    return {
        **plain_usage(counted),
        "prompt_tokens_details": {"cached_tokens": counted.cache_read},
        "completion_tokens_details": {
            "reasoning_tokens": counted.reasoning,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _with_fraction(second: int) -> float:
    return second + 0.165281


class Cerebras(VendorEncoder):
    """Cerebras. Models of Llama count no details of the tokens (recordings of 2025 and 2026), where none differs.
    Models of Gemma count the tokens of images, and none of a prediction. The last chunk of a stream always has usage
    and times, and only that one has a finish reason (recordings of July 2026)."""

    null_finish = False

    def __init__(
        self, reply: Reply, request: ChatRequest, identity: ResponseIdentity, vendor: Vendor
    ) -> None:
        super().__init__(reply, request, identity, vendor)
        body, created = self.form.body, map_placeholder(_with_fraction, identity.epoch_second)
        self.form = replace(self.form, body={**body, "time_info": {**body["time_info"], "created": created}})

    def usage(self, counted: Usage) -> dict[str, Json]:
        model = self.reply.model or self._request.model or ""
        if model.startswith("llama") and not (counted.cache_read or counted.reasoning):
            return plain_usage(counted)
        if model.startswith("gemma"):
            reasoning = {"reasoning_tokens": counted.reasoning}
            return {"image_tokens": 0, **super().usage(counted), "completion_tokens_details": reasoning}
        return super().usage(counted)

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return {"role": "assistant"}

    def choice(self, content: dict[str, Json], finish: str | None) -> dict[str, Json]:
        result = super().choice(content, finish)
        del result["logprobs"]
        return result

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        result = super().chunk(choices)
        ends = bool(choices) and "finish_reason" in choices[0]
        return {**result, "time_info": self.form.body["time_info"]} if ends else result

    def _tool_call_delta(self, call: ToolCall, choice: int, chunk: str) -> dict[str, Json]:
        delta = super()._tool_call_delta(call, choice, chunk)
        delta["tool_calls"][0]["type"] = "function"
        return delta

    def stream_error(self, failure: Failure) -> Json:
        """Return the error in an envelope: no report of one in a stream exists, and SDKs raise no other."""
        return {"error": super().stream_error(failure)}
