"""`proxy`: a rule forwards its requests to another server, and returns that server's response."""

from __future__ import annotations

import gc
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mockllm.server.exchange import Exchange
from mockllm.server.provider_proxy import ProviderProxy
from mockllm.testing.mock_server import MockLLM
from tests.language.virtual_server import VirtualServer, chat_request
from tests.live import live
from tests.process import serving
from tests.server.raw_client import Raw, request
from tests.server.recording import BODY, HEAD, KEY, answering, chunked, closed_address, files, post, provider
from tests.waiting import PATIENCE, until

CHAT = "/v1/chat/completions"
ANSWER = b"HTTP/1.1 201 Created\r\nX-Theirs: 1\r\nContent-Length: 5\r\n\r\nhello"


def rules(folder: Path, text: str) -> Path:
    (folder / "a.yaml").write_text(text, encoding="utf-8")
    return folder / "a.yaml"


def test_proxy_forwards_key_and_returns_response_unchanged(tmp_path: Path) -> None:
    heads: list[str] = []

    def talk(connection: socket.socket, head: bytes) -> None:
        heads.append(head.decode())
        connection.sendall(ANSWER)

    with provider(talk) as there:
        text = f"rules: [{{name: theirs, match: {{model: gpt-4o}}, proxy: '{there}/v1'}}, {{reply: Ours.}}]"
        with live(rules(tmp_path, text)) as server:
            got = post(server.url, f"{CHAT}?a=1", BODY)
            assert (got.status, got.body, got.headers["x-theirs"]) == (201, b"hello", "1")
            line = server.line(lambda line: "forwarded to" in line)
            assert "a.yaml:theirs 201" in line
            assert f"[forwarded to {there}/v1]" in line
            assert "Ours." in post(server.url, CHAT, {**BODY, "model": "other"}).text
    assert heads[0].startswith(f"POST {CHAT}?a=1 HTTP/1.1")
    assert f"Authorization: Bearer {KEY}" in heads[0]


def test_unknown_path_is_proxied(tmp_path: Path) -> None:
    with (
        provider(answering(ANSWER)) as there,
        live(
            rules(tmp_path, f"rules: [{{match: {{path: '/their/*'}}, proxy: {{to: '{there}'}}}}]")
        ) as server,
    ):
        assert post(server.url, "/their/own", {}).body == b"hello"


def test_proxied_response_is_delayed_and_logs_unplayed_faults(tmp_path: Path) -> None:
    with provider(answering(ANSWER)) as there:
        text = f"rules: [{{proxy: '{there}', delay: 50ms, faults: [stall]}}]"
        with live(rules(tmp_path, text)) as server:
            assert post(server.url, CHAT, BODY).body == b"hello"
            line = server.line(lambda line: "forwarded to" in line)
    assert "stall not applied: another server makes the response" in line


def test_proxied_response_is_held_before_it_is_forwarded(tmp_path: Path) -> None:
    forwarded = threading.Event()

    def talk(connection: socket.socket, _: bytes) -> None:
        forwarded.set()
        connection.sendall(ANSWER)

    with provider(talk) as there, ThreadPoolExecutor(1) as pool:
        scenario = rules(tmp_path, f"rules: [{{proxy: '{there}', hold: approval}}]")
        with MockLLM(scenarios=[scenario]) as server:
            requested = pool.submit(post, server.base_url, CHAT, BODY)
            until(lambda: server._running.app.held_responses.waiting(("", "approval")) == 1)
            assert not forwarded.is_set()
            assert server.release("approval") == 1
            assert requested.result(PATIENCE).body == b"hello"


def test_client_that_leaves_a_provider_has_one_entry(tmp_path: Path) -> None:
    forwarded, go_on = threading.Event(), threading.Event()

    def talk(connection: socket.socket, _: bytes) -> None:
        forwarded.set()
        assert go_on.wait(20)
        connection.sendall(ANSWER)

    hold = "modifiers: [{hold: {name: approval, at_most: 1ms}}]"
    with provider(talk) as there, live(rules(tmp_path, f"rules: [{{proxy: '{there}'}}]\n{hold}")) as server:
        with Raw(server.port) as client:
            client.send(request("POST", CHAT, json.dumps(BODY).encode()))
            assert forwarded.wait(20)
        until(lambda: server.app.unfinished_exchanges == 0)
        go_on.set()
        server.line(lambda line: "forwarded to" in line)
        assert "approval not released" in server.lines[-1]
        assert len(server.lines) == 2, "the line of the hold, and one of the exchange"


def test_concurrency_limit_counts_proxied_request_to_its_end(tmp_path: Path) -> None:
    requested, go_on = threading.Event(), threading.Event()

    def talk(connection: socket.socket, _: bytes) -> None:
        requested.set()
        assert go_on.wait(20)
        connection.sendall(ANSWER)

    limit = "modifiers: [{limit: {strategy: fixed-window, window: 1m, concurrent: 1}}]"
    with provider(talk) as there, live(rules(tmp_path, f"rules: [{{proxy: '{there}'}}]\n{limit}")) as server:
        first = threading.Thread(target=post, args=(server.url, CHAT, BODY))
        first.start()
        assert requested.wait(20)
        assert post(server.url, CHAT, BODY).status == 429
        go_on.set()
        first.join()
        assert post(server.url, CHAT, BODY).status == 201
    with live(rules(tmp_path, f"rules: [{{proxy: '{there}'}}]\n{limit}")) as server:
        assert [post(server.url, CHAT, BODY).status for _ in range(2)] == [502, 502]


