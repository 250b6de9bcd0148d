"""The supervisor: starts workers, replaces those that die, and lets all of them change their rules together."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from itertools import count
from typing import Final

from mockllm.scenario.catalog import Catalog
from mockllm.server.app import App
from mockllm.server.control.api import ControlApi
from mockllm.server.control.problem import Problem
from mockllm.server.engine_builder import LoadedRules
from mockllm.server.reload import NotChanged
from mockllm.server.workers.channel import CallFailed, ChannelClosed, Handler
from mockllm.server.workers.forked_process import ForkedProcess
from mockllm.server.workers.forwarded_control import WorkerFollower
from mockllm.server.workers.group_engine_state import GroupEngineState
from mockllm.server.workers.listening_sockets import ListeningSocket
from mockllm.server.workers.no_store import ERROR_TEXT
from mockllm.server.workers.restart_pauses import RestartPauses
from mockllm.server.workers.served_reports import MAX_SILENCES, REPORT_TIME, ServedReports
from mockllm.server.workers.shared_connections import SharedConnections
from mockllm.server.workers.worker_handle import WorkerHandle, start_failure, start_worker
from mockllm.server.workers.worker_report import WorkerReport
from mockllm.server.workers.worker_settings import WorkerSettings
from mockllm.store.named_states import NamedState, stored_states

PREPARE_TIME: Final = 60.0
"""Seconds in which a worker compiles rules."""
PAUSE_TIME: Final = 5.0
"""Seconds in which a worker pauses its requests. The others have paused theirs meanwhile."""
TELL_TIME: Final = 30.0
"""Seconds for which a call of the control API waits until the workers know what it changes, also while one starts."""
COLLECT_INTERVAL: Final = 2.0
"""Seconds between two collections of the journals: what a killed worker served since the last one is lost."""
SILENCE: Final = MAX_SILENCES * REPORT_TIME
"""The least seconds after which a worker that sends nothing is ended."""
COLLECTING: Final = "collect"
"""The name of the task that does it."""
POLL: Final = 0.1
"""Seconds between two looks at a change of the store that takes long."""
HURRY_TIME: Final = 2.0
"""Seconds in which a worker ends at once. One that does not is killed."""


class CannotServe(Exception):
    """Why no worker can serve, as one line for the user."""


class Supervisor:
    """The workers of one server. `app` is what the control API shows: it serves no request of a provider."""

    def __init__(
        self,
        app: App,
        state: GroupEngineState,
        sockets: Sequence[Sequence[ListeningSocket]],
        settings: WorkerSettings,
        say: Callable[[str], None],
        forked: Sequence[ForkedProcess] = (),
    ) -> None:
        """`forked` are the first workers, where they run already. `settings` are what each worker process is started
        with. `say` prints a line on the terminal."""
        self._app = app
        self._state = state
        self._sockets = sockets
        self._settings = settings
        self._say = say
        self._connections = SharedConnections(state.counts.fd, len(sockets))
        self._forked = dict(enumerate(forked))
        self._workers: dict[int, WorkerHandle] = {}  # by their index, from 0
        self._served = ServedReports(app, state, self._workers)
        self._serials = count(1)
        self._packed = b""
        """The present rules, pickled."""
        self._changing = asyncio.Lock()
        self._started = asyncio.Event()
        """All workers serve; none is replaced before."""
        self._stopping = False
        self._ended = asyncio.Event()
        self.failure = ""
        """Why no worker serves and a new one cannot; `on_failure` is called then."""
        self.on_failure: Callable[[], None] = lambda: None
        self._pauses = RestartPauses()
        self._tasks: set[asyncio.Task[None]] = set()

    # --- start and end -------------------------------------------------------------------------

    async def start(self, catalog: Catalog, rules: LoadedRules) -> None:
        """Start all workers with these rules; they listen when this returns. Raises CannotServe."""
        self._packed = pickle.dumps(tuple(rules), -1)
        table = self._state.table.assign([item.key for item in catalog.items])
        self._state.table.use(table, catalog.keys)
        self._state.keys = catalog.keys
        await self._state.expect(catalog.keys)
        async with self._changing:
            try:
                await asyncio.gather(*[self._start(index) for index in range(len(self._sockets))])
            except CannotServe:
                self._stopping = True
                raise
        self._started.set()
        self._spawn(self._collect_at_intervals())

    async def _start(self, index: int) -> None:
        try:
            worker = await self._launched(index)
        except OSError as error:
            raise CannotServe(f"worker {index + 1} does not start: {error}") from None
        try:
            async with asyncio.timeout(PREPARE_TIME):
                await self._give_rules(worker)
        except (CallFailed, ChannelClosed, TimeoutError) as failure:
            raise CannotServe(await start_failure(worker, failure)) from None

    async def _launched(self, index: int) -> WorkerHandle:
        """Return a new worker, which has no rules yet. Raises OSError where the system refuses a process."""
        forked, counts = self._forked.pop(index, None), self._state.counts.fd
        settings: WorkerSettings = {**self._settings, "started": self._app.started, "counts": counts}
        worker = await start_worker(
            index, next(self._serials), self._sockets[index], settings, self._handlers, forked
        )
        self._workers[index] = worker
        self._spawn(self._watch(worker))
        return worker

    async def _give_rules(self, worker: WorkerHandle) -> None:
        await worker.channel.call("prepare", self._packed, self._state.table.cells)
        await worker.channel.call("set_clocks", self._state.sent_clocks)
        await worker.channel.call("commit")
        worker.serves = True

    async def _watch(self, worker: WorkerHandle) -> None:
        """Wait for the end of a worker, and replace it."""
        how = await worker.end()
        worker.channel.close()
        self._forget(worker)
        await self._started.wait()
        if self._stopping:
            if not self._workers:
                self._ended.set()
            return
        self._say(f"worker {worker.index + 1} {how}; another one takes its place")
        pause: float | None = self._pauses.after(worker)
        while pause is not None:
            await asyncio.sleep(pause)
            async with self._changing:
                pause = None if self._stopping else await self._replace(worker.index)

    async def _replace(self, index: int) -> float | None:
        """Start another worker. One that fails or does not respond is ended, and its own watch replaces it. Return
        the seconds until the next try where the system refuses a process."""
        try:
            worker = await self._launched(index)
        except OSError as error:
            pause = self._pauses.after_failed_start(index)
            self._say(f"worker {index + 1} does not start: {error}; the next try is in {pause:g} s")
            return pause
        try:
            async with asyncio.timeout(PREPARE_TIME):
                await self._give_rules(worker)
        except ChannelClosed:
            return None
        except (CallFailed, TimeoutError) as failure:
            text = await start_failure(worker, failure)
            self._say(text)
            worker.kill()
            if isinstance(failure, CallFailed) and not self._served.serving:
                self.failure = f"no worker serves: {text}"
                self.on_failure()
        return None

    def _forget(self, worker: WorkerHandle) -> None:
        self._workers.pop(worker.index, None)
        self._connections.clear(worker.index)
        self._served.forget(worker)

    async def stop(self, *, at_once: asyncio.Event) -> None:
        """Let all workers end their responses, and end them; at once if the event is set."""
        self._stopping = True
        for task in tuple(self._tasks):
            if task.get_name() == COLLECTING:
                task.cancel()
        for own in self._sockets:
            for sock, _ in own:
                sock.close()
        self._stop_workers()
        hurry = asyncio.get_running_loop().create_task(self._hurry(at_once))
        if self._workers:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), self._app.limits.grace + REPORT_TIME)
        hurry.cancel()
        for worker in tuple(self._workers.values()):
            worker.kill()
        if self._workers:
            await self._ended.wait()
        self._served.number()

    async def _hurry(self, at_once: asyncio.Event) -> None:
        await at_once.wait()
        self._stop_workers()
        await asyncio.sleep(HURRY_TIME)
        for worker in tuple(self._workers.values()):
            worker.kill()

    # --- rules ---------------------------------------------------------------------------------

    async def change(self, catalog: Catalog, rules: LoadedRules) -> None:
        """Let all workers use these rules, from one moment on. Raises NotChanged, and none uses them."""
        async with self._changing:
            packed = pickle.dumps(tuple(rules), -1)
            table = self._state.table.assign([item.key for item in catalog.items])
            workers = tuple(self._workers.values())
            try:
                await self._all(workers, PREPARE_TIME, "prepare", packed, table)
                await self._state.expect(catalog.keys)
                await self._all(workers, PAUSE_TIME, "pause")
            except NotChanged:
                for worker in workers:
                    worker.channel.notify("abort")
                await self._state.expect(self._state.keys)
                raise
            self._packed = packed
            self._state.table.use(table, catalog.keys)
            await self._all(workers, PAUSE_TIME, "commit")
        self._spawn(self._state.change_store())

    async def load_certificate(self) -> None:
        """Let all workers load their certificate again. Raises NotChanged, which names those that do not."""
        async with self._changing:
            await self._all(self._served.serving, PAUSE_TIME, "load_certificate")

    async def _all(self, workers: Sequence[WorkerHandle], seconds: float, name: str, *values: object) -> None:
        """Give all workers an order. A worker that has ended obeys all. Raises NotChanged."""
        calls = [asyncio.wait_for(worker.channel.call(name, *values), seconds) for worker in workers]
        faults: list[str] = []
        for worker, result in zip(workers, await asyncio.gather(*calls, return_exceptions=True), strict=True):
            if isinstance(result, TimeoutError):
                faults.append(f"worker {worker.index + 1} does not respond")
            elif isinstance(result, CallFailed):
                faults.append(f"worker {worker.index + 1}: {result}")
        if faults:
            raise NotChanged("; ".join(faults))

    # --- calls of the control API --------------------------------------------------------------

    async def collect(self) -> None:
        """Get the journals, the metrics and the responses in flight up to now."""
        await self._served.collect()

    @property
    def store_problem(self) -> str | None:
        """Why the store is away or refuses a change; None if it does not, or if there is none."""
        store = self._state.store
        return None if store is None else store.link.problem or self._state.refused_change

    def require_sessions(self) -> None:
        """Raise a Problem without a store."""
        if self._state.store is None:
            raise Problem(400, ERROR_TEXT.format("sessions"))

    async def has_session(self, id: str) -> bool | None:
        store = self._state.store
        return False if store is None else await store.has_session(id)

    async def named_states(self, catalog: Catalog, sessions: Iterable[str]) -> Iterable[NamedState]:
        """Return the named states in the store; none without one, as no rule sets any then."""
        store = self._state.store
        return () if store is None else await stored_states(store, catalog, sessions)

    @property
    def count_changes(self) -> int:
        return self._state.count_changes

    async def conclude(self, before: int) -> None:
        """Wait until all workers know what a call has changed. Where it has changed counts, of which there were
        `before` changes, wait for the store. Raises a Problem for one that stays away, which is changed when it is
        back, and where a worker does not respond."""
        store = self._state.store
        change = self._spawn(self._state.change_store())
        waits = self._state.count_changes != before
        end = time.monotonic() + (0.0 if store is None else store.wait)
        while waits and not change.done():  # it may delete much
            await asyncio.wait([change], timeout=max(POLL, end - time.monotonic()))
            if self.store_problem is not None:
                break
        try:
            await self._tell_workers()
        except NotChanged as reason:
            raise Problem(503, f"Not all processes know what this call changes: {reason}.") from None
        if not waits:
            return
        if not change.done():
            away = "is away" if self._state.refused_change is None else "refuses the change"
            why = f"The store {away} ({self.store_problem}). What this call changes in it follows when it is back."
            raise Problem(503, why)
        change.result()

    async def renumber(self, replica: int) -> None:
        """Let all workers go on with the numbers of another replica."""
        self._settings["replica"] = replica
        for worker in self._workers.values():
            worker.channel.notify("renumber", replica)

    async def _tell_workers(self) -> None:
        """Tell the workers what has changed of sessions. A worker that starts is waited for. Raises NotChanged."""
        try:
            async with asyncio.timeout(TELL_TIME), self._changing:
                await self._tell(self._served.serving)
        except TimeoutError:
            raise NotChanged("the start of one, or another change, takes long") from None

    async def _tell(self, workers: Sequence[WorkerHandle]) -> None:
        """An order that not all have obeyed is repeated by the next call, with those after it."""
        state = self._state
        clocks = state.clocks
        if clocks != state.sent_clocks:
            await self._all(workers, PAUSE_TIME, "set_clocks", clocks)
            state.sent_clocks = clocks
        for _ in range(len(state.orders)):
            name, values = state.orders[0]
            await self._all(workers, PAUSE_TIME, name, *values)
            del state.orders[0]

    async def _collect_at_intervals(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "it runs as a task"
        task.set_name(COLLECTING)
        while True:
            await asyncio.sleep(COLLECT_INTERVAL)
            await self.collect()
            for worker in self._served.hung:
                worker.silences = 0
                self._say(f"worker {worker.index + 1} has sent nothing for {SILENCE:g} s: it is ended")
                worker.kill()

    # --- calls of workers ----------------------------------------------------------------------

    def _handlers(self, worker: WorkerHandle) -> Mapping[str, Handler]:
        """Return the functions that a worker may call."""
        follower: list[WorkerFollower] = []

        async def control(
            method: str, path: str, query: str, headers: Mapping[str, str], raw: bytes, client_address: str
        ) -> object:
            return await self._control.respond(method, path, query, headers, raw, client_address)

        async def refused_follower(headers: Mapping[str, str], client_address: str) -> object:
            return self._control.refused_follower(headers, client_address)

        async def follow() -> None:
            follower.append(WorkerFollower(worker.channel))
            self._control.live_feed.attach(follower[0])

        async def unfollow() -> None:
            if follower:
                self._control.live_feed.detach(follower.pop())

        async def ended(report: WorkerReport) -> None:
            self._served.take(worker, report)

        worker.left.append(unfollow)
        return {
            function.__name__: function for function in (control, refused_follower, follow, unfollow, ended)
        }

    @property
    def _control(self) -> ControlApi:
        control = self._app.control
        assert isinstance(control, ControlApi), "the supervisor has the control API"
        return control

    def _stop_workers(self) -> None:
        for worker in self._workers.values():
            worker.channel.notify("stop")

    def _spawn(self, task: Coroutine[object, object, None]) -> asyncio.Task[None]:
        running = asyncio.get_running_loop().create_task(task)
        self._tasks.add(running)
        running.add_done_callback(self._ended_task)
        return running

    def _ended_task(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            print(f"mockllm: the supervisor has failed: {error!r}", file=sys.stderr)
