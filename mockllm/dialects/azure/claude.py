"""Claude in Microsoft Foundry: Anthropic's messages at `/anthropic/v1/messages` of an Azure resource.

Sources: `anthropic.AnthropicFoundry`, which sends its key in `x-api-key` and `api-key`, or a bearer token; the
service's documentation, which names both ids of a response and no headers of rate limits; and a public report of the
gateway's error. No recording was at hand.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace
from propcache.api import cached_property

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.reply.reply import Reply
from mockllm.core.request.request import Request
from mockllm.dialects.anthropic.errors import error_plan, retry_headers
from mockllm.dialects.anthropic.headers import JSON_TYPE, without_anthropic_headers
from mockllm.dialects.anthropic.messages import AnthropicCountTokens, Messages
from mockllm.dialects.anthropic.messages_request import AnthropicCountRequest, MessagesRequest
from mockllm.dialects.azure.errors import DENIED_MESSAGE
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.neutral_request import NeutralRequest, WireRequest
from mockllm.dialects.vendors.vendor import VendorIdFormat

_GATEWAY: Final = {
    "authentication": (401, "401", DENIED_MESSAGE),
    "permission": (403, "403", "Access denied due to Virtual Network/Firewall rules."),
    "not_found": (404, "404", "Resource not found"),
}
"""The errors of Azure's gateway; Anthropic sends all further ones."""


def _on_azure(plan: Plan, identity: ResponseIdentity) -> Plan:
    """Return a response with the gateway's id, and without Anthropic's limits and organization."""
    gateway = ("apim-request-id", VendorIdFormat().make(identity.ids, "apim"))
    head = without_anthropic_headers(plan.head).with_per_response_headers((gateway,))
    return replace(plan, head=head)


def _error(failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
    row = _GATEWAY.get(failure.type)
    if row is None:
        return _on_azure(error_plan(failure, request, identity), identity)
    status, code, message = row
    message = failure.message or message
    error: dict[str, Json] = {"code": code, "message": message, "details": message, **failure.fields}
    head = ResponseHead(failure.status or status, (JSON_TYPE, *retry_headers(failure.seconds_until_retry())))
    plan = Plan(head.with_headers(failure.headers), (EventStep(dumps({"error": error}), 0, "body"),))
    return _on_azure(plan, identity)


class FoundryMessagesRequest(MessagesRequest):
    """A request with its key in `x-api-key`, `api-key` or a bearer token."""

    @cached_property
    def api_key(self) -> str | None:
        return super().api_key or self.headers.get("api-key")


class FoundryCountRequest(FoundryMessagesRequest, AnthropicCountRequest):
    """A request for a count."""


class FoundryMessages(Messages):
    """POST /anthropic/v1/messages."""

    request_class: type[Request] = FoundryMessagesRequest

    error = staticmethod(_error)

    def encode_body(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return _on_azure(super().encode_body(reply, request, identity), identity)

    def encode_stream(self, reply: Reply, request: Request, identity: ResponseIdentity) -> Plan:
        return _on_azure(super().encode_stream(reply, request, identity), identity)

    def build_request(self, request: NeutralRequest) -> WireRequest:
        wire = super().build_request(request)
        headers = {**wire.headers, **request.headers("api-key")}
        return replace(wire, path=f"/azure/anthropic{wire.path}", headers=headers)


class FoundryCount(AnthropicCountTokens):
    """POST /anthropic/v1/messages/count_tokens."""

    request_class: type[Request] = FoundryCountRequest

    error = staticmethod(_error)
