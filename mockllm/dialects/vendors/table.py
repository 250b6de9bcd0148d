"""The vendors: one row each. To add a vendor, add a row here (docs/adding-a-dialect.md).

The rows are from recordings of 2025 and 2026, or from the vendor's documentation where there is none. Unknown values
are plausible constants. vLLM's row is in `dialects/vllm`.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from mockllm.core.randomness import HEX
from mockllm.dialects.openai.errors import INVALID, ROWS, OpenAiErrorRow
from mockllm.dialects.vendors import (
    deepseek,
    encoders,
    errors,
    mistral,
    object_edits,
    openrouter,
    own_encoders,
    prompt_caches,
    rate_limit_headers,
    request_edits,
    response_ids,
    together,
)
from mockllm.dialects.vendors.newer_vendors import NEWER
from mockllm.dialects.vendors.vendor import (
    DIGITS,
    LOWER,
    Vendor,
    VendorChatForm,
    VendorErrors,
    VendorIdFormat,
)

LOGPROBS: Final = {"logprobs": None}
HEX32: Final = VendorIdFormat("", 32, HEX)

VENDORS: Final = (
    Vendor(
        "groq",
        encoders.Groq,
        cache=prompt_caches.groq,
        limit_headers=rate_limit_headers.OPENAI,
        hosts=("api.groq.com",),
        bases=("/openai/v1",),
        model="llama-3.3-70b-versatile",
        form=VendorChatForm(
            call_id=VendorIdFormat("", 9, LOWER),
            body={
                "service_tier": "on_demand",
                "system_fingerprint": "fp_ed9190d8b7",
                "usage_breakdown": None,
            },
            chunk={"system_fingerprint": "fp_c82faf3ca0"},
            choice=LOGPROBS,
            thinking="reasoning",
            without_text={},
            complete_calls=True,
            usage=encoders.groq_usage,
        ),
        errors=VendorErrors(
            errors.rows(
                {"rate_limit": "Rate limit reached for model `{model}`. Please try again in {wait}."},
                not_found=OpenAiErrorRow(
                    404,
                    INVALID,
                    "unknown_url",
                    "Unknown request URL: {method} {path}. Please check the URL for typos, or see the docs at "
                    "https://console.groq.com/docs/",
                ),
                model_deprecated=OpenAiErrorRow(
                    400,
                    INVALID,
                    "model_decommissioned",
                    "The model `{model}` has been decommissioned and is no longer supported. Please refer to "
                    "https://console.groq.com/docs/deprecations for a recommendation on which model to use "
                    "instead.",
                ),
            ),
            errors.without_nulls,
            event="error",
            spent=rate_limit_headers.SPENT_OPENAI,
        ),
        headers={
            "x-request-id": encoders.GROQ_REQUEST_ID,
            "x-ratelimit-limit-requests": "14400",
            "x-ratelimit-limit-tokens": "30000",
            "x-ratelimit-remaining-requests": "14399",
            "x-ratelimit-remaining-tokens": "29983",
            "x-ratelimit-reset-requests": "6s",
            "x-ratelimit-reset-tokens": "34ms",
        },
        openai_request=request_edits.groq_request,
        edit_response=object_edits.unpadded,
    ),
    Vendor(
        "together",
        together.together_encoder,
        limit_headers=rate_limit_headers.TOGETHER,
        hosts=("api.together.xyz", "api.together.ai"),
        edit_completion=object_edits.together_completion,
        model="meta-llama/Llama-3.3-70B-Instruct-Turbo",
        form=VendorChatForm(
            id=VendorIdFormat("ovCayuC-fdNmn-", 16, HEX),
            call_id=VendorIdFormat("call_", 24, LOWER),
            body={"prompt": []},
            choice=LOGPROBS,
            message={"tool_calls": []},
            indexed_calls=True,
            calls_with_finish="each",
            thinking="reasoning",
            usage=together.together_usage,
            usage_chunk="finish",
            always_usage=True,
            media="text/event-stream;charset=utf-8",
        ),
        errors=VendorErrors(
            errors.rows({"authentication": "Invalid API key provided."}),
            spent=rate_limit_headers.SPENT_TOGETHER,
        ),
        headers={
            "x-inference-version": "v2",
            "x-api-received": "2025-02-20T03:48:32.000Z",
            "x-api-call-start": "2025-02-20T03:48:32.000Z",
            "x-api-call-end": "2025-02-20T03:48:33.000Z",
            "x-ratelimit": "false",
            "x-ratelimit-limit": "10",
            "x-ratelimit-limit-tokens": "3000",
            "x-ratelimit-remaining": "9",
            "x-ratelimit-remaining-tokens": "2963",
            "x-ratelimit-reset": "1",
        },
        media="application/json; charset=utf-8",
        openai_request=request_edits.together_request,
    ),
    Vendor(
        "deepseek",
        encoders.DeepSeek,
        cache=prompt_caches.deepseek,
        prices=deepseek.PRICES,
        title="DeepSeek",
        hosts=("api.deepseek.com",),
        bases=("", "/v1"),
        model="deepseek-chat",
        form=VendorChatForm(
            id=VendorIdFormat(),
            call_id=response_ids.DEEPSEEK_CALL,
            body={"system_fingerprint": "fp_8b330d02d0_prod0820_fp8_kvcache_20260402"},
            chunk={"system_fingerprint": "fp_8b330d02d0_prod0820_fp8_kvcache_20260402"},
            choice=LOGPROBS,
            thinking="reasoning_content",
            without_text={"content": ""},
            indexed_calls=True,
            usage=encoders.deepseek_usage,
            usage_chunk="finish",
            always_usage=True,
            null_usage=True,
            media="text/event-stream; charset=utf-8",
        ),
        errors=VendorErrors(
            errors.rows({}, **errors.DEEPSEEK),
            errors.deepseek,
            mask=errors.deepseek_mask,
        ),
        headers={"x-ds-trace-id": HEX32},
        edit_response=object_edits.deepseek,
        response_ids=response_ids.DeepSeekIds,
        check_items=deepseek.check_calls,
        check_chat=deepseek.check_chat,
    ),
    Vendor(
        "mistral",
        encoders.Mistral,
        cache=prompt_caches.small_steps,
        telemetry_name="mistral_ai",
        limit_headers=rate_limit_headers.MISTRAL,
        hosts=("api.mistral.ai",),
        maximum_field="max_tokens",
        model="mistral-small-latest",
        form=VendorChatForm(
            id=HEX32,
            call_id=VendorIdFormat("", 9),
            message={"tool_calls": None},
            thinking="content",
            without_text={"content": ""},
            indexed_calls=True,
            complete_calls=True,
            calls_with_finish="last",
            usage=encoders.mistral_usage,
            usage_chunk="finish",
            always_usage=True,
            media="text/event-stream; charset=utf-8",
        ),
        errors=VendorErrors(
            errors.rows({}, **errors.MISTRAL),
            errors.mistral,
            headers=dict.fromkeys(
                ("authentication", mistral.MALFORMED), ("mistral-correlation-id", "x-kong-request-id")
            ),
            edit=mistral.malformed,
            spent=rate_limit_headers.SPENT_MISTRAL,
        ),
        headers={
            "mistral-correlation-id": VendorIdFormat(),
            "x-kong-request-id": VendorIdFormat(),
            "x-ratelimit-limit-req-minute": "360",
            "x-ratelimit-limit-tokens-minute": "500000",
            "x-ratelimit-remaining-req-minute": "359",
            "x-ratelimit-remaining-tokens-minute": "499849",
            "x-ratelimit-tokens-query-cost": "151",
        },
        check_chat=mistral.check_chat,
        check_embeddings=mistral.check_embeddings,
        edit_embeddings=object_edits.mistral_embeddings,
        edit_model=object_edits.mistral_model,
        openai_request=request_edits.mistral_request,
    ),
    Vendor(
        "xai",
        encoders.Grok,
        cache=prompt_caches.small_steps,
        title="xAI",
        telemetry_name="x_ai",
        limit_headers=rate_limit_headers.NO_RESET,
        hosts=("api.x.ai",),
        model="grok-4",
        form=VendorChatForm(
            id=VendorIdFormat(),
            call_id=VendorIdFormat("call_", 8, DIGITS),
            body={"system_fingerprint": "fp_eb3c003fc66c14ed"},
            chunk={"system_fingerprint": "fp_eb3c003fc66c14ed"},
            message={"refusal": None},
            thinking="reasoning_content",
            without_text={"content": ""},
            complete_calls=True,
            usage=encoders.grok_usage,
            always_usage=True,
        ),
        errors=VendorErrors(
            errors.rows(
                {},
                authentication=OpenAiErrorRow(
                    400,
                    INVALID,
                    "invalid-argument",
                    "Incorrect API key provided. You can obtain an API key from https://console.x.ai.",
                ),
            ),
            errors.xai,
            headers={"authentication": ()},
            spent=rate_limit_headers.SPENT_NO_RESET,
        ),
        headers={
            "x-request-id": VendorIdFormat(),
            "x-ratelimit-limit-requests": "480",
            "x-ratelimit-limit-tokens": "4000000",
            "x-ratelimit-remaining-requests": "479",
            "x-ratelimit-remaining-tokens": "3999697",
            "x-zero-data-retention": "false",
        },
        edit_response=object_edits.xai,
        response_ids=response_ids.XaiIds,
        openai_request=request_edits.without_schemas,
    ),
    Vendor(
        "openrouter",
        openrouter.OpenRouter,
        cache=prompt_caches.openrouter,
        title="OpenRouter",
        hosts=("openrouter.ai",),
        bases=("/api/v1",),
        model="openai/gpt-4o-mini",
        form=VendorChatForm(
            id=VendorIdFormat("gen-1784218677-", 20),
            choice=LOGPROBS,
            message={"refusal": None, "reasoning": None},
            thinking="reasoning",
            without_text={"content": None},
            indexed_calls=True,
            usage=openrouter.openrouter_usage,
            always_usage=True,
            images=True,
        ),
        errors=VendorErrors(
            errors.rows(
                {"authentication": "No auth credentials found", "rate_limit": "Provider returned error"},
                model_not_found=replace(
                    ROWS["model_not_found"], status=400, message="{model} is not a valid model ID"
                ),
                insufficient_quota=replace(
                    ROWS["insufficient_quota"], status=402, message="Insufficient credits"
                ),
            ),
            errors.openrouter,
        ),
        headers={"x-generation-id": VendorIdFormat("gen-1784218677-", 20)},
        edit_response=object_edits.openrouter,
        response_ids=response_ids.OpenRouterIds,
        edit_embeddings=object_edits.openrouter_embeddings,
        openai_request=request_edits.openrouter_request,
    ),
    Vendor(
        "ollama",
        encoders.Ollama,
        hosts=("ollama.com", "localhost:11434", "127.0.0.1:11434"),
        model="llama3.2",
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
            errors.rows(
                {},
                authentication=OpenAiErrorRow(401, "api_error", None, "Unauthorized"),
                model_not_found=OpenAiErrorRow(
                    404, "api_error", None, 'model "{model}" not found, try pulling it first'
                ),
                server_error=OpenAiErrorRow(500, "api_error", None, "internal server error"),
            )
        ),
        headers={"x-request-id": VendorIdFormat()},
        openai_request=request_edits.without_schemas,
    ),
    Vendor(
        "cerebras",
        own_encoders.Cerebras,
        cache=prompt_caches.cerebras,
        hosts=("api.cerebras.ai",),
        model="llama-3.3-70b",
        form=VendorChatForm(
            body={
                "system_fingerprint": "fp_46358675aa6b1ba4d98d",
                "time_info": {
                    "queue_time": 0.0088,
                    "prompt_time": 0.0028,
                    "completion_time": 0.0177,
                    "total_time": 0.0315,
                    "created": 1781021261.165281,
                },
            },
            chunk={"system_fingerprint": "fp_46358675aa6b1ba4d98d"},
            choice=LOGPROBS,
            thinking="reasoning",
            without_text={},
            usage=encoders.cerebras_usage,
            usage_chunk="finish",
            always_usage=True,
        ),
        openai_request=request_edits.cerebras_request,
        errors=VendorErrors(errors.rows({}, **errors.CEREBRAS), errors.cerebras),
    ),
    *NEWER,
)
