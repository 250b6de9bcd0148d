"""Access to the control API: free from this machine, with the admin token from others.

Web pages of another origin are refused, whether they use DNS rebinding or post a form.
"""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import blake2b
from hmac import compare_digest
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from math import ceil
from typing import Final

from msgspec import Struct, field

from mockllm.core.display import brief
from mockllm.server.control.problem import Problem
from mockllm.server.upstreams import RECORDER_HEADER
from mockllm.server.webhooks import WEBHOOK_HEADER

HEADER: Final = "x-mockllm-admin-token"
SAFE: Final = frozenset({"GET", "HEAD"})
"""Methods that change nothing."""
PROXY_HEADERS: Final = ("forwarded", "x-forwarded-for", "x-real-ip", RECORDER_HEADER, WEBHOOK_HEADER)
"""Headers that a proxy adds: behind a proxy on this machine, every client has a loopback address. A server like this
one is such a proxy: it forwards requests, and sends webhooks."""
OTHER_SITES: Final = frozenset({"cross-site", "same-site"})
"""Values of `sec-fetch-site` that a browser sends for a page of another origin."""
SAME_ORIGIN: Final = "same-origin"
"""The value for a page of the same origin. No script can set this header."""
FREE_ATTEMPTS: Final = 10
"""Wrong tokens of an address without a wait; each further one doubles the wait."""
MAX_DELAY: Final = 60.0
"""Longest wait in seconds."""
MAX_ADDRESSES: Final = 1_000
"""Most addresses whose wrong tokens are counted."""

HOST: Final = re.compile(
    r"(?:\[([0-9a-f.]*:[0-9a-f:.]*(?:%[\w.~-]+)?)\]|([\w.~-]*[\w~-])\.?)(?::[0-9]{0,5})?"
)
"""An IPv6 address in brackets, or a name or another address; then a port. No other text may be beside them."""


class WrongTokens:
    """Makes clients wait that send wrong admin tokens, so that none can try many. Bounded: the addresses that were
    wrong first are forgotten first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()
        """By address: how many wrong tokens came, and until when no token is read."""

    def check(self, client_address: str) -> None:
        """Raise Problem while an address has to wait."""
        _, until = self._counts.get(_network(client_address), (0, 0.0))
        wait = until - self._clock()
        if wait > 0:
            detail = f"Too many wrong admin tokens came from this address; try again in {ceil(wait)} s."
            raise Problem(429, detail, retry_after=ceil(wait))

    def add(self, client_address: str) -> None:
        """Count a wrong token of an address."""
        address = _network(client_address)
        count = self._counts.pop(address, (0, 0.0))[0] + 1
        delay = min(2.0 ** (count - FREE_ATTEMPTS), MAX_DELAY) if count > FREE_ATTEMPTS else 0.0
        self._counts[address] = (count, self._clock() + delay)
        if len(self._counts) > MAX_ADDRESSES:
            self._counts.popitem(last=False)

    def forget(self, client_address: str) -> None:
        """Forget the wrong tokens of an address that sent the right one."""
        self._counts.pop(_network(client_address), None)

    def __len__(self) -> int:
        return len(self._counts)


class Access(Struct, frozen=True):
    """The rules of access. `token` admits other machines; `names` are the host names that a browser may use."""

    token: str | None = None
    names: frozenset[str] = frozenset()
    wrong: WrongTokens = field(default_factory=WrongTokens)

    def check(self, method: str, headers: Mapping[str, str], client_address: str) -> None:
        """Raise Problem if a call is refused."""
        sent = _token(headers)
        if self.token is not None and sent is not None:
            self.check_token(sent, client_address)
            return  # a page of another origin cannot know the token
        if self._has_cookie(headers):
            self._check_origin(method, headers)
            return
        if not is_local(headers, client_address):
            if self.token is not None:
                raise Problem(401, f"Send the admin token: Authorization: Bearer TOKEN, or {HEADER}.")
            raise Problem(403, "Only this machine may use the control API; --admin-token opens it to others.")
        self._check_host(headers)
        self._check_origin(method, headers)

    def check_token(self, sent: str, client_address: str) -> None:
        """Raise Problem if this is not the admin token, or if the client has to wait after wrong ones."""
        self.wrong.check(client_address)
        if not compare_digest(sent.encode("utf-8", "replace"), (self.token or "").encode()):
            self.wrong.add(client_address)
            raise Problem(401, "This is not the admin token.")
        self.wrong.forget(client_address)

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
        own = _address(name) or name in ("localhost", *self.names) or name.endswith(".localhost")
        if not (name and own):  # no set of names makes a malformed Host one of them
            raise Problem(
                403, f"The Host {brief(host)} is not a name of this machine; use localhost or its address."
            )

    def _check_origin(self, method: str, headers: Mapping[str, str]) -> None:
        if method not in SAFE and is_from_other_page(headers):
            raise Problem(403, "A web page of another origin may not change anything.")


def _network(client_address: str) -> str:
    """Return the address of a client; of IPv6 the network, in which one machine has many addresses."""
    try:
        address = ip_address(client_address.partition("%")[0])
    except ValueError:
        return client_address
    return str(ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


def _token(headers: Mapping[str, str]) -> str | None:
    own = headers.get(HEADER)
    bearer = headers.get("authorization", "")
    if own is None and bearer[:7].lower() == "bearer ":  # beside the own header it is a provider's key
        return bearer[7:].strip()
    return own


def is_from_other_page(headers: Mapping[str, str]) -> bool:
    """Return whether a browser sends this for a page of another origin. Through a proxy the Host may differ from the
    origin, but the browser then says that both are the same."""
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    if site in OTHER_SITES:
        return True
    return (
        origin is not None and site != SAME_ORIGIN and origin.lower() not in _origins(headers.get("host", ""))
    )


def _origins(host: str) -> tuple[str, str]:
    return f"http://{host.lower()}", f"https://{host.lower()}"


def host_name(host: str) -> str:
    """Return the name or address in a Host header, without its port; empty for a malformed one."""
    found = HOST.fullmatch(host.strip(" \t").lower())
    return "" if found is None else found[1] or found[2]


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_local(headers: Mapping[str, str], client_address: str) -> bool:
    """Return whether a call is from this machine, and through no proxy on it."""
    return is_loopback(client_address) and not any(name in headers for name in PROXY_HEADERS)


def is_loopback(client_address: str) -> bool:
    """Return whether a client's address is a loopback address."""
    address = _address(client_address.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped is not None and mapped.is_loopback
