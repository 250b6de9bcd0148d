"""The listening sockets of several workers on the same addresses.

Each worker has one socket on each address, and the kernel spreads connections over them (`SO_REUSEPORT`).
The supervisor holds all of them open, so connections that wait for a worker that died reach the worker after it.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Sequence
from typing import Final, TypeAlias

from mockllm.server.http_server import Address, CannotListen, bind, cannot_listen

_BACKLOG: Final = 4096
SPREADS: Final = sys.platform == "linux"
"""Whether the kernel spreads connections over sockets with SO_REUSEPORT."""
ListeningSocket: TypeAlias = tuple[socket.socket, bool]
"""A socket, and whether it serves HTTPS."""


def listen(addresses: Sequence[Address], workers: int) -> tuple[list[Address], list[list[ListeningSocket]]]:
    """Return the addresses with their ports, and the sockets of each worker. Raises CannotListen."""
    listening: list[Address] = []
    sockets: list[list[ListeningSocket]] = [[] for _ in range(workers)]
    for address in addresses:
        first = bind(address)  # without SO_REUSEPORT, so that another server on the port is noticed
        names = [(sock.family, sock.getsockname()) for sock in first]
        listening.append(address._replace(port=names[0][1][1]))
        if not SPREADS:
            for own in sockets:  # one queue for all workers
                own += [(sock, address.tls) for sock in first]
            continue
        for sock in first:
            sock.close()
        for family, name in names:
            for own in sockets:
                own.append((_reused(family, name, address), address.tls))
    return listening, sockets


def _reused(family: int, name: tuple[str, int], address: Address) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(name[0] != "::"))
        sock.bind(name)
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise CannotListen(cannot_listen(address._replace(port=name[1]), error)) from error
    sock.setblocking(False)
    return sock
