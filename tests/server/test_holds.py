"""`hold`: responses wait until a name is released, and no longer than allowed; `then_post` after them."""

from __future__ import annotations

import contextlib
import json
import re
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Any

import pytest

from mockllm.testing import MockLLM
from tests.server.raw_client import Raw, request
from tests.server.test_websocket_handshake import HANDSHAKE
from tests.server.test_websocket_recorder import CREATE, opened, turn
from tests.server.webhook_endpoint import Hook, webhook_endpoint
from tests.waiting import PATIENCE, until

BODY = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'


def ask(url: str, **more: Any) -> str:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **more}
    request = urllib.request.Request(
        f"{url}/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return str(response.read().decode())


def test_held_responses_wait_for_their_release() -> None:
    with MockLLM() as server, ThreadPoolExecutor(3) as pool:
        server.reply("Approved.", hold="approval")
        requested = [pool.submit(ask, server.base_url, stream=stream) for stream in (True, False, False)]
        until(lambda: server._running.app.held_responses.waiting(("", "approval")) == 3)
        assert not any(each.done() for each in requested)
        assert server.release("approval") == 3
        assert all("Approved" in each.result(PATIENCE) for each in requested)


def test_release_before_the_request_lets_one_pass() -> None:
    with MockLLM() as server:
        server.reply("Approved.", hold="approval")
        assert server.release("approval") == 0
        assert "Approved" in ask(server.base_url)
        until(lambda: re.search(r"approval released after \d+ms", str(server.requests[0])))


def test_held_response_is_sent_after_the_longest_wait() -> None:
    with MockLLM() as server:
        server.reply("At last.", hold={"name": "approval", "at_most": "50ms"})
        began = time.monotonic()
        assert "At last" in ask(server.base_url)
        assert time.monotonic() - began >= 0.05


def test_held_response_took_as_long_as_its_client_waited() -> None:
    with MockLLM() as server:
        server.reply("At last.", hold={"name": "approval", "at_most": "50ms"})
        ask(server.base_url)
        (took,) = until(lambda: [each.took for each in server.requests if each.took is not None])
        assert took >= 0.05
        with urllib.request.urlopen(f"{server.base_url}/api/requests", timeout=60) as response:
            (request,) = json.load(response)["requests"]
        assert request["took"] >= 0.05
        with urllib.request.urlopen(
            f"{server.base_url}/api/requests/export?format=har", timeout=60
        ) as response:
            (archived,) = json.load(response)["log"]["entries"]
        assert archived["time"] >= archived["timings"]["wait"] >= 50


def test_journal_has_the_date_that_a_held_response_had() -> None:
    with MockLLM() as server:
        server.reply("At last.", hold={"name": "approval", "at_most": "1s"})
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).encode()
        url = f"{server.base_url}/v1/chat/completions"
        request = urllib.request.Request(url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            sent = response.headers["date"]
        until(lambda: [each for each in server.requests if each.took is not None])
        with urllib.request.urlopen(f"{server.base_url}/api/requests/1", timeout=60) as response:
            headers = json.load(response)["response"]["headers"]
        assert [each["value"] for each in headers if each["name"] == "Date"] == [sent]


@pytest.mark.parametrize(("faults", "unsent"), [([], False), (["no_response"], True), (["reset"], False)])
def test_journal_says_whether_a_byte_was_sent(faults: list[str], unsent: bool) -> None:
    with MockLLM() as server:
        server.reply("Hi.", faults=faults)
        with contextlib.suppress(OSError, HTTPException):
            ask(server.base_url)
        until(lambda: [each for each in server.requests if each.took is not None])
        with urllib.request.urlopen(f"{server.base_url}/api/requests", timeout=60) as response:
            (request,) = json.load(response)["requests"]
        assert request["unsent"] is unsent


def test_control_api_releases_by_name_and_session() -> None:
    with MockLLM() as server, ThreadPoolExecutor(2) as pool, server.session() as session:
        session.reply("Mine.", hold="a")
        server.reply("All.", hold="a")
        mine, other = pool.submit(ask, session.base_url), pool.submit(ask, server.base_url)
        held = server._running.app.held_responses
        until(lambda: held.waiting((session.session_id or "", "a")) == held.waiting(("", "a")) == 1)
        url = f"{server.base_url}/api/release/a?session={session.session_id}"
        with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=60) as response:
            assert json.load(response) == {"name": "a", "released": 1, "hint": None}
        assert "Mine" in mine.result(PATIENCE)
        assert not other.done()
        assert server.release("a") == 1
        assert "All" in other.result(PATIENCE)
        assert session.release("a") == 0


@pytest.mark.parametrize("end", ["DELETE /api/sessions/one", "POST /api/reset"])
def test_early_release_ends_with_its_session(end: str) -> None:
    method, path = end.split()
    with MockLLM() as server, ThreadPoolExecutor(1) as pool:
        session = server.session("one")
        session.reply("Mine.", hold="a")
        assert session.release("a") == 0
        urllib.request.urlopen(
            urllib.request.Request(server.base_url + path, method=method), timeout=60
        ).close()
        requested = pool.submit(ask, session.base_url)
        until(lambda: server._running.app.held_responses.waiting(("one", "a")) == 1)
        assert session.release("a") == 1
        assert "Mine" in requested.result(PATIENCE)


