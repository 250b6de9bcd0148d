"""How vendors cache prompts, in the order of the table.

Sources: recorded counts, and the pages on prompt caches of DeepSeek (api-docs.deepseek.com/guides/kv_cache), xAI,
Groq, Cerebras and OpenRouter, autumn of 2026. Recorded of DeepSeek: 128, 256, 384, 512 and 896; of xAI: 128 and
192; of Mistral: 192 of 291; of OpenRouter with GPT-5.6: 4,012 of 4,020 written, then read. No recording shows the
steps of Groq and Cerebras, nor how long an entry lasts at any of them: these values are those of their pages, or
five minutes.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.prompt_cache.policy import CachePolicy, StepCache
from mockllm.core.request.request import Request
from mockllm.dialects.openai.prompt_cache import prompt_cache as openai_cache

_DEEPSEEK: Final = StepCache(128, 128, lifetime=3600.0)
_SMALL_STEPS: Final = StepCache(64, 64)
_GROQ: Final = StepCache(128, 128, lifetime=7200.0)
_CEREBRAS: Final = StepCache(128, 128)


def deepseek(request: Request) -> CachePolicy:
    return _DEEPSEEK


def small_steps(request: Request) -> CachePolicy:
    """Return how Mistral and xAI cache a prompt."""
    return _SMALL_STEPS


def groq(request: Request) -> CachePolicy:
    return _GROQ


def cerebras(request: Request) -> CachePolicy:
    return _CEREBRAS


def openrouter(request: Request) -> CachePolicy | None:
    """Return how the maker of the model caches a prompt."""
    maker = (request.model or "").partition("/")[0]
    if maker == "openai":
        return openai_cache(request)
    return {"deepseek": _DEEPSEEK, "x-ai": _SMALL_STEPS, "mistralai": _SMALL_STEPS}.get(maker)
