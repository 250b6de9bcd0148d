"""A worker: one of the processes that serve requests, at the orders of a supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from mockllm.core.time_scale import ScenarioClock
from mockllm.engine import Engine
from mockllm.scenario.catalog import Catalog
from mockllm.server.app import App
from mockllm.server.ended_exchange import EndedExchange
from mockllm.server.engine_builder import Builder, LoadedRules
from mockllm.server.gc_policy import GcPolicy
from mockllm.server.http_server import Server
from mockllm.server.journal.journal import ENTRIES_AT_ONCE, Journal
from mockllm.server.metrics import Metrics
from mockllm.server.protocols import StoreClientProtocol
from mockllm.server.workers.channel import Channel, ChannelClosed, Handler
from mockllm.server.workers.forwarded_control import ForwardedControl
from mockllm.server.workers.worker_report import WorkerReport
from mockllm.state.shared_counts import SharedCounts
from mockllm.state.shared_engine_state import NUMBERS_PER_GROUP, SharedEngineState


class PreparedRules(Struct):
    """A catalog that is compiled and not yet used."""

    catalog: Catalog
    rules: LoadedRules


class WorkerStoreClient(StoreClientProtocol, Protocol):
    """Decides the requests of a worker that count."""

    @property
    def counts(self) -> Mapping[str, tuple[int, int]]:
        """The tries and responses of each key that were decided elsewhere for this process."""

    def retain(self, keys: frozenset[str]) -> None:
        """Forget the counts of all other keys."""

    def forget_session(self, id: str) -> None:
        """Forget that a session is used: it has ended."""

    def reset(self) -> None:
        """Forget all counts and sessions."""

    def close(self) -> None: ...


class Worker:
    """Serves an app that `make_app` makes of the first engine; `listen` makes its server."""

    def __init__(
        self,
        state: SharedEngineState,
        builder: Builder,
        make_app: Callable[[Engine], App],
        listen: Callable[[App], Server],
        store_client: WorkerStoreClient,
        load_certificate: Callable[[App], None],
        *,
        controlled: bool,
    ) -> None:
        """`load_certificate` raises CallFailed. `controlled`: whether the control API is served on the worker's
        addresses."""
        self._state = state
        self._builder = builder
        self._make_app = make_app
        self._listen = listen
        self._store_client = store_client
        self._load_certificate = load_certificate
        self._prepared: PreparedRules | None = None
        self._app: App | None = None
        self._server: Server | None = None
        self._taken = 0
        """The number of the last entry that the supervisor is known to have."""
        self._stopping = asyncio.Event()
        self._hurried = asyncio.Event()
        self.channel = Channel(self._orders)
        self._control = ForwardedControl(self.channel) if controlled else None

    @property
    def _orders(self) -> Mapping[str, Handler]:
        """The functions that the supervisor may call, by their names."""
        return {
            "prepare": self.prepare,
            "abort": self.abort,
            "pause": self.pause,
            "commit": self.commit,
            "report": self.report,
            "reset_metrics": self.reset_metrics,
            "reset_state": self.reset_state,
            "end_session": self.end_session,
            "reset_limits": self.reset_limits,
            "load_certificate": self.load_certificate,
            "set_clocks": self.set_clocks,
            "renumber": self.renumber,
            "frames": self.frames,
            "stop": self.stop,
        }

    async def run(self) -> None:
        """Serve until the supervisor stops the worker or has ended."""
        orders = asyncio.get_running_loop().create_task(self.channel.run())
        orders.add_done_callback(lambda _: self._stopping.set())
        await self._stopping.wait()
        if self._server is not None and self._app is not None:
            await self._server.stop(at_once=self._hurried)
            with contextlib.suppress(ChannelClosed):
                await self.channel.call("ended", await self.report(self._taken))
        self.channel.close()

    @property
    def app(self) -> App:
        assert self._app is not None, "the supervisor sends the rules first"
        return self._app

    @property
    def server(self) -> Server:
        assert self._server is not None, "the supervisor sends the rules first"
        return self._server

    # --- orders --------------------------------------------------------------------------------

    async def prepare(self, packed: bytes, table: Mapping[str, int]) -> None:
        """Compile rules, and use the cells of a table that has the keys of present and new rules."""
        rules = LoadedRules(*pickle.loads(packed))  # noqa: S301 - the supervisor pickled it
        catalog = await self._builder.compiled(rules)
        self._state.counters_without_session.use(table)
        self._prepared = PreparedRules(catalog, rules)

    async def abort(self) -> None:
        """Forget what was prepared, and serve on."""
        self._prepared = None
        if self._app is not None and self._app.rule_change_done is not None:
            self.server.resume()

    async def pause(self) -> None:
        """Serve no request until the prepared rules are used."""
        if self._server is not None:
            self._server.pause()

    async def commit(self) -> None:
        """Use the prepared rules. The first ones make the worker listen."""
        prepared, self._prepared = self._prepared, None
        assert prepared is not None, "rules were prepared"
        engine = self._builder.adopted(prepared.catalog, prepared.rules)
        self._store_client.retain(prepared.catalog.keys)
        if self._app is None:
            await self._begin(engine)
            return
        self._app.replace_engine(engine)
        self.server.resume()

    async def _begin(self, engine: Engine) -> None:
        app = self._app = self._make_app(engine)
        app.make_control = None if self._control is None else self._forwarded
        self._server = self._listen(app)
        await self._server.start()
        policy = GcPolicy(lambda: app.unfinished_exchanges > 0, lambda: app.engine)
        policy.begin(asyncio.get_running_loop())

    def _forwarded(self) -> ForwardedControl:
        assert self._control is not None, "only a controlled worker has a control API"
        return self._control

    async def report(self, taken: int) -> WorkerReport:
        """Return what was served. `taken`: the number of the last entry that the supervisor has."""
        self._taken = taken
        app, journal = self.app, self.app.journal
        for _ in range(journal.max_entries // ENTRIES_AT_ONCE + 1):
            if not journal.make_entries(ENTRIES_AT_ONCE):
                break
            await asyncio.sleep(0)
        journal.make_entries()
        journal.count_cached()
        return WorkerReport(
            journal.after(taken),
            journal.total,
            journal.unmatched,
            app.metrics,
            app.responses_in_flight,
            self._store_client.counts,
            app.serving_metrics,
        )

    async def reset_metrics(self) -> None:
        self.app.journal.count_cached()
        self.app.metrics.reset()

    async def reset_state(self) -> None:
        """Forget all that this process remembers of sessions."""
        self._state.reset()
        self._store_client.reset()

    async def end_session(self, id: str) -> None:
        self._state.end(id)
        self._store_client.forget_session(id)

    async def reset_limits(self, keys: frozenset[str] | None) -> None:
        """Reset the use of limits that this process has counted while the store was away."""
        self._state.reset_limits(keys)

    async def load_certificate(self) -> None:
        """Load the certificate of new connections again. Raises CallFailed, and the present one stays."""
        self._load_certificate(self.app)

    async def set_clocks(self, clocks: Mapping[str, ScenarioClock]) -> None:
        """Use these clocks of sessions, and no others."""
        self._state.clocks = clocks

    async def renumber(self, replica: int) -> None:
        """Go on with the numbers of another replica."""
        self._state.counters_without_session.first_number = replica * NUMBERS_PER_GROUP

    async def frames(self, data: bytes) -> None:
        if self._control is not None:
            self._control.send_frames(data)

    async def stop(self) -> None:
        """End when running responses have ended; at once if it is the second order."""
        (self._hurried if self._stopping.is_set() else self._stopping).set()


class MarkedJournal(Journal):
    """A worker's journal, which notes in shared memory how many requests it has. The supervisor reads the note when
    the worker was killed: so it knows how many entries are lost."""

    def __init__(
        self, max_entries: int, max_bytes: int, metrics: Metrics, counts: SharedCounts, cell: int
    ) -> None:
        super().__init__(max_entries, max_bytes, metrics)
        self._noted_total = counts.view(cell)

    def add(self, ended: EndedExchange) -> None:
        super().add(ended)
        self._noted_total[0] = self.total