def test_server_failure_in_proxied_response_frees_its_slot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forward(_: ProviderProxy, exchange: Exchange, *__: object) -> None:
        exchange.socket_sink.write(ANSWER)
        exchange.sink.written = True
        raise RuntimeError("a mistake")

    limit = "modifiers: [{limit: {strategy: fixed-window, window: 1m, concurrent: 1}}]"
    with (
        provider(answering(ANSWER)) as there,
        live(rules(tmp_path, f"rules: [{{proxy: '{there}'}}]\n{limit}")) as server,
    ):
        with monkeypatch.context() as context:
            context.setattr(ProviderProxy, "forward", forward)
            assert post(server.url, CHAT, BODY).status == 201
            assert "mockllm itself has failed" in server.line(bool)
        assert post(server.url, CHAT, BODY).status == 201


def test_proxy_is_step_of_sequence(tmp_path: Path) -> None:
    with provider(answering(ANSWER)) as there:
        text = f"rules: [{{sequence: [{{error: overloaded}}, {{proxy: '{there}'}}]}}]"
        with live(rules(tmp_path, text)) as server:
            assert [post(server.url, CHAT, BODY).status for _ in range(2)] == [503, 201]


def test_unreachable_or_circular_proxy_is_reported(tmp_path: Path) -> None:
    with closed_address() as there, live(rules(tmp_path, f"rules: [{{proxy: '{there}'}}]")) as server:
        got = post(server.url, CHAT, BODY)
        assert got.status == 502
        address = there.removeprefix("http://")
        assert f"{there} does not respond: cannot connect to {address}: Connection refused" in got.text
        own = rules(tmp_path, f"rules: [{{proxy: '{server.url}'}}]")
        with live(own) as other:
            server.app.engine = other.app.engine
            got = post(server.url, CHAT, BODY)
            assert (got.status, "leads back to this recorder" in got.text) == (400, True)


@pytest.mark.parametrize(("proxy", "count"), [("{to: '%s', record: true}", 1), ("'%s'", 0)])
@pytest.mark.covering(count=1)
def test_proxied_response_is_recorded_if_rule_and_server_agree(
    proxy: str, count: int, tmp_path: Path
) -> None:
    reported = HEAD + chunked(b"data: hello\n\n") + b"0\r\n\r\n"
    with provider(answering(reported)) as there:
        rules(tmp_path, f"rules: [{{fallback: true, proxy: {proxy % there}}}]")
        options = ("--scenarios", "a.yaml", "--record-misses", "kept", "--upstream", f"anthropic={there}")
        with serving(*options, cwd=tmp_path) as process:
            assert b"hello" in post(process.url, CHAT, BODY).body
            if count:
                files(tmp_path / "kept")
                until(lambda: "x-mockllm-rule" in post(process.url, CHAT, BODY).headers)
            process.line(
                lambda line: f"forwarded to {there}" in line and ("recorded in" in line) is bool(count)
            )
    assert len(list((tmp_path / "kept").rglob("*.yaml"))) == count


def test_recording_without_folder_is_logged(tmp_path: Path) -> None:
    with (
        provider(answering(ANSWER)) as there,
        live(rules(tmp_path, f"rules: [{{proxy: {{to: '{there}', record: true}}}}]")) as server,
    ):
        post(server.url, CHAT, BODY)
        server.line(lambda line: "not recorded: serve it with --record-misses DIR" in line)


def test_proxy_without_server_is_502_with_target() -> None:
    received = VirtualServer("rules: [{name: theirs, proxy: 'https://api.example.com/'}]").respond(
        chat_request()
    )
    assert (received.status, received.rule) == (502, "theirs")
    assert (
        "A running server forwards this request to https://api.example.com"
        in json.loads(received.bytes)["error"]["message"]
    )


@pytest.mark.filterwarnings("error")
def test_mockllm_server_proxies_and_leaves_nothing_open(tmp_path: Path) -> None:
    with MockLLM() as above:
        above.reply("From above.")
        rules(tmp_path, f"rules: [{{proxy: '{above.base_url}'}}]")
        with MockLLM(scenarios=str(tmp_path)) as server:
            assert "From above." in post(server.base_url, CHAT, BODY).text
            until(lambda: [each.status for each in server.requests] == [200])
            assert server.requests[0].rule == "a.yaml:rules[0]"
        assert above.requests[0].headers["authorization"] == f"Bearer {KEY}"
    gc.collect()


def test_chunked_request_before_next_one_is_proxied(tmp_path: Path) -> None:
    """The connection ends with its response, since the parser may have mixed trailers: no reason not to forward."""
    body = json.dumps(BODY).encode()
    request = (
        b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    next_one = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    with (
        provider(answering(ANSWER)) as there,
        live(rules(tmp_path, f"rules: [{{proxy: '{there}'}}]")) as server,
    ):
        address = urlsplit(server.url)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=20) as client:
            client.sendall(request % CHAT.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) + next_one)
            received = b"".join(iter(partial(client.recv, 65536), b""))
    assert received.startswith(b"HTTP/1.1 201 Created\r\n")
    assert received.endswith(b"hello")
