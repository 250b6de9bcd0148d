"""Vendors' errors: OpenAI's rows with what the vendor says otherwise, in the vendor's envelope."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.randomness import Ids
from mockllm.core.rendering.plan import EventStep, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.errors import INVALID, ROWS, OpenAiErrorRow, Rows, error_message
from mockllm.dialects.vendors.vendor import Vendor, filled


def rows(messages: dict[str, str], **changed: OpenAiErrorRow) -> Rows:
    """OpenAI's rows without its own addresses: with these messages, and these rows in place of its own."""
    made = {
        name: replace(row, message=messages.get(name, NEUTRAL.get(name, row.message)))
        for name, row in ROWS.items()
    }
    return {**made, **changed}


NEUTRAL: Final = {
    "authentication": "Invalid API Key",
    "permission": "You do not have access to this resource.",
    "model_deprecated": "The model `{model}` has been deprecated.",
    "rate_limit": "Rate limit reached for model `{model}`. Please try again in {wait}.",
    "insufficient_quota": "You have no credit left. Please check your plan and billing details.",
    "server_error": "Internal server error.",
    "overloaded": "The model is overloaded. Please try again later.",
}
"""The messages of OpenAI's that name OpenAI, in words that any vendor could say."""


def inner(vendor: Vendor, failure: Failure, request: Request, stamp: ResponseIdentity) -> dict[str, Json]:
    """The error's own object, as OpenAI has it."""
    row = vendor.errors.rows[failure.type]
    message = failure.message
    if message is None:
        message = error_message(row, failure, request, stamp)
    made: dict[str, Json] = {"message": message, "type": row.type, "param": row.param, "code": row.code}
    wait = _wait(vendor, failure)
    if wait is not None and vendor.errors.details is not None:
        made["details"] = vendor.errors.details(wait)
    return made | dict(failure.fields)


def _wait(vendor: Vendor, failure: Failure) -> float | None:
    """In how many seconds to try again."""
    return failure.again(vendor.errors.rows[failure.type].retry_after)


def told(vendor: Vendor, failure: Failure, request: Request, stamp: ResponseIdentity) -> Json:
    """The error as the vendor says it."""
    status = failure.status or vendor.errors.rows[failure.type].status
    return vendor.errors.envelope(inner(vendor, failure, request, stamp), status, stamp.ids)


def error_plan(vendor: Vendor, failure: Failure, request: Request, stamp: ResponseIdentity) -> Plan:
    """A whole answer with the failure, and in whole seconds when to try again."""
    row = vendor.errors.rows[failure.type]
    wait = _wait(vendor, failure)
    made = head(vendor, stamp, "application/json", failure.status or row.status)
    if wait is not None and vendor.errors.details is None:
        milliseconds = round(wait * 1000)
        made = made.with_headers((("retry-after", str(-(-milliseconds // 1000))),))
        if vendor.errors.milliseconds:
            made = made.with_headers((("retry-after-ms", str(milliseconds)),))
    body = dumps(told(vendor, failure, request, stamp))
    return Plan(made.with_headers(failure.headers), (EventStep(body, 0, "body"),))


def head(vendor: Vendor, stamp: ResponseIdentity, media: str, status: int = 200) -> ResponseHead:
    """The head of any of its answers."""
    return ResponseHead(status, (("content-type", media),), tuple(filled(vendor.headers, stamp.ids).items()))


# --- envelopes --------------------------------------------------------------------------------------


def without_param(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Groq: `param` only where there is one."""
    return {"error": {name: value for name, value in inner.items() if name != "param" or value is not None}}


def deepseeks(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """DeepSeek: the code is the same for all."""
    return {"error": {**inner, "code": inner["code"] or INVALID}}


def with_status(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """vLLM: the code is the status."""
    return {"error": {**inner, "code": status}}


def openrouters(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """OpenRouter: the code is the status, and the metadata says what the model's provider said."""
    own = {name: value for name, value in inner.items() if name not in ("type", "param", "code")}
    if status == 429 or status >= 500:
        own = {"metadata": {"raw": inner["message"], "provider_name": "OpenAI"}, **own}
    return {"error": {**own, "code": status}, "user_id": ids.make("user_", 27)}


def mistrals(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Mistral: what its gateway refuses is a detail, the rest an object without an envelope."""
    if status in (401, 403):
        return {"detail": inner["message"]}
    return {"object": "error", **inner, "raw_status_code": status}


def xais(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """xAI: the message is the error."""
    own = {name: value for name, value in inner.items() if name not in ("message", "type", "param", "code")}
    return {"code": inner["code"] or inner["type"], "error": inner["message"], **own}
