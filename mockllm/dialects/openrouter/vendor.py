"""OpenRouter as a vendor of OpenAI's protocol.

From recordings of 2025 and 2026. Unknown values are plausible constants. Recorded of the prompt cache of GPT-5.6:
4,012 of 4,020 tokens written, then read.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.json.codec import Json
from mockllm.core.prompt_cache.policy import CachePolicy
from mockllm.core.randomness import Ids
from mockllm.core.request.request import Request
from mockllm.dialects.openai.errors import ROWS
from mockllm.dialects.openai.prompt_cache import prompt_cache_policy as openai_cache
from mockllm.dialects.openrouter.encoder import OpenRouter, openrouter_usage
from mockllm.dialects.openrouter.request import openai_request
from mockllm.dialects.openrouter.responses import GENERATION, OpenRouterIds, edit_response
from mockllm.dialects.vendors import prompt_caches
from mockllm.dialects.vendors.errors import rows
from mockllm.dialects.vendors.vendor import Vendor, VendorChatForm, VendorErrors

EMBEDDING_COST: Final[dict[str, Json]] = {
    "upstream_inference_cost": 1.4e-07,
    "upstream_inference_prompt_cost": 1.4e-07,
    "upstream_inference_completions_cost": 0,
}


def edit_embeddings(payload: dict[str, Json]) -> None:
    payload["usage"] |= {"cost": 1.4e-07, "is_byok": False, "cost_details": EMBEDDING_COST}
    payload |= {"provider": "OpenAI", "id": "gen-emb-1787150093-MHw3ComZXMuOz6TNknXt"}


_MAKER_CACHES: Final = {
    "deepseek": prompt_caches.two_hours,
    "mistralai": prompt_caches.small_steps,
    "openai": openai_cache,
    "x-ai": prompt_caches.small_steps,
}
"""By the maker of the model."""


def prompt_cache_policy(request: Request) -> CachePolicy | None:
    """Return how the model provider caches a prompt."""
    cache = _MAKER_CACHES.get((request.model or "").partition("/")[0])
    return None if cache is None else cache(request)


def envelope(inner: dict[str, Json], status: int, ids: Ids) -> Json:
    """Return the body of an error. The code is the status, and the metadata contains the error of the model's
    provider."""
    own = {name: value for name, value in inner.items() if name not in ("type", "param", "code")}
    if status == 429 or status >= 500:
        own = {"metadata": {"raw": inner["message"], "provider_name": "OpenAI"}, **own}
    return {"error": {**own, "code": status}, "user_id": ids.make("user_", 27)}


VENDOR: Final = Vendor(
    "openrouter",
    OpenRouter,
    cache=prompt_cache_policy,
    title="OpenRouter",
    hosts=("openrouter.ai",),
    bases=("/api/v1",),
    model="openai/gpt-4o-mini",
    embedding_model="openai/text-embedding-3-small",
    form=VendorChatForm(
        id=GENERATION,
        choice={"logprobs": None},
        message={"refusal": None, "reasoning": None},
        thinking="reasoning",
        without_text={"content": None},
        indexed_calls=True,
        usage=openrouter_usage,
        always_usage=True,
        images=True,
    ),
    errors=VendorErrors(
        rows(
            {"authentication": "No auth credentials found", "rate_limit": "Provider returned error"},
            model_not_found=replace(
                ROWS["model_not_found"], status=400, message="{model} is not a valid model ID"
            ),
            insufficient_quota=replace(
                ROWS["insufficient_quota"], status=402, message="Insufficient credits"
            ),
        ),
        envelope,
    ),
    headers={"x-generation-id": GENERATION},
    edit_response=edit_response,
    response_ids=OpenRouterIds,
    edit_embeddings=edit_embeddings,
    openai_request=openai_request,
)
