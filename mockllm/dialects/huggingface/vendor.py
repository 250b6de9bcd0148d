"""Hugging Face's router as a vendor of OpenAI's protocol.

Non-streaming responses are from recordings of 2026, streams from those of one provider behind the router. Errors are
from the vendor's packages and documentation.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.randomness import HEX, Ids
from mockllm.core.reply.reply import Usage
from mockllm.dialects.openai.completions import usage as plain_usage
from mockllm.dialects.openai.errors import INVALID, ROWS, OpenAiErrorRow
from mockllm.dialects.vendors.chat import VendorEncoder
from mockllm.dialects.vendors.errors import rows
from mockllm.dialects.vendors.request_edits import without_schemas
from mockllm.dialects.vendors.vendor import Vendor, VendorChatForm, VendorErrors, VendorIdFormat


def huggingface_usage(counted: Usage) -> dict[str, Json]:
    return {**plain_usage(counted), "prompt_tokens_details": None}


def openai_request(body: dict[str, Json]) -> dict[str, Json]:
    """Return OpenAI's form of a request to Hugging Face: any schema, and a chosen function without a type."""
    result = without_schemas(body)
    choice = result.get("tool_choice")
    if type(choice) is dict and "type" not in choice and "function" in choice:
        result["tool_choice"] = {"type": "function", **choice}
    return result


def envelope(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return the body of an error. A refusal of the router is a text, with a scenario's own fields beside it. Any
    other error is an object."""
    if status not in (401, 402, 403, 404, 503):
        return {"error": inner}
    own = {name: value for name, value in inner.items() if name not in ("message", "type", "param", "code")}
    return {"error": inner["message"], **own}


VENDOR: Final = Vendor(
    "huggingface",
    VendorEncoder,
    title="Hugging Face",
    hosts=("router.huggingface.co",),
    model="meta-llama/Llama-3.1-8B-Instruct",
    form=VendorChatForm(
        id=VendorIdFormat("", 32, HEX),
        call_id=VendorIdFormat("call_", 24, HEX),
        body={"system_fingerprint": ""},
        chunk={"system_fingerprint": ""},
        choice={"logprobs": None},
        thinking="reasoning",
        without_text={"content": ""},
        indexed_calls=True,
        usage=huggingface_usage,
    ),
    errors=VendorErrors(
        rows(
            {
                "authentication": "Invalid username or password.",
                "overloaded": "The model is currently overloaded",
            },
            insufficient_quota=replace(
                ROWS["insufficient_quota"],
                status=402,
                message="You have exceeded your monthly included credits for Inference Providers.",
            ),
            model_not_found=OpenAiErrorRow(
                400, INVALID, "model_not_found", "The requested model '{model}' does not exist", "model"
            ),
        ),
        envelope,
    ),
    headers={
        "x-request-id": VendorIdFormat(),
        "access-control-expose-headers": "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message",
    },
    openai_request=openai_request,
)
