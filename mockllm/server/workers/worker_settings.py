"""The settings with which a worker process begins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict

from mockllm.server.http_server import Address
from mockllm.server.server_limits import ServerLimits
from mockllm.store.connection import StoreAddress


class WorkerSettings(TypedDict):
    """The settings of all workers, and those that only one worker has."""

    limits: ServerLimits
    addresses: Sequence[Address]
    controlled: bool
    """Whether the control API is served on the worker's addresses."""
    replica: int
    store: StoreAddress | None
    started: NotRequired[float]
    """When the server started, on a monotonic clock."""
    counts: NotRequired[int]
    """The descriptor of the shared counts."""
    index: NotRequired[int]
    listening: NotRequired[Sequence[tuple[int, bool]]]
    """The descriptors of its sockets, each with whether it uses TLS."""
