"""Parser of the option `--upstream PROVIDER=URL`."""

from __future__ import annotations

from mockllm.dialects.registry import PROVIDERS
from mockllm.recordings.interaction import OTHER
from mockllm.scenario.diagnostics import suggestion
from mockllm.scenario.language.proxy import is_base_url


def upstream(text: str) -> tuple[str, str]:
    """Parse an upstream such as `openai=https://api.openai.com`. Raises ValueError."""
    name, equals, url = text.partition("=")
    name = name.strip()
    if not equals or not name or not is_base_url(url):
        raise ValueError(f"expected PROVIDER=URL, such as openai=https://api.openai.com; found {text!r}")
    if name not in PROVIDERS and name != OTHER:
        raise ValueError(f"{name} is not a known provider{suggestion(name, [*sorted(PROVIDERS), OTHER])}")
    return name, url.rstrip("/")
