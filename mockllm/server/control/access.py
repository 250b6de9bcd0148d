"""Access to the control API: free from this machine, with the admin token from others.

Web pages of another origin are refused, whether they use DNS rebinding or post a form.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from hmac import compare_digest
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from msgspec import Struct

from mockllm.core.display import brief
from mockllm.server.control.problem import Problem

HEADER: Final = "x-mockllm-admin-token"
SAFE: Final = frozenset({"GET", "HEAD"})
"""Methods that change nothing."""
PROXY_HEADERS: Final = ("forwarded", "x-forwarded-for", "x-real-ip")
"""Headers that a proxy adds: behind a proxy on this machine, every client has a loopback address."""
OTHER_SITES: Final = frozenset({"cross-site", "same-site"})
"""Values of `sec-fetch-site` that a browser sends for a page of another origin."""


class Access(Struct, frozen=True):
    """The rules of access. `token` admits other machines; `names` are the host names that a browser may use."""

    token: str | None = None
    names: frozenset[str] = frozenset()

    def check(self, method: str, headers: Mapping[str, str], client: str) -> None:
        """Raise Problem if a call is refused."""
        sent = _token(headers)
        if self.token is not None and sent is not None:
            if not compare_digest(sent.encode("utf-8", "replace"), self.token.encode()):
                raise Problem(401, "This is not the admin token.")
            return  # a page of another origin cannot know the token
        if self._has_cookie(headers):
            self._check_origin(method, headers)
            return
        if not is_loopback(client) or any(name in headers for name in PROXY_HEADERS):
            if self.token is not None:
                raise Problem(401, f"Send the admin token: Authorization: Bearer TOKEN, or {HEADER}.")
            raise Problem(403, "Only this machine may use the control API; --admin-token opens it to others.")
        self._check_host(headers)
        self._check_origin(method, headers)

    @property
    def cookie(self) -> tuple[str, str]:
        """Name and value of the cookie that replaces the token in a browser.

        Browsers share cookies between all ports of a host, so the name differs for each token.
        """
        digest = blake2b((self.token or "").encode(), digest_size=32, person=b"mockllm cookie").hexdigest()
        return f"mockllm_admin_{digest[:8]}", digest[8:]

    def _has_cookie(self, headers: Mapping[str, str]) -> bool:
        sent = headers.get("cookie")
        if self.token is None or sent is None:
            return False
        name, value = self.cookie
        pairs = (pair.strip().partition("=") for pair in sent.split(";"))
        return any(
            key == name and compare_digest(text.encode("utf-8", "replace"), value.encode())
            for key, _, text in pairs
        )

    def _check_host(self, headers: Mapping[str, str]) -> None:
        host = headers.get("host", "")
        name = host_name(host)
        if not (_address(name) or name in ("localhost", *self.names) or name.endswith(".localhost")):
            raise Problem(
                403, f"The Host {brief(host)} is not a name of this machine; use localhost or its address."
            )

    def _check_origin(self, method: str, headers: Mapping[str, str]) -> None:
        if method in SAFE:
            return
        host = headers.get("host", "")
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if (origin is not None and origin.lower() not in _origins(host)) or site in OTHER_SITES:
            raise Problem(403, "A web page of another origin may not change anything.")


def _token(headers: Mapping[str, str]) -> str | None:
    bearer = headers.get("authorization", "")
    if bearer[:7].lower() == "bearer ":
        return bearer[7:].strip()
    return headers.get(HEADER)


def _origins(host: str) -> tuple[str, str]:
    return f"http://{host.lower()}", f"https://{host.lower()}"


def host_name(host: str) -> str:
    """Return the name or address in a Host header, without its port."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_loopback(client: str) -> bool:
    """Return whether a client's address is a loopback address."""
    address = _address(client.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped is not None and mapped.is_loopback
