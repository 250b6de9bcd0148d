"""LiteLLM's router with the pack `gateway-drill`: each failure leads to the fallback of its kind."""

from __future__ import annotations

import litellm
import pytest
from litellm import Router

KINDS = {"drill-context": "context", "drill-filter": "policy"}
"""The failures that have fallbacks of their own."""
DRILLS = [
    "drill-429", "drill-429-wait", "drill-429-date", "drill-529", "drill-500", "drill-502", "drill-504",
    "drill-context", "drill-filter", "drill-quota", "drill-key", "drill-retired", "drill-cut-first",
]  # fmt: skip
MESSAGES = [{"role": "user", "content": "hi"}]


def router(url: str, way: str, drill: str) -> Router:
    base = url if way == "anthropic" else f"{url}/v1"
    primary = {"model": f"{way}/{drill}", "api_base": base, "api_key": "key"}
    models = [{"model_name": "primary", "litellm_params": primary}]
    for name in ("usual", "context", "policy"):
        params = {"model": f"openai/{name}-fallback", "api_base": f"{url}/v1", "api_key": "key"}
        models.append({"model_name": name, "litellm_params": params})
    return Router(
        models,
        fallbacks=[{"primary": ["usual"]}],
        context_window_fallbacks=[{"primary": ["context"]}],
        content_policy_fallbacks=[{"primary": ["policy"]}],
        num_retries=0,
    )


@pytest.mark.parametrize("way", ["openai", "anthropic"])
@pytest.mark.parametrize("drill", DRILLS)
def test_failure_leads_to_the_fallback_of_its_kind(drill: str, way: str, drills: str) -> None:
    response = router(drills, way, drill).completion("primary", MESSAGES)
    expected = KINDS.get(drill, "usual") if way == "openai" else None
    text = response.choices[0].message.content
    assert text == f"{expected}-fallback responds." if expected else text.endswith("-fallback responds.")


def test_stream_without_a_chunk_falls_back(drills: str) -> None:
    stream = router(drills, "openai", "drill-cut-first").completion("primary", MESSAGES, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "usual-fallback responds."


@pytest.mark.parametrize("drill", ["drill-cut-half", "drill-cut-error"])
def test_stream_cut_in_the_middle_raises(drill: str, drills: str) -> None:
    texts: list[str] = []
    stream = router(drills, "openai", drill).completion("primary", MESSAGES, stream=True)
    with pytest.raises(litellm.APIConnectionError):
        texts.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "".join(texts) == "One two three four"
