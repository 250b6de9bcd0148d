"""`proxy`: the request is forwarded to another server, whose response is returned unchanged."""

from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator

from mockllm.core.quantities.types import quantity_error
from mockllm.scenario.language.base import Spec, short_form


def is_base_url(url: str) -> bool:
    """Return whether requests can be sent below a URL: HTTP, a host, a possible port, no query, and no password
    in plain text."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises what `urlsplit` does not
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
    if not is_base_url(url):
        raise quantity_error(f'expected an address such as https://api.openai.com, found "{url}"')
    return url.rstrip("/")


class ProxySpec(Spec):
    """Forwards the request with the client's own headers and key, and returns the response unchanged."""

    to: Annotated[str, AfterValidator(_base)]
    """The address of the upstream server; the path of the request is appended."""
    record: bool = False
    """Whether the exchange is recorded, if the server runs with `--record-misses DIR`."""


Proxy: TypeAlias = Annotated[ProxySpec, short_form("to")]
