"""Chat at Together, from recordings of 2025 and 2026."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Choice, Reply, ToolCall, Usage
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.chat.request import ChatRequest
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.vendors.chat import VendorEncoder
from mockllm.dialects.vendors.vendor import Vendor

SEED: Final = 77848632
NEWER: Final = ("openai/", "deepseek-ai/DeepSeek-V4")
"""The first words of the models whose responses have the newer form (recordings of May 2026)."""

EMPTY: Final = {"token_id": None, "role": "assistant", "content": "", "reasoning": None}
"""The delta that opens a choice in the newer form."""


def together_usage(counted: Usage) -> dict[str, Json]:
    return {**plain_usage(counted), "cached_tokens": counted.cache_read}


def _newer_usage(counted: Usage) -> dict[str, Json]:
    result = {**plain_usage(counted), "reasoning_tokens": counted.reasoning}
    if counted.cache_read:
        result["prompt_tokens_details"] = {"cached_tokens": counted.cache_read}
    return result


class Together(VendorEncoder):
    """The older form, that of Llama's models. A text is streamed in both the chat and the legacy form, calls as
    OpenAI does."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return {"role": "assistant", "content": None} if choice.tool_calls else None

    def text_delta(self, chunk: str) -> dict[str, Json]:
        return {"token_id": 1588, "role": "assistant", "content": chunk}

    def closing(self, choice: Choice) -> dict[str, Json]:
        return {} if choice.tool_calls else self.text_delta("")

    def choice(self, content: dict[str, Json], finish: str | None) -> dict[str, Json]:
        result = super().choice(content, finish)
        delta = content.get("delta", {})
        if "token_id" in delta:
            result |= {"text": delta["content"], "seed": None if finish is None else SEED}
        elif "message" in content:
            result["seed"] = SEED
        return result

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        result = super().chunk(choices)
        return {**result, "usage": None} if choices and "text" in choices[0] else result

    @property
    def _counts(self) -> bool:
        return not any(choice.tool_calls for choice in self.reply.choices)


class NewerTogether(VendorEncoder):
    """The newer form, that of models that reason. Every delta has a text and the reasoning, and every chunk behind
    the first a usage."""

    def __init__(
        self, reply: Reply, request: ChatRequest, identity: ResponseIdentity, vendor: Vendor
    ) -> None:
        form = replace(
            vendor.form,
            body={**vendor.form.body, "metadata": {"weight_version": "default"}},
            choice={**vendor.form.choice, "seed": None},
            without_text={"content": ""},
            calls_with_finish=None,
            usage=_newer_usage,
            usage_chunk="alone",
        )
        super().__init__(reply, request, identity, replace(vendor, form=form))

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return {}

    def choice(self, content: dict[str, Json], finish: str | None) -> dict[str, Json]:
        result = super().choice(content, finish)
        if "delta" in content:
            delta = {**EMPTY, **content["delta"]}
            del result["seed"]
            result |= {"text": delta["content"], "delta": delta}
        return result

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        result = super().chunk(choices)
        opens = any(choice["delta"] == EMPTY and choice["finish_reason"] is None for choice in choices)
        return result if opens else {**result, "usage": None}

    def _tool_call_delta(self, call: ToolCall, choice: int, chunk: str) -> dict[str, Json]:
        number = self._calls[choice] - 1
        function = {"name": None, "arguments": chunk}
        return {"tool_calls": [{"id": None, "index": number, "type": "function", "function": function}]}


def together_encoder(
    reply: Reply, request: ChatRequest, identity: ResponseIdentity, vendor: Vendor
) -> VendorEncoder:
    """Return the encoder of the model."""
    newer = (reply.model or request.model or "").startswith(NEWER)
    return (NewerTogether if newer else Together)(reply, request, identity, vendor)
