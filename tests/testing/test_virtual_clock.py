"""`mockllm_clock`: virtual time for clients and servers of one process."""

from __future__ import annotations

import _thread
import asyncio
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from time import monotonic as imported_monotonic
from time import sleep as imported_sleep
from typing import Any

import anthropic
import anyio
import openai
import pytest

from mockllm.testing import MockLLM
from mockllm.testing.loop_thread import virtual_time
from mockllm.testing.virtual_clock import VirtualTime, Waiter
from tests.server.test_websocket_recorder import opened
from tests.waiting import PATIENCE, until

MESSAGES: Any = [{"role": "user", "content": "hi"}]
WAITS = ({"error": {"type": "rate_limit", "retry_after": "30s"}}, {"error": "server_error"})


@pytest.fixture
def clock() -> Iterator[VirtualTime]:
    with virtual_time() as clock:
        yield clock


@pytest.fixture
def server() -> Iterator[MockLLM]:
    with MockLLM() as server:
        yield server


def took(work: Callable[[], object]) -> tuple[float, float]:
    """Return the virtual and the real seconds of some work."""
    virtual, real = time.monotonic(), time.perf_counter()
    work()
    return time.monotonic() - virtual, time.perf_counter() - real


def test_sleeps_take_virtual_time_only(clock: VirtualTime) -> None:
    virtual, real = took(lambda: time.sleep(3600))
    assert 3600 <= virtual < 3600 + real + 1
    assert real < PATIENCE


def test_functions_that_were_imported_by_name_are_virtual(clock: VirtualTime) -> None:
    begin = imported_monotonic()
    imported_sleep(100)
    assert imported_monotonic() - begin >= 100


def test_wall_clock_moves_with_the_monotonic_clock(clock: VirtualTime) -> None:
    begin = time.time()
    _, real = took(lambda: time.sleep(50))
    assert 50 <= time.time() - begin < 50 + real + 1


def test_functions_are_real_again_afterwards() -> None:
    before = (time.sleep, time.monotonic, threading.Thread.start, imported_sleep)
    with virtual_time():
        assert time.sleep is not before[0]
    assert (time.sleep, time.monotonic, threading.Thread.start, imported_sleep) == before


