"""Holds tests to this machine: a framework that phones home (telemetry, price lists, tracing) fails its test.

Used in both environments, so it needs nothing but pytest.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from typing import Any

import pytest


def _near(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Names and addresses of other machines are refused, and the test fails because it has used them."""
    requests: list[Any] = []
    resolve, connect = socket.getaddrinfo, socket.socket.connect

    def resolving(host: Any, *rest: Any, **more: Any) -> Any:
        if not _near(host):
            requests.append(host)
            raise socket.gaierror(f"{host} is not this machine")
        return resolve(host, *rest, **more)

    def connecting(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not _near(address[0]):
            requests.append(address)
            raise ConnectionRefusedError(f"{address} is not this machine")
        connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", resolving)
    monkeypatch.setattr(socket.socket, "connect", connecting)
    yield
    assert requests == []
