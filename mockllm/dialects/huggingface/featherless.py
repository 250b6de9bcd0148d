"""Featherless behind Hugging Face's router: its chat and its legacy completions.

From recordings of August 2026. Calls of a response that is no stream, and errors, were not recorded: they have the
form of the router's row. The ids of legacy completions are OpenAI's.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.rendering.plan import Plan
from mockllm.core.reply.reply import Choice, Reply, ToolCall, Usage
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.huggingface.routed import EXPOSED
from mockllm.dialects.huggingface.vendor import VENDOR
from mockllm.dialects.openai.completions import Completions
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.openai.completions_request import CompletionsRequest
from mockllm.dialects.vendors.chat import VendorEncoder
from mockllm.dialects.vendors.responses import VendorCompletions, edit_plan
from mockllm.dialects.vendors.vendor import LOWER, VendorIdFormat

FINGERPRINT: Final[dict[str, Json]] = {"system_fingerprint": "fp1-rss-p1"}
"""What a whole response and the chunk with the finish reason have."""


def _usage(counted: Usage) -> dict[str, Json]:
    return {**plain_usage(counted), "cached_tokens": counted.cache_read}


class Featherless(VendorEncoder):
    """Its chat. The chunks of a call have no finish reason, and the one that opens a call no arguments."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return None

    def choice(self, content: dict[str, Json], finish: str | None) -> dict[str, Json]:
        is_call = "tool_calls" in content.get("delta", {})
        return content if finish is None and is_call else super().choice(content, finish)

    def tool_call_object(self, call: ToolCall, choice: int, number: int, arguments: str) -> dict[str, Json]:
        result = super().tool_call_object(call, choice, number, arguments)
        if self._request.stream:
            del result["function"]["arguments"]
        return result

    def chunk(self, choices: list[Json]) -> dict[str, Json]:
        result = super().chunk(choices)
        ends = any(choice.get("finish_reason") for choice in choices)
        return {**result, **FINGERPRINT, **self._own} if ends else result


FEATHERLESS: Final = replace(
    VENDOR,
    encoder=Featherless,
    form=replace(
        VENDOR.form,
        id=VendorIdFormat(),
        call_id=VendorIdFormat("llama-1786505856230-", 9, LOWER),
        body=FINGERPRINT,
        chunk={},
        choice={},
        indexed_calls=False,
        usage=_usage,
        always_usage=True,
    ),
    headers={**VENDOR.headers, **EXPOSED},
)


class FeatherlessCompletionsRequest(CompletionsRequest):
    """A request of its legacy completions, whose streams always end with the usage."""

    include_usage = True


class FeatherlessCompletions(VendorCompletions):
    """Its legacy completions."""

    request_class = FeatherlessCompletionsRequest

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        plan = Completions.encode_body(self, reply, request, identity)
        return edit_plan(plan, self.vendor, identity, partial(_edit, reply.usage), self.vendor.media)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        plan = Completions.encode_stream(self, reply, request, identity)
        return edit_plan(
            plan, self.vendor, identity, partial(_edit_chunk, reply.usage), self.vendor.form.media
        )


def _edit(counted: Usage, payload: dict[str, Json]) -> None:
    """Change a response, a chunk or an error in place."""
    for choice in payload.get("choices", ()):
        del choice["logprobs"]
        if choice["finish_reason"] is not None:
            payload |= FINGERPRINT
    if payload.get("usage"):
        payload["usage"] = _usage(counted)


def _edit_chunk(counted: Usage, payload: dict[str, Json]) -> None:
    """Change an event in place. Only the last chunk, which has no choice, has a usage."""
    if payload.get("choices"):
        payload.pop("usage", None)
    _edit(counted, payload)
