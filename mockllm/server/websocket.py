"""Serves the WebSockets of the provider routes: each message that is a request is one exchange. aiohttp reads frames,
pings and closes. A player writes the frames of responses at their times."""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections import deque
from collections.abc import Sequence
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Final, cast

from msgspec.structs import replace

from mockllm.core.rendering.plan import Delivery, Plan, RawStep, ResponseHead, Step, WaitStep
from mockllm.core.rendering.websocket_frames import binary_frame, close_frame, text_frame
from mockllm.core.rendering.websocket_session import (
    WEBSOCKET_METHOD,
    ChangeStoredObjects,
    CloseWebSocket,
    PlayMessages,
    SendMessages,
    ServeOthers,
    StartResponse,
    StopResponse,
    WebSocketAction,
    WebSocketSession,
)
from mockllm.engine import PlannedResponse
from mockllm.server.builtin_pages import text_page
from mockllm.server.client_messages import BoundedMessages
from mockllm.server.deferred_planning import set_deferred_response
from mockllm.server.exchange import NO_RESPONSE_YET, Exchange
from mockllm.server.exchange_end import SERVER_FAILED, abandon_exchange, end_exchange, end_failed_response
from mockllm.server.json_structure import structure_failure_in_slices, takes_long_to_read
from mockllm.server.refused_bodies import refuse_body
from mockllm.server.request_heads import RequestHead
from mockllm.server.request_reading import (
    read_history_in_thread,
    read_in_thread,
    read_request,
    wait_until_rules_are_stable,
)
from mockllm.server.respond import make_response, set_engine_response, start_player
from mockllm.server.store_waits import change_stored_objects, fetch, wait_for_store
from mockllm.server.waits_before_response import wait_for_release, wait_for_release_and_delay
from mockllm.server.websocket_acceptance import accept_websocket
from mockllm.server.websocket_output import MessagePlayer, WebSocketOutput, with_frame_ends
from mockllm.state.fetched_objects import MissingStoredObject, ObjectToFetch, value_or_fetch

if TYPE_CHECKING:
    from mockllm.server.app import App

MAX_WAITING: Final = 32
"""The most requests of a queue that wait for the one before (`StartResponse.queue_name`)."""
MAX_QUEUES: Final = 128
"""The most queues that have a response at a time, as the streams of a connection of HTTP/2: a client names them."""
GOING_AWAY: Final = 1001
POLICY_VIOLATION: Final = 1008
INTERNAL_ERROR: Final = 1011
"""Close codes (RFC 6455, section 7.4.1)."""
ROUNDING_ERROR: Final = 1e-6
"""More seconds than sums of waits differ by where they are added in different orders."""
FAILED_RESPONSE: Final = PlannedResponse(
    replace(text_page(500, f"{SERVER_FAILED}.\n"), delivery=Delivery(sends_nothing=True)), None
)
"""The response to a message that the server itself has failed to serve. Nothing of it is sent."""


async def serve_websocket(app: App, exchange: Exchange) -> None:
    """Open the WebSocket of a handshake, and serve it until one side closes it."""
    await wait_for_release_and_delay(app, exchange)
    plan, head, socket = exchange.response.plan, exchange.head, exchange.socket_sink
    assert plan.delivery.websocket_factory is not None
    session = cast(WebSocketSession, plan.delivery.websocket_factory())
    response = await accept_websocket(app, exchange, plan.head.headers, "realtime")
    if response is None:
        return
    sent_head = ResponseHead(plan.head.status, tuple(response.headers.items()))  # as aiohttp wrote it
    exchange.response = replace(exchange.response, content=replace(plan, head=sent_head))
    rule, time_scale = exchange.response.responder_id, exchange.response.time_scale
    output = WebSocketOutput(socket)
    response.send_frames_to(output)
    server = WebSocketConnection(app, head, output, exchange.client_address, session, rule, time_scale)
    end_exchange(app, exchange, "finished")
    app.unfinished_exchanges -= 1  # a server that stops does not wait for WebSockets without a response
    close = server.close_later(plan.steps)
    try:
        await server.run(BoundedMessages(response, output, app.limits))
    finally:
        if close is not None:
            close.cancel()
        app.unfinished_exchanges += 1
        await server.end()


