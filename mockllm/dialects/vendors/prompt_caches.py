"""How vendors cache prompts, in the order of the table.

Sources of steps: recorded counts, and the vendors' pages on prompt caches, autumn of 2026. Recorded of DeepSeek:
128, 256, 384, 512 and 896. Recorded of xAI: 128 and 192. Recorded of Mistral: 192 of 291; its page names blocks of
64 tokens. Recorded of OpenRouter with GPT-5.6: 4,012 of 4,020 written, then read. No recording shows the steps of
Groq and Cerebras.

No recording shows how long an entry lasts. The pages state:

- DeepSeek (https://api-docs.deepseek.com/guides/kv_cache): an unused entry lasts a few hours to a few days. Here it
  lasts two hours, the least of it.
- Groq (https://console.groq.com/docs/prompt-caching): two hours without use.
- Cerebras (https://inference-docs.cerebras.ai/capabilities/prompt-caching): five minutes are guaranteed, an hour is
  possible. Its blocks have 100 to 600 tokens; here 128.
- xAI (https://docs.x.ai/developers/advanced-api-usage/prompt-caching/best-practices): an entry can go at any time.
- Mistral (https://docs.mistral.ai/studio-api/conversations/advanced/prompt-caching): the part that was read names no
  time.

Five minutes for xAI and Mistral are this project's choice.
"""

from __future__ import annotations

from typing import Final

from mockllm.core.prompt_cache.policy import CachePolicy, StepCache
from mockllm.core.request.request import Request
from mockllm.dialects.openai.prompt_cache import prompt_cache_policy as openai_cache

_DEEPSEEK: Final = StepCache(128, 128, lifetime=7200.0)
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
    """Return how the model provider caches a prompt."""
    maker = (request.model or "").partition("/")[0]
    if maker == "openai":
        return openai_cache(request)
    return {"deepseek": _DEEPSEEK, "x-ai": _SMALL_STEPS, "mistralai": _SMALL_STEPS}.get(maker)
