"""Gemini's OpenAI-compatible base: what it says in its own way, and its errors, which keep Google's form.

From public reports of 2025 and 2026; nobody recorded it.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.randomness import Ids
from mockllm.core.reply.reply import Choice
from mockllm.dialects.openai.errors import OpenAiErrorRow, Rows
from mockllm.dialects.rate_limit_headers import exact
from mockllm.dialects.vendors.chat import VendorEncoder
from mockllm.dialects.vendors.request_normalization import any_schema
from mockllm.dialects.vendors.vendor import DIGITS, Vendor, VendorChatForm, VendorErrors, VendorIdFormat


class Gemini(VendorEncoder):
    """Every delta tells the role; calls have no index, and end a stream with `stop`."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return None

    def text(self, piece: str) -> dict[str, Json]:
        return {"role": "assistant", "content": piece}

    def whole_call(self, call: dict[str, Json]) -> dict[str, Json]:
        del call["index"]
        return {"role": "assistant", "tool_calls": [call]}

    def closing(self, choice: Choice) -> dict[str, Json]:
        return {"role": "assistant"}

    def choice(self, said: dict[str, Json], finish: str | None) -> dict[str, Json]:
        made = super().choice(said, finish)
        if "delta" in said:
            if finish is None:
                del made["finish_reason"]
            elif finish == "tool_calls":
                made["finish_reason"] = "stop"
        return made


_QUOTA: Final = (
    "You exceeded your current quota, please check your plan and billing details. For more information on "
    "this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits."
)
_TOLD: Final[dict[str, tuple[int, str, str]]] = {
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
"""Status, Google's word for it, message."""


def _rows() -> Rows:
    """`type` is Google's status."""
    rows = {
        name: OpenAiErrorRow(status, word, None, message) for name, (status, word, message) in _TOLD.items()
    }
    limited = rows["rate_limit"]
    return {**rows, "rate_limit": OpenAiErrorRow(429, limited.type, None, limited.message, retry_after=48.0)}


def _envelope(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """A list of one, where it is the whole answer."""
    own = {name: value for name, value in inner.items() if name not in ("message", "type", "param", "code")}
    return [{"error": {"code": status, "message": inner["message"], "status": inner["type"], **own}}]


def _details(seconds: float) -> list[Json]:
    return [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{exact(seconds)}s"}]


def _embedded(said: dict[str, Json]) -> None:
    """Nothing is counted."""
    del said["usage"]


COMPATIBLE: Final = Vendor(
    "gemini",
    Gemini,
    bases=("/v1beta/openai",),
    model="gemini-3.5-flash",
    form=VendorChatForm(
        id=VendorIdFormat("", 23),
        call_id=VendorIdFormat("function-call-", 19, DIGITS),
        silent={},
        whole_calls=True,
        counted="finish",
    ),
    errors=VendorErrors(_rows(), _envelope, details=_details),
    embedded=_embedded,
    words=any_schema,
)
