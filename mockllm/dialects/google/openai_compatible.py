"""Gemini's OpenAI-compatible base: its differences, and its errors, which keep Google's form.

From public reports of 2025 and 2026; no recording exists.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.randomness import Ids
from mockllm.core.reply.reply import Choice
from mockllm.dialects.gemini.errors import ROWS, VERTEX
from mockllm.dialects.openai.errors import OpenAiErrorRow, OpenAiErrorRows
from mockllm.dialects.rate_limit_headers import exact
from mockllm.dialects.vendors.chat import VendorEncoder
from mockllm.dialects.vendors.request_edits import without_schemas
from mockllm.dialects.vendors.vendor import DIGITS, Vendor, VendorChatForm, VendorErrors, VendorIdFormat


class Gemini(VendorEncoder):
    """Every delta contains the role; calls have no index, and end a stream with `stop`."""

    null_finish = False

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
        if "delta" in content and finish == "tool_calls":
            result["finish_reason"] = "stop"
        return result


_QUOTA: Final = (
    "You exceeded your current quota, please check your plan and billing details. For more information on "
    "this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits."
)


def _rows() -> OpenAiErrorRows:
    """Return the rows, of which `type` is Google's status; those of Gemini's own API with a few other messages."""
    rows = {name: OpenAiErrorRow(row.code, row.status, None, row.message) for name, row in ROWS.items()}
    unknown = rows["model_not_found"].message.replace("{version}", "v1main")
    own = {
        "model_not_found": unknown.replace("{method}", "generateContent"),
        "insufficient_quota": _QUOTA,
        "server_error": VERTEX["server_error"].message,
    }
    rows |= {name: replace(rows[name], message=message) for name, message in own.items()}
    limited = f"{_QUOTA}\nPlease retry in {{wait}}."
    return {
        **rows,
        "rate_limit": OpenAiErrorRow(429, rows["rate_limit"].type, None, limited, retry_after=1.0),
    }


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
    embedding_model="gemini-embedding-001",
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
