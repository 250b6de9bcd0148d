"""The generating calls of vLLM: OpenAI's chat and legacy completions with vLLM's parameters.

Sources: `create_chat_completion` and `create_completion` of `vllm/entrypoints/openai/*/serving.py`.
"""

from __future__ import annotations

from collections.abc import Hashable

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps, loads
from mockllm.core.json.typed_values import objects
from mockllm.core.rendering.plan import EventStep, Plan, Step
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.completions_request import check_body
from mockllm.dialects.openai.validators import check_readable
from mockllm.dialects.vendors.chat import VendorChat
from mockllm.dialects.vendors.responses import VendorCompletions
from mockllm.dialects.vllm.encoders import ProgressiveUsage
from mockllm.dialects.vllm.request import (
    VllmChatRequest,
    VllmCompletionsRequest,
    check_tokens,
    continuous,
    openai_form,
)


class VllmChat(VendorChat):
    """POST /v1/chat/completions."""

    request_class = VllmChatRequest

    def check(self, request: Request) -> Failure | None:
        return super().check(request) or check_tokens(request)

    def encoding_key(self, request: Request) -> Hashable:
        return super().encoding_key(request), continuous(request)


class VllmCompletions(VendorCompletions):
    """POST /v1/completions."""

    request_class = VllmCompletionsRequest

    def check(self, request: Request) -> Failure | None:
        error = check_readable(request)
        return error or check_body(openai_form(request.fields)) or check_tokens(request)

    def encoding_key(self, request: Request) -> Hashable:
        return super().encoding_key(request), continuous(request)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        plan = super().encode_body(reply, request, identity)
        return _edited(plan, reply, None)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        plan = super().encode_stream(reply, request, identity)
        return _edited(plan, reply, ProgressiveUsage(reply) if continuous(request) else None)


def _edited(plan: Plan, reply: Reply, progress: ProgressiveUsage | None) -> Plan:
    """Return the plan with the stop reason of each choice (`CompletionResponseChoice.stop_reason`), and with the
    usage so far where the request includes it."""
    steps: list[Step] = []
    for step in plan.steps:
        if not isinstance(step, EventStep) or step.payload == b"[DONE]":
            steps.append(step)
            continue
        payload: dict[str, Json] = loads(step.payload)
        for choice in objects(payload.get("choices")):
            number = choice["index"]
            stopped = choice["finish_reason"] is not None and number < len(reply.choices)
            choice["stop_reason"] = reply.choices[number].stopped_by if stopped else None
            if progress is not None:
                if step.kind == "chunk":
                    progress.count(number)
                payload["usage"] = progress.of(number)
        steps.append(replace(step, payload=dumps(payload)))
    return replace(plan, steps=tuple(steps))
