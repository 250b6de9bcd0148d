"""Whose API a host is: where its requests stand on this server, which serves all of them on one address."""

from __future__ import annotations

from typing import Final

from mockllm.dialects.providers import REGISTERED
from mockllm.dialects.registry import PROVIDERS
from mockllm.scenario.diagnostics import meant
from mockllm.scenario.language.proxy import is_base
from mockllm.scenario.vocabulary import RESERVED

OTHER: Final = "other"
"""The upstream of requests that are no provider's, as far as is known here."""


def placed(host: str | None, path: str) -> str:
    """The path at which this server answers what the host answered at this one."""
    known = (host or "").lower()
    for provider in REGISTERED:
        if any(known == end or known.endswith(f".{end}") for end in provider.hosts):
            return f"/{provider.name}{path}"
    name = known.partition(":")[0]
    return f"/{name}{path}" if name and own_path(path) else path


def own_path(path: str) -> bool:
    """Whether this server keeps a path for itself. What another host answers there stands behind the host's name."""
    return path.strip("/").partition("/")[0] in RESERVED


def upstream(text: str) -> tuple[str, str]:
    """`openai=https://api.openai.com`: whose requests go where. Raises ValueError."""
    name, equals, url = text.partition("=")
    name = name.strip()
    if not equals or not name or not is_base(url):
        raise ValueError(f"expected PROVIDER=URL, such as openai=https://api.openai.com; found {text!r}")
    if name not in PROVIDERS and name != OTHER:
        raise ValueError(
            f"{name} is no provider that is known here{meant(name, [*sorted(PROVIDERS), OTHER])}"
        )
    return name, url.rstrip("/")
