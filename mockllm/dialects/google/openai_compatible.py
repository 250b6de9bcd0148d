"""Gemini's OpenAI-compatible base: its differences, and its errors, which keep Google's form.

From public reports of 2025 and 2026; no recording exists.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.randomness import Ids
from mockllm.core.reply.reply import Choice
from mockllm.dialects.openai.errors import OpenAiErrorRow, Rows
from mockllm.dialects.rate_limit_headers import exact
from mockllm.dialects.vendors.chat import VendorEncoder
from mockllm.dialects.vendors.object_edits import without_schemas
from mockllm.dialects.vendors.vendor import DIGITS, Vendor, VendorChatForm, VendorErrors, VendorIdFormat


class Gemini(VendorEncoder):
    """Every delta contains the role; calls have no index, and end a stream with `stop`."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return None

    def text_delta(self, chunk: str) -> dict[str, Json]:
        return {"role": "assistant", "content": chunk}

    def complete_call(self, call: dict[str, Json]) -> dict[str, Json]:
        del call["index"]
        return {"role": "assistant", "tool_calls": [call]}

    def closing(self, choice: Choice) -> dict[str, Json]:
        return {"role": "assistant"}

    def choice(self, content: dict[str, Json], finish: str | None) -> dict[str, Json]:
        result = super().choice(content, finish)
        if "delta" in content:
            if finish is None:
                del result["finish_reason"]
            elif finish == "tool_calls":
                result["finish_reason"] = "stop"
        return result


_QUOTA: Final = (
    "You exceeded your current quota, please check your plan and billing details. For more information on "
    "this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits."
)
_ERRORS: Final[dict[str, tuple[int, str, str]]] = {
    "bad_request": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "authentication": (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    "permission": (403, "PERMISSION_DENIED", "The caller does not have permission"),
    "not_found": (404, "NOT_FOUND", "Requested entity was not found."),
    "model_not_found": (
        404,
        "NOT_FOUND",
        "models/{model} is not found for API version v1main, or is not supported for generateContent. "
        "Call ModelService.ListModels to see the list of available models and their supported methods.",
    ),
    "model_deprecated": (
        404,
        "NOT_FOUND",
        "This model models/{model} is no longer available to new users. Please update your code to use a "
        "newer model for the latest features and improvements.",
    ),
    "request_too_large": (
        400,
        "INVALID_ARGUMENT",
        "Request payload size exceeds the limit: 20971520 bytes.",
    ),
    "context_length": (
        400,
        "INVALID_ARGUMENT",
        "The input token count ({tokens}) exceeds the maximum number of tokens allowed ({limit}).",
    ),
    "rate_limit": (429, "RESOURCE_EXHAUSTED", f"{_QUOTA}\nPlease retry in {{wait}}."),
    "insufficient_quota": (429, "RESOURCE_EXHAUSTED", _QUOTA),
    "content_filter": (400, "INVALID_ARGUMENT", "The prompt was blocked for its content."),
    "server_error": (500, "INTERNAL", "Internal error encountered."),
    "overloaded": (
        503,
        "UNAVAILABLE",
        "This model is currently experiencing high demand. Spikes in demand are usually temporary. Please "
        "try again later.",
    ),
    "unavailable": (503, "UNAVAILABLE", "The service is currently unavailable."),
    "bad_gateway": (502, "UNAVAILABLE", "Bad gateway."),
    "timeout": (504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}
"""The HTTP status, Google's status and the message of each error."""


def _rows() -> Rows:
    """Return the rows; `type` is Google's status."""
    rows = {
        name: OpenAiErrorRow(status, word, None, message) for name, (status, word, message) in _ERRORS.items()
    }
    limited = rows["rate_limit"]
    return {**rows, "rate_limit": OpenAiErrorRow(429, limited.type, None, limited.message, retry_after=48.0)}


def _envelope(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return a list of one error, as in a non-streaming response."""
    own = {name: value for name, value in inner.items() if name not in ("message", "type", "param", "code")}
    return [{"error": {"code": status, "message": inner["message"], "status": inner["type"], **own}}]


def _details(seconds: float) -> list[Json]:
    return [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{exact(seconds)}s"}]


def _drop_usage(body: dict[str, Json]) -> None:
    """Drop the usage: Google counts nothing."""
    del body["usage"]


COMPATIBLE: Final = Vendor(
    "gemini",
    Gemini,
    bases=("/v1beta/openai",),
    model="gemini-3.5-flash",
    form=VendorChatForm(
        id=VendorIdFormat("", 23),
        call_id=VendorIdFormat("function-call-", 19, DIGITS),
        without_text={},
        complete_calls=True,
        usage_chunk="finish",
    ),
    errors=VendorErrors(_rows(), _envelope, details=_details),
    edit_embeddings=_drop_usage,
    openai_request=without_schemas,
)
