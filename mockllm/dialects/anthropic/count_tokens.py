"""POST /v1/messages/count_tokens: the token count of a message's input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.errors import error_plan
from mockllm.dialects.anthropic.headers import JSON_TYPE, request_id
from mockllm.dialects.anthropic.messages_check import check_counted, check_readable
from mockllm.dialects.anthropic.messages_request import MessagesRequest
from mockllm.dialects.dialect import ResponseIdentity

KNOWN_FIELDS: Final = frozenset({
    "anthropic_version", "betas", "billing_policy", "cache_control", "compaction", "context_management",
    "mcp_servers", "messages", "model", "output_config", "output_format", "speed", "system", "thinking",
    "tool_choice", "tools", "user_profile_id", "workspace_id"
})  # fmt: skip


class AnthropicCountRequest(MessagesRequest):
    """A messages request without the fields that only a response needs."""

    api: ClassVar[str | None] = "count_tokens"
    generates: ClassVar[bool] = False
    known: ClassVar[frozenset[str] | None] = KNOWN_FIELDS


class AnthropicCountTokens:
    """The dialect of this call, with the same estimate as a message's usage."""

    name: str = "anthropic"
    api: str = "count_tokens"
    generates: bool = False
    request: type[Request] = AnthropicCountRequest

    def check(self, request: Request) -> Failure | None:
        return check_counted(request)

    def check_readable(self, request: Request) -> Failure | None:
        return check_readable(request)

    def error(self, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
        return error_plan(failure, request, stamp)

    def answer(self, request: Request, models: Sequence[str], stamp: ResponseIdentity) -> Plan | Failure:
        """Return the count. A request with context management gets the count before it, which is the same
        here."""
        body: dict[str, Json] = {"input_tokens": request.input_tokens}
        if request.fields.get("context_management") is not None:
            body["context_management"] = {"original_input_tokens": request.input_tokens}
        head = ResponseHead(200, (JSON_TYPE, ("request-id", request_id(stamp))))
        return Plan(head, (EventStep(dumps(body), 0, "body"),))
