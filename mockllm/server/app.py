"""The parts and the settings of one server, and what it counts of its running exchanges.

A reload replaces `engine` in one assignment. Running responses end with the engine that began them; the
present engine decides the rest of a suspended response.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from mockllm.core.request.request import Request
from mockllm.server.access_log import AccessLog
from mockllm.server.batch_server_protocol import BatchServerProtocol
from mockllm.server.deadlines import Clock, Deadlines, LoopClock
from mockllm.server.held_responses import HeldResponses
from mockllm.server.http1 import DateLine, forget_prerendered
from mockllm.server.journal.journal import Journal
from mockllm.server.json_structure import depth_only_below
from mockllm.server.metrics import Metrics
from mockllm.server.protocols import (
    ControlApiProtocol,
    CountingRounds,
    EngineProtocol,
    StoreClientProtocol,
)
from mockllm.server.request_body import MAX_AT_ONCE
from mockllm.server.request_heads import RequestHeadCache
from mockllm.server.server_limits import ServerLimits
from mockllm.server.serving_metrics import AllServingMetrics
from mockllm.server.suspended_exchange import SuspendedExchange
from mockllm.server.worker_thread import WorkerThread

if TYPE_CHECKING:
    from ssl import SSLContext

    from mockllm.server.provider_proxy import ProviderProxy
    from mockllm.server.webhooks import WebhookSender


@dataclass(eq=False, repr=False)
class LateParts:
    """The parts of an `App` that are set after it is made. The dataclass sets them on the instance: Python 3.11 reads
    attributes of an instance five times as fast as the defaults of a class. Each request reads several."""

    make_control: Callable[[], ControlApiProtocol] | None = None
    """Makes the control API for its first call: `server.control` takes some milliseconds to load."""
    store_client: StoreClientProtocol | None = None
    """Decides where the engine cannot, since the counts are not in this process."""
    provider_proxy: ProviderProxy | None = None
    """Forwards requests to providers; made for the first rule that proxies, unless the server records."""
    webhooks: WebhookSender | None = None
    """Sends webhooks; made for the first one."""
    webhook_hosts: frozenset[str] = frozenset()
    """The hosts, beside this machine, that receive webhooks."""
    batches: BatchServerProtocol | None = None
    """Serves the lines of batches; made for the first one."""
    make_batch_server: Callable[[App], BatchServerProtocol] | None = None
    """Makes the batch server; the server of the app sets it."""
    tls: SSLContext | None = None
    """The certificates of the addresses with TLS."""
    gzip: bool = False
    """Whether responses are compressed for clients that accept gzip; nearly all clients do."""
    control_only: bool = False
    """Whether the control API and `/health` are all that is served."""
    report_connections: Callable[[str, int], int] | None = None
    """Gets how many connections a client address has in this process, whenever that changes. Returns how many it has
    in all processes. None where there is one process."""
    counting_rounds: CountingRounds | None = None
    """None where there is one process."""
    rule_change_done: asyncio.Event | None = None
    """Not None while all workers change their rules together; the event is set when they have. Meanwhile the server
    serves only the requests of clients that half-close the connection or disconnect."""
    unfinished_exchanges: int = 0
    """The number of exchanges that are completed in a task, or wait for a decision of the store. Those of live feeds
    and open WebSockets are not among them; their messages with a response are."""
    draining: bool = False
    """Whether the server stops: connections end with their next response."""
    aborting_responses: bool = False
    """Whether the server itself cuts the responses that still play."""


class App(LateParts):
    """The objects that all exchanges of a server share. It is no application of ASGI or aiohttp. Without
    `access_log`, no line is formatted. `clock` makes a loop's clock, by which responses wait."""

    def __init__(
        self,
        engine: EngineProtocol,
        *,
        limits: ServerLimits | None = None,
        allow_cors: bool = True,
        access_log: AccessLog | None = None,
        clock: Callable[[asyncio.AbstractEventLoop], Clock] = LoopClock,
    ) -> None:
        super().__init__()
        self.engine, self._clock = engine, clock
        self.allow_cors = allow_cors
        """Whether web pages of other origins may call the provider routes."""
        self.limits = limits or ServerLimits()
        self.depth_only_below = depth_only_below(self.limits)
        """Below how many bytes only the depth of a body is checked."""
        self.metrics = Metrics()
        self.journal = Journal(self.limits.journal, self.limits.journal_bytes, self.metrics)
        self.access_log = access_log
        self.held_responses = HeldResponses()
        max_body = min(self.limits.body, MAX_AT_ONCE)
        self.head_cache = RequestHeadCache(max_body, self.limits.header)
        self.tls_head_cache = RequestHeadCache(max_body, self.limits.header)
        """The heads on connections with TLS: addresses in their responses begin with `https`."""
        self.date_line = DateLine()
        self.worker_thread = WorkerThread()
        """Does the work that takes longer than other requests may wait."""
        self.reading_thread = WorkerThread()
        """Reads long requests, which do not wait for long plans."""
        self.respond_again_lock = asyncio.Lock()
        """Held by the one response at a time that is made again, since what its request has read was changed."""
        self.started = time.monotonic()
        self.suspended_exchanges: dict[str, SuspendedExchange] = {}
        """The responses that wait for their clients' responses, by key. Some have no exchange any more."""
        self.responses_in_flight: dict[type[Request], int] = {}
        """The number of responses that take time at present, by the class of their request. They are played, come
        from a provider, or wait for their release or delay."""
        self.metrics.responses_in_flight = self.responses_in_flight
        self.serving_metrics = AllServingMetrics()
        """The metrics that providers with an inference server have under their own names."""

    @cached_property
    def storing(self) -> set[asyncio.Future[object]]:
        """The waits for the store that belong to no exchange."""
        return set()

    @cached_property
    def control(self) -> ControlApiProtocol | None:
        """The control API; it is made at the first use."""
        return None if self.make_control is None else self.make_control()

    @property
    def control_in_use(self) -> ControlApiProtocol | None:
        """The control API if it was set or made."""
        return self.__dict__.get("control")

    def count_in_flight(self, request_class: type[Request], change: int) -> None:
        """Count a response that begins (1) or ends (-1) to take time."""
        self.responses_in_flight[request_class] = self.responses_in_flight.get(request_class, 0) + change

    def replace_engine(self, engine: EngineProtocol) -> None:
        """Use another engine from the next request on. Cached heads have readers of the earlier engine, which would
        hold all its rules, and what is stored of its responses would hold those."""
        self.engine = engine
        forget_prerendered()
        self.head_cache.clear()
        self.tls_head_cache.clear()

    def start(self) -> None:
        """Begin on the running loop, which is the loop of all connections."""
        loop = asyncio.get_running_loop()
        self.deadlines = Deadlines(self._clock(loop))
        self.journal.start_timers(loop)