def test_threads_wake_in_the_order_of_their_deadlines(clock: VirtualTime) -> None:
    woken: list[int] = []

    def nap(seconds: int) -> None:
        time.sleep(seconds)
        woken.append(seconds)

    threads = [threading.Thread(target=nap, args=(seconds,)) for seconds in (30, 10, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert woken == [10, 20, 30]


def test_time_is_fixed_while_a_thread_works(clock: VirtualTime) -> None:
    done = threading.Event()

    def nap() -> None:
        time.sleep(1000)
        done.set()

    threading.Thread(target=nap, daemon=True).start()
    end = time.perf_counter() + 0.2
    while time.perf_counter() < end:
        pass
    assert not done.is_set()
    assert done.wait(2000)


def test_notification_at_the_end_of_a_look_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    real_wait, event = threading.Condition.wait, threading.Event()
    condition = vars(event)["_cond"]

    def wait(own: threading.Condition, timeout: float | None = None) -> bool:
        """Ends as if its time were over in the moment of the notification."""
        return real_wait(own, timeout) and own is not condition

    monkeypatch.setattr(threading.Condition, "wait", wait)
    with virtual_time():

        def nap() -> None:
            time.sleep(10)
            event.set()

        threading.Thread(target=nap, daemon=True).start()
        assert event.wait(2000)


def test_end_of_a_thread_while_its_join_begins_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread ends just before its joiner waits, and the joiner is slow to go on."""
    real_begin, real_join = VirtualTime.begin_wait, threading.Thread.join
    joined: threading.Thread | None = None
    ending = _thread.allocate_lock()
    ending.acquire()

    def begin_wait(own: VirtualTime, waiter: Waiter) -> None:
        if joined is not None and threading.current_thread() is threading.main_thread():
            ending.release()
            while joined.native_id in _native_threads():
                pass
        real_begin(own, waiter)

    def join(own: threading.Thread, timeout: float | None = None) -> None:
        real_join(own, timeout)
        end = time.perf_counter() + 0.4
        while joined is own and time.perf_counter() < end:
            pass

    monkeypatch.setattr(VirtualTime, "begin_wait", begin_wait)
    monkeypatch.setattr(threading.Thread, "join", join)
    with virtual_time() as clock:
        threading.Thread(target=lambda: time.sleep(1000), daemon=True).start()
        thread = threading.Thread(target=ending.acquire)
        thread.start()
        joined = thread
        thread.join()
        joined = None
        assert not clock.skipped


def _native_threads() -> set[int]:
    return {int(name) for name in os.listdir("/proc/self/task")}


def test_queue_and_event_time_out_in_virtual_time(clock: VirtualTime) -> None:
    def wait() -> None:
        with pytest.raises(queue.Empty):
            queue.Queue[int]().get(timeout=60)
        assert not threading.Event().wait(40)

    virtual, real = took(wait)
    assert 100 <= virtual < 100 + real + 1
    assert real < PATIENCE


def test_loops_sleep_and_time_out_in_virtual_time(clock: VirtualTime) -> None:
    async def work() -> list[str]:
        done: list[str] = []

        async def nap(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            done.append(name)

        await asyncio.gather(nap("late", 500), nap("early", 100))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(50):
                await asyncio.Event().wait()
        await anyio.sleep(25)
        return done

    done: list[str] = []
    virtual, real = took(lambda: done.extend(asyncio.run(work())))
    assert done == ["early", "late"]
    assert 575 <= virtual < 575 + real + 1
    assert real < PATIENCE


# --- SDKs ------------------------------------------------------------------------------------------


def ask_openai(server: MockLLM, **more: Any) -> Any:
    with openai.OpenAI(base_url=server.openai_url, api_key="x", **more) as client:
        return client.chat.completions.create(model="gpt-4o", messages=MESSAGES)


def ask_anthropic(server: MockLLM, **more: Any) -> Any:
    with anthropic.Anthropic(base_url=server.anthropic_url, api_key="x", **more) as client:
        return client.messages.create(model="claude-sonnet-5", max_tokens=9, messages=MESSAGES)


def ask_async_openai(server: MockLLM, **more: Any) -> Any:
    async def ask() -> Any:
        async with openai.AsyncOpenAI(base_url=server.openai_url, api_key="x", **more) as client:
            return await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)

    return asyncio.run(ask())


def ask_async_anthropic(server: MockLLM, **more: Any) -> Any:
    async def ask() -> Any:
        async with anthropic.AsyncAnthropic(base_url=server.anthropic_url, api_key="x", **more) as client:
            return await client.messages.create(model="claude-sonnet-5", max_tokens=9, messages=MESSAGES)

    return asyncio.run(ask())


CLIENTS = [ask_openai, ask_anthropic, ask_async_openai, ask_async_anthropic]
clients = pytest.mark.parametrize("ask", CLIENTS, ids=lambda ask: ask.__name__)


@clients
def test_client_backs_off_for_thirty_seconds_at_once(server: MockLLM, clock: VirtualTime, ask: Any) -> None:
    server.sequence(*WAITS, "At last.", then="cycle")
    results = [took(lambda: ask(server)) for _ in range(5)]
    assert all(virtual >= 30 and virtual - real < 40 for virtual, real in results), results
    assert min(real for _, real in results) < 3, "a tenth of the virtual time; 0.03 on a machine of its own"
    assert server.verdicts.names == ["recovered"]


@clients
def test_read_timeout_comes_in_virtual_time(server: MockLLM, clock: VirtualTime, ask: Any) -> None:
    server.reply("Never.", delay="50s")
    slow = (openai.APITimeoutError, anthropic.APITimeoutError)

    def fail() -> None:
        with pytest.raises(slow):
            ask(server, timeout=20, max_retries=0)

    virtual, real = took(fail)
    assert 20 <= virtual < 20 + real + 1
    assert real < PATIENCE


@clients
def test_delay_and_pace_of_the_server_are_virtual(server: MockLLM, clock: VirtualTime, ask: Any) -> None:
    server.reply("one two three", delay="40s", pace={"ttft": "10s", "itl": "5s"})
    virtual, real = took(lambda: ask(server))
    assert 60 <= virtual < 60 + real + 1
    assert real < PATIENCE
    took_there = until(lambda: server.requests[0].took)  # the client may see the end first
    assert 60 <= took_there < 60 + real + 1


@clients
def test_hold_of_the_server_is_virtual(server: MockLLM, clock: VirtualTime, ask: Any) -> None:
    server.reply("At last.", hold={"name": "approval", "at_most": "40s"})
    virtual, real = took(lambda: ask(server))
    assert 40 <= virtual < 40 + real + 1
    assert real < PATIENCE / 2


def test_delay_of_a_handshake_is_virtual(server: MockLLM, clock: VirtualTime) -> None:
    server.reply("Hello.")
    server.modifier(match={"api": "handshake"}, delay="40s")
    virtual, real = took(lambda: opened(server.base_url).close())
    assert 40 <= virtual < 40 + real + 1
    assert real < PATIENCE / 2


def test_stream_is_read_chunk_by_chunk_in_virtual_time(server: MockLLM, clock: VirtualTime) -> None:
    server.reply("word " * 50, pace={"itl": "1s"})
    with openai.OpenAI(base_url=server.openai_url, api_key="x") as client:
        begin = time.monotonic() - time.perf_counter()
        stream = client.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
        jumped = [
            time.monotonic() - time.perf_counter() - begin
            for chunk in stream
            if chunk.choices and chunk.choices[0].delta.content
        ]
    assert len(jumped) >= 50
    assert all(seconds < number + 0.5 for number, seconds in enumerate(jumped))


def test_limit_of_the_server_recovers_in_virtual_time(server: MockLLM, clock: VirtualTime) -> None:
    server.reply("Hi")
    server.modifier(limit={"strategy": "fixed-window", "requests": 2, "window": "60s"}, per="api_key")
    virtual, real = took(lambda: [ask_openai(server) for _ in range(5)])
    assert 120 <= virtual < 120 + real + 1
    assert real < PATIENCE


def test_requests_in_flight_together_keep_their_order(server: MockLLM, clock: VirtualTime) -> None:
    server.reply("slow", match={"model": "slow"}, delay="30s")
    server.reply("quick", match={"model": "quick"}, delay="10s")
    ended: list[str] = []

    async def ask(client: openai.AsyncOpenAI, model: str, first: float) -> None:
        await asyncio.sleep(first)
        await client.chat.completions.create(model=model, messages=MESSAGES)
        ended.append(f"{model} {first:g}")

    async def work() -> None:
        async with openai.AsyncOpenAI(base_url=server.openai_url, api_key="x") as client:
            await asyncio.gather(ask(client, "slow", 0), ask(client, "quick", 15), ask(client, "quick", 25))

    asyncio.run(work())
    assert ended == ["quick 15", "slow 0", "quick 25"]


# --- where it cannot be true -------------------------------------------------------------------------


def test_process_is_waited_for_in_real_time(clock: VirtualTime) -> None:
    code = "import time; time.sleep(0.4); print('done')"
    _, real = took(
        lambda: subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True)
    )
    assert real >= 0.4
    assert clock.notes == ["a process runs: time passes as usual while it is waited for"]


SERVER = """
import socket, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
end = server.accept()[0]
time.sleep(0.4)
end.sendall(b"hello")
"""


def test_connection_to_another_process_has_real_time() -> None:
    import socket

    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with virtual_time() as clock, socket.create_connection(("127.0.0.1", port), timeout=60) as end:
            assert end.recv(5) == b"hello"
        assert clock.notes == [
            f"127.0.0.1:{port} is in another process: time passes as usual while it is waited for"
        ]


def test_native_loop_is_noted(clock: VirtualTime) -> None:
    uvloop = pytest.importorskip("uvloop")
    uvloop.new_event_loop().close()
    assert clock.notes == ["uvloop has native timers: they run in real time"]