class WebSocketConnection:
    """One WebSocket: its session, and the responses that are sent on it, by their queues."""

    def __init__(
        self,
        app: App,
        head: RequestHead,
        output: WebSocketOutput,
        client_address: str,
        session: WebSocketSession,
        rule: str | None = None,
        time_scale: float = 1.0,
    ) -> None:
        """`rule`: the id of the rule whose recording is played. `time_scale`: the factor on the waits of the
        handshake and of the recording."""
        self._app, self._head, self._sink, self._client_address = app, head, output.sink, client_address
        self._output = output
        self._session, self._rule, self._time_scale = session, rule, time_scale
        self._heads: dict[str, RequestHead] = {}
        """The heads of messages, by the names of their events."""
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._running: dict[str, Exchange] = {}
        self._waiting: dict[str, deque[StartResponse | PlayMessages]] = {}
        self._holds: dict[str, asyncio.Task[None]] = {}
        """The waits for a release, by their queues."""
        self._stopping: set[str] = set()
        """The queues whose response is to end as soon as it has begun."""

    async def run(self, messages: BoundedMessages) -> None:
        """Carry out what the session makes of the client's messages, until the WebSocket closes. A mistake of the
        server itself closes it, too."""
        try:
            self._perform(self._session.opening())
        except (Exception, MissingStoredObject):
            self._fail()
            return
        async for message in messages:
            if self._output.silent:
                continue  # a dead peer serves nothing
            try:
                await self._receive(message.data, messages)
            except (Exception, MissingStoredObject):
                self._fail(self._failed_exchange(message.data))
            if self._sink.connection.transport is None or (self._app.draining and not self._tasks):
                break

    async def _receive(self, message: str | bytes, messages: BoundedMessages) -> None:
        """Carry out what the session makes of a message. Other clients are served between parts of long work."""
        for action in self._session.receive(message, time.time(), self._played):
            if not isinstance(action, ServeOthers):
                self._perform((action,))
                continue
            await messages.serve_others()
            if self._sink.connection.transport is None:
                return

    def _fail(self, exchange: Exchange | None = None) -> None:
        """Close the WebSocket after a mistake of the server itself, which is being handled. Log its traceback, and
        end the exchange that it concerns."""
        traceback.print_exc(file=sys.stderr)
        self._close(INTERNAL_ERROR, SERVER_FAILED)
        if exchange is not None:
            if exchange.response is NO_RESPONSE_YET:
                exchange.request, exchange.response = None, FAILED_RESPONSE
            end_failed_response(self._app, exchange)

    def _failed_exchange(self, message: str | bytes) -> Exchange:
        """Return the exchange of a message that the session has failed to read."""
        raw = message if isinstance(message, bytes) else message.encode("utf-8", "replace")
        return self._exchange(StartResponse("message", raw))

    def close_later(self, steps: Sequence[Step]) -> asyncio.TimerHandle | None:
        """Close the WebSocket at the time of a fault of its handshake, whatever runs then."""
        if not steps:
            return None
        wait = sum(step.seconds for step in steps if isinstance(step, WaitStep))
        last = b"".join(step.data for step in steps if isinstance(step, RawStep))
        return asyncio.get_running_loop().call_later(wait * self._time_scale, self._output.end_with, last)

    async def end(self) -> None:
        """End all responses, and close the WebSocket."""
        self._output.finish_frame()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._app.draining:
            self._close(GOING_AWAY, "")

    def _perform(self, actions: Sequence[WebSocketAction]) -> None:
        for action in actions:
            if isinstance(action, SendMessages):
                frame = binary_frame if action.binary else text_frame
                self._output.write(b"".join(map(frame, action.payloads)))
            elif isinstance(action, StartResponse | PlayMessages):
                self._start(action)
            elif isinstance(action, StopResponse):
                self._stop(action.queue_name)
            elif isinstance(action, ChangeStoredObjects):
                change_stored_objects(self._app, action.session, action.update)
            else:
                assert isinstance(action, CloseWebSocket)
                self._close(action.code, action.reason)

    def _close(self, code: int, reason: str) -> None:
        self._output.end_with(close_frame(code, reason))

    def _start(self, action: StartResponse | PlayMessages) -> None:
        if action.queue_name in self._tasks:
            waiting = self._waiting.setdefault(action.queue_name, deque())
            if len(waiting) >= MAX_WAITING:
                self._close(POLICY_VIOLATION, f"more than {MAX_WAITING} requests wait")
            else:
                waiting.append(action)
            return
        if len(self._tasks) >= MAX_QUEUES:
            self._close(POLICY_VIOLATION, f"more than {MAX_QUEUES} responses at a time")
            return
        task = asyncio.get_running_loop().create_task(self._serve(action))
        self._tasks[action.queue_name] = task

    def _stop(self, queue_name: str) -> None:
        """End a response after the written bytes, and notify the session. One that has not begun to play ends as soon
        as it is planned, and nothing of it is sent. A hold ends at once."""
        if queue_name not in self._tasks:
            return
        exchange = self._running.get(queue_name)
        player = None if exchange is None else cast("MessagePlayer | None", exchange.player)
        if exchange is None or player is None:
            self._stopping.add(queue_name)
            if queue_name in self._holds:
                self._holds[queue_name].cancel()
            return
        player.finish_frame()
        if player.play_end is not None:
            return  # all is written: its task ends it in this iteration
        sent = self._played(queue_name)
        self._tasks[queue_name].cancel()
        player.stop()
        self._end_stopped(queue_name, exchange, self._app.deadlines.time() - exchange.monotonic, sent)

    def _end_stopped(self, queue_name: str, exchange: Exchange, elapsed: float, sent: float) -> None:
        del self._running[queue_name], self._tasks[queue_name]
        exchange.response = replace(
            exchange.response, notes=(*exchange.response.notes, f"cancelled after {elapsed:.3g}s")
        )
        end_exchange(self._app, exchange, "finished")
        self._perform(self._session.ended(queue_name, sent))
        self._next(queue_name)

    def _played(self, queue_name: str) -> float:
        """Return for how many seconds of its plan a response has been sent (`PlayedSeconds`)."""
        exchange = self._running.get(queue_name)
        if exchange is None or exchange.player is None or not exchange.player.write_times:
            return -inf
        elapsed = exchange.player.write_times[-1] - exchange.monotonic + ROUNDING_ERROR
        scale = exchange.response.time_scale
        return elapsed / scale if scale else inf

    async def _serve(self, action: StartResponse | PlayMessages) -> None:
        """Serve one request to its end."""
        queue_name = action.queue_name
        app, exchange = self._app, self._exchange(action)
        self._running[queue_name] = exchange
        app.unfinished_exchanges += 1
        try:
            if isinstance(action, PlayMessages):
                self._set_recorded(exchange, action)
            finished = await self._respond(exchange, queue_name)
        except ConnectionError:
            finished = False
        except (Exception, MissingStoredObject):
            self._fail(exchange)
            finished = False
        finally:
            app.unfinished_exchanges -= 1
            if not exchange.ended:
                abandon_exchange(app, exchange)
        if self._running.get(queue_name) is exchange:
            self._stopping.discard(queue_name)
            del self._running[queue_name], self._tasks[queue_name]
            if finished:
                self._continue(queue_name)

    def _continue(self, queue_name: str) -> None:
        """Carry out what the session makes of the end of a response, then serve the next request of its queue."""
        try:
            self._perform(self._session.ended(queue_name, None))
        except (Exception, MissingStoredObject):
            self._fail()
        else:
            self._next(queue_name)

    def _next(self, queue_name: str) -> None:
        waiting = self._waiting.get(queue_name)
        if waiting is None or queue_name in self._tasks:
            return
        action = waiting.popleft()
        if not waiting:
            del self._waiting[queue_name]
        self._start(action)

    def _set_recorded(self, exchange: Exchange, played: PlayMessages) -> None:
        """Set the recorded messages as the response."""
        exchange.request = read_request(self._app, exchange)
        notes = () if played.note is None else (played.note,)
        exchange.response = PlannedResponse(played.plan, self._rule, notes=notes, time_scale=self._time_scale)

    def _exchange(self, action: StartResponse | PlayMessages) -> Exchange:
        app = self._app
        head = self._heads.get(action.kind)
        if head is None:
            head = self._heads[action.kind] = self._head.of_websocket_message(
                f"{WEBSOCKET_METHOD} {action.kind}"
            )
        exchange = Exchange(
            head=head,
            sink=self._sink,
            client_address=self._client_address,
            raw=action.body,
            body_complete=True,
        )
        exchange.now, exchange.monotonic = time.time(), app.deadlines.time()
        exchange.websocket_session = self._session
        return exchange

    async def _respond(self, exchange: Exchange, queue_name: str) -> bool:
        """Send the messages of a response. Return whether the WebSocket can be used further."""
        app = self._app
        if exchange.response is NO_RESPONSE_YET:
            await _make_response(app, exchange)
        if app.store_client is not None:
            await wait_for_store(app, exchange, app.store_client)
        if exchange.pending_response is not None:
            await set_deferred_response(app, exchange)
        if exchange.response.hold is not None and queue_name not in self._stopping:
            await self._wait_for_release(exchange, queue_name)
        messages = with_frame_ends(await self._messages(exchange, queue_name))
        stopped = queue_name in self._stopping
        if stopped:
            messages = replace(messages, steps=(), delay=0.0)
        if messages is not exchange.response.plan:
            exchange.response = exchange.response.with_plan(messages)
        scale = exchange.response.time_scale
        player = MessagePlayer(self._output, messages, app.deadlines, exchange.monotonic, scale)
        start_player(app, exchange, player)
        if stopped:
            self._stopping.remove(queue_name)
            self._end_stopped(queue_name, exchange, 0.0, -inf)
            return False
        end = await player.wait()
        if not exchange.ended:
            end_exchange(app, exchange, end)
        return exchange.end_reason == "finished"

    async def _messages(self, exchange: Exchange, queue_name: str) -> Plan:
        """Return the messages of a response. Stored objects that the session needs for them are fetched."""
        request = exchange.request
        assert request is not None, "messages are read by an engine"
        is_fetched = True
        while is_fetched:
            compute = partial(self._session.messages, queue_name, request, exchange.response.plan)
            messages = value_or_fetch(compute)
            if not isinstance(messages, ObjectToFetch):
                return messages
            is_fetched = await fetch(self._app, exchange, messages)
        return self._session.messages(queue_name, request, exchange.response.plan)  # of the error

    async def _wait_for_release(self, exchange: Exchange, queue_name: str) -> None:
        """Wait until a held response is released or stopped."""
        began = self._app.deadlines.time()
        hold = asyncio.get_running_loop().create_task(wait_for_release(self._app, exchange))
        self._holds[queue_name] = hold
        try:
            await hold
        except asyncio.CancelledError:
            if queue_name not in self._stopping:
                raise
            exchange.held_seconds = self._app.deadlines.time() - began
            exchange.monotonic += exchange.held_seconds
        finally:
            del self._holds[queue_name]


async def _make_response(app: App, exchange: Exchange) -> None:
    """Set the request and the response. A thread reads a long request, and a long history."""
    if app.rule_change_done is not None:
        await wait_until_rules_are_stable(app)
        exchange.now, exchange.monotonic = time.time(), app.deadlines.time()
    if takes_long_to_read(exchange.raw):
        failure = await structure_failure_in_slices(exchange.raw, app.limits)
        if failure is not None:
            refuse_body(app, exchange, failure)
            return
        exchange.structure_checked = True
        await read_in_thread(app, exchange)
    make_response(app, exchange)
    if exchange.history_is_unread:
        request = await read_history_in_thread(app, exchange)
        set_engine_response(app, exchange, app.engine.begin_response(request))
