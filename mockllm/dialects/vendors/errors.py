"""Errors of vendors: OpenAI's rows with the vendor's changes, in the vendor's envelope."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.randomness import Ids
from mockllm.core.rendering.plan import EventStep, Headers, Plan, ResponseHead
from mockllm.core.request.request import Request
from mockllm.dialects.dialect import ResponseIdentity
from mockllm.dialects.openai.errors import INVALID, ROWS, OpenAiErrorRow, Rows, error_message
from mockllm.dialects.vendors.mistral import MALFORMED
from mockllm.dialects.vendors.vendor import Vendor, fill_members


def rows(messages: dict[str, str], **changed: OpenAiErrorRow) -> Rows:
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
    response_head = head(vendor, identity, "application/json", failure.status or row.status)
    names = vendor.errors.headers.get(failure.type)
    if names is not None:
        own = tuple(pair for pair in response_head.per_response_headers if pair[0] in names)
        response_head = replace(response_head, per_response_headers=own)
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


def head(vendor: Vendor, identity: ResponseIdentity, media: str, status: int = 200) -> ResponseHead:
    """Return the head of any of its responses."""
    members = {**vendor.headers, **vendor.success_headers} if status == 200 else vendor.headers
    return ResponseHead(
        status, (("content-type", media),), tuple(fill_members(members, identity.ids).items())
    )


class VendorCall:
    """The base of a vendor's calls: its row, and its errors."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor

    def error(self, failure: Failure, request: Request, identity: ResponseIdentity) -> Plan:
        return error_plan(self.vendor, failure, request, identity)


# --- envelopes --------------------------------------------------------------------------------------


def without_nulls(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Groq: `param` and `code` appear only where they have a value (recordings of February 2026)."""
    optional = ("param", "code")
    return {
        "error": {name: value for name, value in inner.items() if name not in optional or value is not None}
    }


def deepseek(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """DeepSeek: the code is the same for all errors."""
    return {"error": {**inner, "code": inner["code"] or INVALID}}


def deepseek_mask(key: str) -> str:
    return f"****{key[-4:]}"


DEEPSEEK: Final = {
    "authentication": OpenAiErrorRow(
        401, "authentication_error", INVALID, "Authentication Fails, Your api key: {key} is invalid"
    ),
    **dict.fromkeys(
        ("model_not_found", "model_deprecated"),
        OpenAiErrorRow(
            400,
            INVALID,
            INVALID,
            "The supported API model names are deepseek-v4-pro or deepseek-v4-flash, but you passed {model}.",
        ),
    ),
    "insufficient_quota": OpenAiErrorRow(402, "unknown_error", INVALID, "Insufficient Balance"),
}
"""DeepSeek's own errors. The unknown model is from a recording of August 2026."""
CEREBRAS: Final = {
    "authentication": OpenAiErrorRow(401, INVALID, "wrong_api_key", "Wrong API Key", "api_key"),
    "model_not_found": OpenAiErrorRow(
        404,
        "not_found_error",
        "model_not_found",
        "Model {model} does not exist or you do not have access to it.",
        "model",
    ),
    "rate_limit": OpenAiErrorRow(
        429,
        "too_many_requests_error",
        "request_quota_exceeded",
        "Requests per minute limit exceeded - too many requests sent.",
        "quota",
        retry_after=1.0,
    ),
}
"""Cerebras' own errors, from public reports of 2026: https://github.com/nminaya/grammar-nazi-bot/issues/933 and 959.
That of the key is inferred."""


def cerebras(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return an error of Cerebras: an object without an envelope."""
    return inner


def with_status(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """vLLM: the code is the status."""
    return {"error": {**inner, "code": status}}


def perplexity(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Perplexity: the code is the status, and there is no `param`."""
    return {"error": {name: value for name, value in {**inner, "code": status}.items() if name != "param"}}


def openrouter(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """OpenRouter: the code is the status, and the metadata contains the error of the model's provider."""
    own = {name: value for name, value in inner.items() if name not in ("type", "param", "code")}
    if status == 429 or status >= 500:
        own = {"metadata": {"raw": inner["message"], "provider_name": "OpenAI"}, **own}
    return {"error": {**own, "code": status}, "user_id": ids.make("user_", 27)}


MISTRAL: Final = {
    "model_not_found": OpenAiErrorRow(400, "invalid_model", "1500", "Invalid model: {model}"),
    "context_length": OpenAiErrorRow(
        400,
        "invalid_request_invalid_args",
        "3051",
        "Prompt contains {tokens} tokens and 0 draft tokens, too large for model with {limit} maximum context "
        "length",
    ),
    "rate_limit": OpenAiErrorRow(429, "rate_limited", "1300", "Rate limit exceeded", retry_after=1.0),
    "server_error": OpenAiErrorRow(500, "internal_server_error", "1000", "Service unavailable."),
    "overloaded": OpenAiErrorRow(503, "internal_server_error", "3800", "Service unavailable."),
    "unavailable": OpenAiErrorRow(503, "unreachable_backend", "1100", "Internal server error"),
    MALFORMED: OpenAiErrorRow(422, INVALID, None, "The body has a wrong form."),
}
"""Mistral's own errors, as public repositories quote them in 2025 and 2026; none was recorded. The code 1300 is in
https://github.com/raycast/extensions/issues/31107 and in https://github.com/cline/cline/issues/9085. The
code 3051 is that of several refusals."""


def mistral(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Mistral: a refusal of its gateway is a `detail`, any other error an object without an envelope."""
    if status in (401, 403):
        return {"detail": inner["message"]}
    if status == 422:
        whole = {"type": "value_error", "loc": ["body"], "msg": inner["message"], "input": None}
        return {"detail": inner.get("detail", [whole])}
    if status == 400 and (inner["type"], inner["code"]) == (INVALID, None):
        inner = {**inner, "type": "invalid_request_invalid_args", "code": "3051"}
    return {"object": "error", **inner, "raw_status_code": status}


def zai(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Z.ai: an error has a code of digits and a message. Its documentation has the codes for a parameter that is
    missing (1213) or invalid (1214), and for wrong parameters (1210)."""
    own = {name: value for name, value in inner.items() if name not in ("type", "param")}
    code, usual = inner["code"], str(status)
    if status == 400:
        usual = "1213" if code == "missing_required_parameter" else "1214" if inner.get("param") else "1210"
    return {"error": {**own, "code": code if type(code) is str and code.isdecimal() else usual}}


def huggingface(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Hugging Face: a refusal of its router is a text, any other error an object."""
    return {"error": inner["message"]} if status in (401, 402, 403, 404, 503) else {"error": inner}


def xai(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """xAI: the message is the error."""
    own = {name: value for name, value in inner.items() if name not in ("message", "type", "param", "code")}
    return {"code": inner["code"] or inner["type"], "error": inner["message"], **own}
