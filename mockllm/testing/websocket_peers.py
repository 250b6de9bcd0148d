"""Whether the peer of a socket is in this process."""

from __future__ import annotations

import os
import re
import socket
import stat
from contextlib import closing
from pathlib import Path
from typing import Final

_LISTENING: Final = "0A"
"""The state of a listening socket in /proc/net/tcp."""
_INODE: Final = re.compile(r"socket:\[(\d+)\]")
_own: set[int] = set()
"""The ports on which this process is known to listen."""


def outside_peer(file: int) -> str | None:
    """Return the address of the peer of a connection, if it is in another process; None for anything else."""
    try:
        if stat.S_ISFIFO(os.fstat(file).st_mode):
            return "the writer of a pipe"
        with closing(socket.socket(fileno=os.dup(file))) as end:
            if end.family == socket.AF_UNIX:
                return str(end.getpeername() or "") or None
            if end.family not in (socket.AF_INET, socket.AF_INET6) or end.type != socket.SOCK_STREAM:
                return None
            if end.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                return None
            peer, port = end.getpeername()[:2], end.getsockname()[1]
    except OSError:  # no socket, or no connection yet
        return None
    if is_own_port(peer[1]) or is_own_port(port):
        return None
    return f"{peer[0]}:{peer[1]}"


def is_own_port(port: int) -> bool:
    """Return whether this process listens on a port. Where the system does not say, any port may be its own."""
    if port in _own:
        return True
    found = _listening_ports()
    if found is None:
        return True
    _own.clear()
    _own.update(found)
    return port in _own


def _listening_ports() -> set[int] | None:
    """Return the ports on which this process listens; None where the system does not say."""
    try:
        own = {
            match[1]
            for name in os.listdir("/proc/self/fd")
            if (match := _INODE.match(_link(f"/proc/self/fd/{name}")))
        }
        lines = [
            line.split()
            for table in ("tcp", "tcp6")
            if (file := Path(f"/proc/self/net/{table}")).exists()
            for line in file.read_text().splitlines()[1:]
        ]
    except OSError:
        return None
    return {int(line[1].rpartition(":")[2], 16) for line in lines if line[3] == _LISTENING and line[9] in own}


def _link(path: str) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""
