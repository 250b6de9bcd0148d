"""Ollama as a vendor of OpenAI's protocol: its OpenAI-compatible base, and its encoder.

From recordings of 2025 and 2026. Unknown values are plausible constants.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.json.codec import Json
from mockllm.core.reply.reply import Choice
from mockllm.dialects.openai.errors import OpenAiErrorRow
from mockllm.dialects.vendors.chat import VendorEncoder
from mockllm.dialects.vendors.errors import rows
from mockllm.dialects.vendors.request_edits import without_schemas
from mockllm.dialects.vendors.vendor import (
    DIGITS,
    LOWER,
    Vendor,
    VendorChatForm,
    VendorErrors,
    VendorIdFormat,
)


class Ollama(VendorEncoder):
    """Ollama. The first chunk contains the role; reasoning and calls have an empty content beside them."""

    def opening(self, choice: Choice) -> dict[str, Json] | None:
        return None

    def thinking_delta(self, chunk: str) -> dict[str, Json]:
        return {"content": "", "reasoning": chunk}

    def complete_call(self, call: dict[str, Json]) -> dict[str, Json]:
        return {"content": "", "tool_calls": [call]}


VENDOR: Final = Vendor(
    "ollama",
    Ollama,
    hosts=("ollama.com", "localhost:11434", "127.0.0.1:11434"),
    model="llama3.2",
    embedding_model="nomic-embed-text",
    form=VendorChatForm(
        id=VendorIdFormat("chatcmpl-", 3, DIGITS),
        call_id=VendorIdFormat("call_", 8, LOWER),
        body={"system_fingerprint": "fp_ollama"},
        chunk={"system_fingerprint": "fp_ollama"},
        thinking="reasoning",
        without_text={"content": ""},
        indexed_calls=True,
        complete_calls=True,
    ),
    errors=VendorErrors(
        rows(
            {},
            authentication=OpenAiErrorRow(401, "api_error", None, "Unauthorized"),
            model_not_found=OpenAiErrorRow(
                404, "api_error", None, 'model "{model}" not found, try pulling it first'
            ),
            server_error=OpenAiErrorRow(500, "api_error", None, "internal server error"),
        )
    ),
    headers={"x-request-id": VendorIdFormat()},
    openai_request=without_schemas,
)
