"""`proxy`: a request is passed on, and what is answered there is the answer.

Apart from the other answers, because it says where a request goes, which a person who takes a pack wants to know.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

from mockllm.core.quantities.types import quantity_error
from mockllm.scenario.language.base import Spec


def is_base(url: str) -> bool:
    """Whether requests can be sent below it: HTTP, a host, no query, and no password for all to read."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https")
        and bool(parts.hostname)
        and not parts.query
        and not parts.fragment
        and "@" not in parts.netloc
    )


def _base(url: str) -> str:
    if not is_base(url):
        raise quantity_error(f'expected an address such as https://api.openai.com, found "{url}"')
    return url.rstrip("/")


class ProxySpec(Spec):
    """The request goes on, with the client's own headers and key, and the answer comes through as it is."""

    to: Annotated[str, AfterValidator(_base)]
    """Where to; the request's path stands behind it."""
    record: bool = False
    """Whether what is answered is written down, where the server is given `--record-misses DIR`."""


def _proxy(value: Any) -> Any:
    """A bare text is the address."""
    return {"to": value} if isinstance(value, str) else value


Proxy: TypeAlias = Annotated[ProxySpec, BeforeValidator(_proxy, json_schema_input_type=str | ProxySpec)]
