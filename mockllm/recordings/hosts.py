"""The provider of a host, and the paths of its requests on this server, which serves all providers on one address."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.providers import REGISTERED
from mockllm.dialects.registry import PROVIDERS
from mockllm.scenario.diagnostics import suggestion
from mockllm.scenario.language.proxy import is_base_url
from mockllm.scenario.vocabulary import RESERVED

OTHER: Final = "other"
"""The upstream of requests to unknown providers."""


def local_path(host: str | None, path: str) -> str:
    """Return the path on this server for a path of a host."""
    known = (host or "").lower()
    for provider in REGISTERED:
        if any(known == end or known.endswith(f".{end}") for end in provider.hosts):
            return f"/{provider.name}{path}"
    name = known.partition(":")[0]
    return f"/{name}{path}" if name and own_path(path) else path


def own_path(path: str) -> bool:
    """Return whether this server reserves a path. Such a path of another host gets the host's name as prefix."""
    return path.strip("/").partition("/")[0] in RESERVED


def upstream(text: str) -> tuple[str, str]:
    """Parse an upstream such as `openai=https://api.openai.com`. Raises ValueError."""
    name, equals, url = text.partition("=")
    name = name.strip()
    if not equals or not name or not is_base_url(url):
        raise ValueError(f"expected PROVIDER=URL, such as openai=https://api.openai.com; found {text!r}")
    if name not in PROVIDERS and name != OTHER:
        raise ValueError(f"{name} is not a known provider{suggestion(name, [*sorted(PROVIDERS), OTHER])}")
    return name, url.rstrip("/")