def test_reset_of_state_ends_early_releases_without_session() -> None:
    with MockLLM() as server, ThreadPoolExecutor(1) as pool:
        server.reply("Approved.", hold="a")
        assert server.release("a") == 0
        reset = urllib.request.Request(f"{server.base_url}/api/reset", b'{"what": ["state"]}')
        urllib.request.urlopen(reset, timeout=60).close()
        requested = pool.submit(ask, server.base_url)
        until(lambda: server._running.app.held_responses.waiting(("", "a")) == 1)
        assert server.release("a") == 1
        assert "Approved" in requested.result(PATIENCE)


def test_client_that_leaves_waits_no_more() -> None:
    with MockLLM() as server:
        server.reply("Never.", hold="a")
        request = urllib.request.Request(
            f"{server.base_url}/v1/chat/completions",
            b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}',
            {"content-type": "application/json"},
        )
        with pytest.raises(TimeoutError):
            urllib.request.urlopen(request, timeout=0.2)
        until(lambda: server._running.app.held_responses.waiting(("", "a")) == 0)


def test_held_response_whose_client_leaves_is_unsent() -> None:
    with MockLLM() as server:
        server.reply("Never.", hold="a")
        app = server._running.app
        with Raw(server.port) as client:
            client.send(request("POST", "/v1/chat/completions", BODY))
            until(lambda: app.held_responses.waiting(("", "a")) == 1)
        (entry,) = until(lambda: list(app.journal))
        assert entry.unsent
        assert entry.end_reason == "gone"


def test_held_response_is_in_flight() -> None:
    with MockLLM() as server, ThreadPoolExecutor(1) as pool:
        server.reply("Approved.", hold="approval")
        app = server._running.app
        requested = pool.submit(ask, server.base_url)
        until(lambda: app.held_responses.waiting(("", "approval")) == 1)
        assert sum(app.responses_in_flight.values()) == 1
        server.release("approval")
        assert "Approved" in requested.result(PATIENCE)
        until(lambda: sum(app.responses_in_flight.values()) == 0)


def test_held_handshake_opens_after_release() -> None:
    with MockLLM() as server, ThreadPoolExecutor(1) as pool:
        server.reply("Hello.")
        server.modifier(match={"api": "handshake"}, hold="line")
        opening = pool.submit(opened, server.base_url)
        until(lambda: server._running.app.held_responses.waiting(("", "line")) == 1)
        assert not opening.done()
        assert server.release("line") == 1
        with opening.result(PATIENCE) as socket:
            assert "Hello." in str(turn(socket, "hi")[-1])
    assert "line released after" in str(server.requests[0])


def test_held_handshake_that_opened_has_one_entry() -> None:
    with MockLLM() as server:
        server.modifier(match={"api": "handshake"}, hold={"name": "line", "at_most": "1ms"})
        open_connections: list[int] = []

        def report(address: str, count: int) -> int:
            open_connections.append(count)
            return count

        server._running.app.report_connections = report
        with Raw.to(server.base_url) as raw:
            assert (
                raw.send(request("GET", "/v1/realtime?model=m", b"", "1.1", **HANDSHAKE)).answer().status
                == 101
            )
        until(lambda: open_connections[-1] == 0)
        assert [entry.end_reason for entry in server._running.app.journal] == ["finished"]


def test_held_websocket_message_waits_and_posts_after(hook: str) -> None:
    with MockLLM() as server, ThreadPoolExecutor(1) as pool:
        server.reply("Approved.", hold="approval", then_post={"to": hook})
        with opened(server.base_url) as socket:
            requested = pool.submit(turn, socket, "hi")
            until(lambda: server._running.app.held_responses.waiting(("", "approval")) == 1)
            assert not Hook.received
            assert server.release("approval") == 1
            assert "Approved." in str(requested.result(PATIENCE)[-1])
        until(lambda: Hook.received)


def test_held_websocket_message_ends_with_its_socket() -> None:
    with MockLLM() as server:
        server.reply("Never.", hold="a")
        with opened(server.base_url) as socket:
            socket.send(json.dumps({**CREATE, "input": "hi"}))
            until(lambda: server._running.app.held_responses.waiting(("", "a")) == 1)
        until(lambda: server._running.app.held_responses.waiting(("", "a")) == 0)
        until(lambda: len(server.requests) == 2)


# --- then_post ---------------------------------------------------------------------------------------


@pytest.fixture
def hook() -> Iterator[str]:
    with webhook_endpoint() as url:
        yield url


def test_post_follows_the_response(hook: str) -> None:
    with MockLLM() as server:
        server.reply("Done.", then_post={"to": hook, "body": {"said": "{{ user }}"}})
        assert "Done" in ask(server.base_url)
        until(lambda: Hook.received)
    headers, body = Hook.received[0]
    assert json.loads(body) == {"said": "hi"}
    assert headers["content-type"] == "application/json"
    assert "webhook-signature" not in headers


def test_posts_of_rule_and_modifier_are_signed_and_sent(hook: str) -> None:
    with MockLLM() as server, ThreadPoolExecutor(1) as pool:
        server.reply("Done.", hold="a", then_post={"to": hook, "body": "first", "secret": "whsec_c2VjcmV0"})
        server.modifier(then_post={"to": hook, "after": "10ms"})
        requested = pool.submit(ask, server.base_url)
        until(lambda: server._running.app.held_responses.waiting(("", "a")) == 1)
        assert not Hook.received
        server.release("a")
        assert "Done" in requested.result(PATIENCE)
        until(lambda: len(Hook.received) == 2)
    assert sorted(body for _, body in Hook.received) == [b"first", b"{}"]
    assert sum("webhook-signature" in headers for headers, _ in Hook.received) == 1
