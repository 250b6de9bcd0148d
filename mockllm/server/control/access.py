"""Who may use the control API: this machine freely, others with the admin token; and no web page of another
origin, neither by a name that it had resolve to this machine nor by a form that it posts.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from hmac import compare_digest
from ipaddress import ip_address
from typing import Final

from msgspec import Struct

from mockllm.core.display import brief
from mockllm.server.control.problem import Problem

HEADER: Final = "x-mockllm-admin-token"
SAFE: Final = frozenset({"GET", "HEAD"})
"""The methods that change nothing."""
PASSED_ON: Final = ("forwarded", "x-forwarded-for", "x-real-ip")
"""What a proxy says of whom it asks for: all the world may look like this machine behind one."""
ELSEWHERE: Final = frozenset({"cross-site", "same-site"})
"""What a browser says (`sec-fetch-site`) of a page of another origin."""


class Access(Struct, frozen=True):
    """`token` opens it to other machines; `names` are those of this machine that a browser may use."""

    token: str | None = None
    names: frozenset[str] = frozenset()

    def check(self, method: str, headers: Mapping[str, str], client: str) -> None:
        """Raises Problem where it is refused."""
        given = _token(headers)
        if self.token is not None and given is not None:
            if not compare_digest(given.encode("utf-8", "replace"), self.token.encode()):
                raise Problem(401, "This is not the admin token.")
            return  # a page of another origin cannot know it
        if self._has_cookie(headers):
            self._check_origin(method, headers)
            return
        if not is_loopback(client) or any(name in headers for name in PASSED_ON):
            if self.token is not None:
                raise Problem(401, f"Send the admin token: Authorization: Bearer TOKEN, or {HEADER}.")
            raise Problem(403, "Only this machine may use the control API; --admin-token opens it to others.")
        self._check_host(headers)
        self._check_origin(method, headers)

    @property
    def cookie(self) -> tuple[str, str]:
        """Name and value of the cookie that stands for the token in a browser. Browsers keep cookies for all ports
        of a host together: another server's token has another name."""
        stamp = blake2b((self.token or "").encode(), digest_size=32, person=b"mockllm cookie").hexdigest()
        return f"mockllm_admin_{stamp[:8]}", stamp[8:]

    def _has_cookie(self, headers: Mapping[str, str]) -> bool:
        sent = headers.get("cookie")
        if self.token is None or sent is None:
            return False
        name, value = self.cookie
        pairs = (each.strip().partition("=") for each in sent.split(";"))
        return any(
            key == name and compare_digest(found.encode("utf-8", "replace"), value.encode())
            for key, _, found in pairs
        )

    def _check_host(self, headers: Mapping[str, str]) -> None:
        host = headers.get("host", "")
        name = host_name(host)
        if not (is_address(name) or name in ("localhost", *self.names) or name.endswith(".localhost")):
            raise Problem(
                403, f"The Host {brief(host)} is no name of this machine; ask for localhost or its address."
            )

    def _check_origin(self, method: str, headers: Mapping[str, str]) -> None:
        if method in SAFE:
            return
        host = headers.get("host", "")
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if (origin is not None and origin.lower() not in _origins(host)) or site in ELSEWHERE:
            raise Problem(403, "A web page of another origin may not change anything.")


def _token(headers: Mapping[str, str]) -> str | None:
    bearer = headers.get("authorization", "")
    if bearer[:7].lower() == "bearer ":
        return bearer[7:].strip()
    return headers.get(HEADER)


def _origins(host: str) -> tuple[str, str]:
    return f"http://{host.lower()}", f"https://{host.lower()}"


def host_name(host: str) -> str:
    """The name or address in a Host header, without its port."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")


def is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(client: str) -> bool:
    """Whether a peer's address is one of this machine's own."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
