"""The address of the server in programs that the control API writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockllm.core.request.server_address import DEFAULT_URL, scheme
from mockllm.server.control.access import HOST

if TYPE_CHECKING:
    from mockllm.server.http_server import Address


def called_address(headers: Mapping[str, str], providers: Address | None) -> str:
    """Return scheme, host and port to which a call was sent. `providers`: where the provider routes are if the
    control API has its own port.

    The host is a client's text, and the address becomes part of code: `DEFAULT_URL` replaces all that is no host. The
    scheme is that of `x-forwarded-proto`.
    """
    found = HOST.fullmatch(headers.get("host", "").lower())
    if found is None:
        return DEFAULT_URL
    if providers is not None:
        name = f"[{found[1]}]" if found[1] else found[2]
        return f"http{'s' * providers.tls}://{name}:{providers.port}"
    return f"{scheme(headers)}://{found[0]}"
