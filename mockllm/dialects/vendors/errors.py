"""Errors of vendors: OpenAI's rows with the vendor's changes, in the vendor's envelope."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.rendering.plan import EventStep, Headers, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.errors import ROWS, OpenAiErrorRow, OpenAiErrorRows, error_message
from mockllm.dialects.vendors.vendor import Vendor, VendorIdFormat


def rows(messages: dict[str, str], **changed: OpenAiErrorRow) -> OpenAiErrorRows:
    """Return OpenAI's rows without its addresses, with these messages, and with these rows in place of OpenAI's."""
    result = {
        name: replace(row, message=messages.get(name, NEUTRAL_MESSAGES.get(name, row.message)))
        for name, row in ROWS.items()
    }
    return {**result, **changed}


NEUTRAL_MESSAGES: Final = {
    "authentication": "Invalid API Key",
    "permission": "You do not have access to this resource.",
    "model_deprecated": "The model `{model}` has been deprecated.",
    "rate_limit": "Rate limit reached for model `{model}`. Please try again in {wait}.",
    "insufficient_quota": "You have no credit left. Please check your plan and billing details.",
    "server_error": "Internal server error.",
    "overloaded": "The model is overloaded. Please try again later.",
}
"""Vendor-neutral texts for OpenAI's messages that name OpenAI."""


def error_object(
    vendor: Vendor, failure: Failure, request: Request, identity: ResponseIdentity
) -> dict[str, Json]:
    """Return the error object, as OpenAI has it."""
    row = vendor.errors.rows[failure.type]
    message = failure.message
    if message is None:
        message = error_message(row, failure, request, identity, vendor.errors.mask)
    result: dict[str, Json] = {"message": message, "type": row.type, "param": row.param, "code": row.code}
    wait = _retry_delay(vendor, failure)
    if wait is not None and vendor.errors.details is not None:
        result["details"] = vendor.errors.details(wait)
    return result | dict(failure.fields)


def _retry_delay(vendor: Vendor, failure: Failure) -> float | None:
    """Return the seconds until the next attempt."""
    return failure.seconds_until_retry(vendor.errors.rows[failure.type].retry_after)


def error_body(vendor: Vendor, failure: Failure, request: Request, identity: ResponseIdentity) -> Json:
    status = failure.status or vendor.errors.rows[failure.type].status
    return vendor.errors.envelope(error_object(vendor, failure, request, identity), status, identity.ids)


def error_plan(vendor: Vendor, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
    """Return a non-streaming response with the failure, and with the wait until the next attempt in whole seconds."""
    if vendor.errors.edit is not None:
        failure = vendor.errors.edit(failure, request)
    row = vendor.errors.rows[failure.type]
    wait = _retry_delay(vendor, failure)
    names = vendor.errors.headers.get(failure.type)
    response_head = head(vendor, identity, "application/json", failure.status or row.status, names)
    if wait is not None and vendor.errors.details is None:
        response_head = response_head.with_headers(
            _retry_headers(vendor, wait, own=failure.retry_after is None)
        )
    if failure.type == "rate_limit" and vendor.errors.spent is not None:
        spent = vendor.errors.spent.headers(row.retry_after or 1.0 if wait is None else wait)
        response_head = response_head.with_headers(spent)
    body = dumps(error_body(vendor, failure, request, identity))
    return Plan(response_head.with_headers(failure.headers), (EventStep(body, 0, "body"),))


def _retry_headers(vendor: Vendor, wait: float, *, own: bool) -> Headers:
    """Return the wait in whole seconds, rounded up, and in milliseconds. `own`: no scenario has set it."""
    milliseconds = round(wait * 1000)
    seconds = ("retry-after", str(-(-milliseconds // 1000)))
    if vendor.errors.milliseconds is None:
        return (seconds,)
    zero = own and vendor.errors.milliseconds == "zero"
    return (seconds, ("retry-after-ms", "0" if zero else str(milliseconds)))


def head(
    vendor: Vendor,
    identity: ResponseIdentity,
    media: str,
    status: int = 200,
    names: Collection[str] | None = None,
) -> ResponseHead:
    """Return the head of any of its responses. `names`: those of the vendor's headers that it has; None for all."""
    members = {**vendor.headers, **vendor.success_headers} if status == 200 else vendor.headers
    fixed, with_ids = [("content-type", media)], []
    for name, value in members.items():
        if names is None or name in names:
            if isinstance(value, VendorIdFormat):
                with_ids.append((name, value.make(identity.ids, name)))
            else:
                fixed.append((name, value))
    return ResponseHead(status, tuple(fixed), tuple(with_ids))


class VendorCall:
    """The base of a vendor's calls: the `Vendor`, and its errors."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return error_plan(self.vendor, failure, request, identity)


class GeneratingVendorCall(VendorCall):
    """The base of a vendor's generating calls. Where a request without a model passes, it gets the vendor's model."""

    def default_model(self, rule_models: Sequence[str]) -> str | None:
        takes_first = self.vendor.serves_first_model and rule_models
        return rule_models[0] if takes_first else self.vendor.model
