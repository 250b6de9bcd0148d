"""vLLM as a vendor of OpenAI's protocol.

Sources: vLLM's `ChatCompletionResponse` and `ModelCard` (`vllm/entrypoints/openai/*/protocol.py`),
`make_tool_call_id`, `create_error_response` and the exception handlers of its server. A refused key has a text as its
error (`AuthenticationMiddleware`). An error that an HTTP exception makes has the status's phrase as its type.
Reasoning is in `reasoning` alone: the earlier name `reasoning_content` left `ChatMessage` and `DeltaMessage`.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.prompt_cache.policy import AutomaticPrefixCache, CachePolicy
from mockllm.core.randomness import HEX, Ids
from mockllm.core.rendering.plan import PHRASES
from mockllm.core.request.request import Request
from mockllm.dialects.openai.errors import OpenAiErrorRows
from mockllm.dialects.vendors.errors import rows
from mockllm.dialects.vendors.object_edits import unpadded
from mockllm.dialects.vendors.vendor import Vendor, VendorChatForm, VendorErrors, VendorIdFormat
from mockllm.dialects.vllm.encoders import Vllm, vllm_usage
from mockllm.dialects.vllm.models import model_card
from mockllm.dialects.vllm.request import openai_request

MODEL: Final = "meta-llama/Llama-3.1-8B-Instruct"
TYPES: Final = {400: "BadRequestError", 404: "NotFoundError", 500: "InternalServerError"}
MESSAGES: Final = {
    "model_not_found": "The model `{model}` does not exist.",
    "context_length": "This model's maximum context length is {limit} tokens. However, your request has {tokens} "
    "input tokens. Please reduce the length of the input messages.",
    "authentication": "Unauthorized",
    "server_error": "Internal server error",
}
_CACHE: Final = AutomaticPrefixCache(minimum=16, step=16, lifetime=3600.0)
"""Blocks of 16 tokens (`CacheConfig.block_size`), which stay until others need their capacity; here for an hour."""


def error_type(status: int) -> str:
    """Return the type of an error with this status."""
    return TYPES.get(status) or PHRASES[status]


def _rows() -> OpenAiErrorRows:
    return {
        name: replace(row, type=error_type(row.status), code=None, param=_parameter(name))
        for name, row in rows(MESSAGES).items()
    }


def _parameter(name: str) -> str | None:
    return {"model_not_found": "model", "context_length": "input_tokens"}.get(name)


def envelope(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return the body of an error: its code is the status; a refused key is a text alone."""
    return (
        {"error": inner["message"]}
        if status == HTTPStatus.UNAUTHORIZED
        else {"error": {**inner, "code": status}}
    )


def prompt_cache_policy(request: Request) -> CachePolicy:
    """Return how vLLM caches prompts: automatically, in blocks (`enable_prefix_caching`, on by default)."""
    return _CACHE


VENDOR: Final = Vendor(
    "vllm",
    Vllm,
    title="vLLM",
    model=MODEL,
    serves_first_model=True,
    cache=prompt_cache_policy,
    form=VendorChatForm(
        id=VendorIdFormat("chatcmpl-", 32, HEX),
        call_id=VendorIdFormat("chatcmpl-tool-", 32, HEX),
        body={
            "service_tier": None,
            "system_fingerprint": None,
            "prompt_logprobs": None,
            "prompt_token_ids": None,
            "kv_transfer_params": None,
        },
        choice={"logprobs": None},
        message={
            "refusal": None,
            "annotations": None,
            "audio": None,
            "function_call": None,
            "reasoning": None,
        },
        thinking="reasoning",
        usage=vllm_usage,
        media="text/event-stream; charset=utf-8",
    ),
    errors=VendorErrors(_rows(), envelope),
    edit_response=unpadded,
    edit_model=model_card,
    openai_request=openai_request,
)
