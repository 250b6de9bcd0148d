"""`MockLLM` without pytest's plugin: what is seen and counted on real sockets, its start and its stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import json
import socket
import threading
import time
import urllib.error
import urllib.request
import weakref
from pathlib import Path
from threading import Event

import pytest

from mockllm.server.http_server import CannotListen
from mockllm.server.journal.journal import Journal
from mockllm.server.server_limits import ServerLimits
from mockllm.testing import Broken, MockLLM
from tests.testing.library_client import ask, text
from tests.waiting import PATIENCE, until

HERE = Path(__file__).name


def test_miss_status_is_the_status_of_unmatched_requests() -> None:
    with MockLLM(miss_status=418) as server:
        server.reply("Hi", match={"user": "hello"})
        assert ask(server.openai_url)[0] == 418
        assert ask(server.openai_url, reported="hello")[0] == 200
    with pytest.raises(ValueError, match="a status from 400 to 599, and not 200"):
        MockLLM(miss_status=200)


# --- what is seen ----------------------------------------------------------------------------------


def test_received_has_body_rule_and_status() -> None:
    with MockLLM() as server:
        rule = server.reply("Hi", name="greet", faults=[{"reset": {"after": {"chunks": 9}}}])
        ask(server.openai_url, reported="hello?", temperature=0.5, surprise=1)
        (seen,) = server.requests
        until(lambda: seen.left)
    assert (seen.method, seen.path, seen.provider, seen.api) == (
        "POST",
        "/v1/chat/completions",
        "openai",
        "chat",
    )
    assert (seen.model, seen.user, seen.system, seen.stream) == ("gpt-4o", "hello?", None, False)
    assert (seen.body["temperature"], json.loads(seen.raw)["surprise"]) == (0.5, 1)
    assert (seen.rule, seen.status, seen.error, seen.missed) == (rule.id, 200, None, False)
    assert any("reset not applied" in note for note in seen.notes)
    assert any("surprise" in note for note in seen.notes)
    assert seen.headers["Content-Type"] == "application/json"
    assert (seen.query, seen.session, seen.api_key, seen.tools, len(seen.messages)) == ({}, None, None, (), 1)
    assert seen.took is not None
    assert abs(seen.at - time.time()) < PATIENCE
    assert rule.used
    assert rule.requests == [seen]


def test_received_is_listed_before_response_ends() -> None:
    with MockLLM() as server:
        server.reply({"chunks": ["a", {"wait": "30s"}, "b"]}, stream=True)
        with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as client:
            body = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
            client.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
                + body
            )
            client.recv(1)
            (seen,) = server.requests
            assert (seen.status, seen.left, seen.took) == (200, None, None)
            assert str(seen).endswith("(in flight)")
            assert "(in flight)" in repr(seen)
    assert seen.left in ("gone", "stopped")


def test_received_invalid_json_has_no_body() -> None:
    with MockLLM() as server:
        urllib.request.urlopen(f"{server.base_url}/", timeout=PATIENCE).close()  # a page, no request
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{server.openai_url}/chat/completions", b"{", PATIENCE)
        refused.value.close()
        (seen,) = server.requests
        assert (seen.body, seen.raw, seen.status) == (None, b"{", 400)


def test_texts_on_requests_escape_control_characters() -> None:
    with MockLLM() as server:
        server.reply("Hi", match={"user": "hello"})
        ask(server.openai_url, "gpt-\x1b[2J\u202e", "hello\x1b[2J\u202e")
        with pytest.raises(AssertionError) as miscounted:
            server.verify({"user": "hello"})
        for text in (server.journal(), str(miscounted.value)):
            assert r"hello\x1b[2J\u202e" in text
            assert all(line.isprintable() for line in text.splitlines())


def test_unmatched_request_is_listed_and_explained() -> None:
    with MockLLM() as server:
        server.reply("Hi", match={"model": "gpt-4o"})
        ask(server.openai_url, "gpt-5")
        assert [each.model for each in server.unmatched] == ["gpt-5"]
        assert 'model expected "gpt-4o", found "gpt-5"' in server.journal()
        ask(server.openai_url)
        assert len(server.unmatched) == 1
        assert server.requests[1].explanation == ""


@pytest.mark.parametrize(
    ("last", "shown", "omitted"),
    [(0, [], "2 earlier requests left out"), (1, ["two"], "1 earlier request left out"), (9, ["one", "two"], ""),
     (None, ["one", "two"], "")],
)  # fmt: skip
def test_journal_shows_as_many_requests_as_wanted(last: int | None, shown: list[str], omitted: str) -> None:
    with MockLLM() as server:
        server.reply("Hi")
        for text in ("one", "two"):
            ask(server.openai_url, text)
        journal = server.journal(last=last)
    assert [text for text in ("one", "two") if text in journal] == shown
    assert journal.splitlines()[: bool(omitted)] == [omitted] * bool(omitted)
    assert len(journal.splitlines()) == len(shown) + bool(omitted)


def test_unused_rules_exclude_packs_and_fallbacks(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "rules: [{name: used, reply: Hi}, {name: unused, match: {model: x}, reply: x}]"
    )
    with MockLLM(scenarios=tmp_path, packs=["default"]) as server:
        server.reply("in code", name="mine", match={"model": "y"})
        server.reply("last", fallback=True)
        ask(server.openai_url)
        assert server.unused_rules == [f"{HERE}:mine", "a.yaml:unused"]


# --- what is counted -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bounds", "holds"),
    [
        ({}, True),
        ({"times": 2}, True),
        ({"times": 1}, False),
        ({"at_least": 2}, True),
        ({"at_least": 3}, False),
        ({"at_most": 2}, True),
        ({"at_most": 1}, False),
        ({"at_least": 1, "at_most": 3}, True),
    ],
    ids=str,
)
def test_verify_counts_what_matches(bounds: dict[str, int], holds: bool) -> None:
    with MockLLM(packs=["default"]) as server:
        for model in ("a", "b", "a"):
            ask(server.openai_url, model)
        if holds:
            assert [each.model for each in server.verify({"model": "a"}, **bounds)] == ["a", "a"]
        else:
            with pytest.raises(AssertionError, match="found 2 of 3 that came"):
                server.verify({"model": "a"}, **bounds)


def test_verify_message_shows_nearest_requests() -> None:
    with MockLLM(packs=["default"]) as server:
        ask(server.openai_url, "gpt-4o-mini")
        with pytest.raises(AssertionError) as stated:
            server.verify({"model": "gpt-4o", "user": {"contains": "hi"}}, times=1)
    first, came, differs = str(stated.value).splitlines()
    assert first == (
        'expected exactly 1 request with {"model":"gpt-4o","user":{"contains":"hi"}}, found 0 of 1 that came'
    )
    assert "gpt-4o-mini → default/answers.yaml:made 200" in came
    assert differs.strip().startswith('model expected "gpt-4o", found "gpt-4o-mini"')


def test_verify_without_a_match_counts_generating_calls() -> None:
    with MockLLM(packs=["default"]) as server:
        urllib.request.urlopen(f"{server.openai_url}/models", timeout=PATIENCE).close()
        server.verify(times=0)
        server.verify({"api": "models"}, times=1)
        with pytest.raises(AssertionError, match="expected at least 1 request, found 0 of 1 that came"):
            server.verify()


def test_verify_invalid_match_or_bounds_raise() -> None:
    with MockLLM() as server:
        with pytest.raises(Broken, match=r':\d+:1: match\.modle: unknown key; did you mean "model"'):
            server.verify({"modle": "x"})
        for count in (-1, 1.5, "2"):
            with pytest.raises(ValueError, match=f"at_most is a whole number from 0, and not {count!r}"):
                server.verify(at_most=count)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="leave out at_least"):
            server.verify(times=1, at_least=1)


def test_exit_checks_strict_and_all_used() -> None:
    with (
        pytest.raises(AssertionError, match=r"1 unmatched request:\n.*gpt-4o"),
        MockLLM(strict=True) as it,
    ):
        ask(it.openai_url)
    with (
        pytest.raises(AssertionError, match=r"1 unused rule:\n.*:reply 1"),
        MockLLM(all_used=True) as it,
    ):
        it.reply("Hi")
    with MockLLM() as server:
        server.reply("Hi", match={"model": "x"})
        ask(server.openai_url)


def test_exit_check_does_not_hide_failure_of_test() -> None:
    def failing() -> None:
        with MockLLM(strict=True) as server:
            ask(server.openai_url)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()


# --- starting and stopping -------------------------------------------------------------------------


def test_two_servers_are_isolated() -> None:
    with MockLLM() as one, MockLLM() as other:
        one.reply("one")
        other.reply("other")
        assert one.port != other.port
        assert (text(one.openai_url), text(other.openai_url)) == ("one", "other")
        assert (len(one.requests), len(other.requests)) == (1, 1)


def test_server_has_url_only_between_start_and_stop() -> None:
    server = MockLLM()
    with pytest.raises(RuntimeError, match="does not run"):
        _ = server.base_url
    with server, pytest.raises(RuntimeError, match="runs already"):
        server.start()
    with pytest.raises(RuntimeError, match="does not run"):
        _ = server.openai_url
    server.stop()


def test_start_on_port_in_use_raises() -> None:
    with MockLLM() as server, pytest.raises(CannotListen, match="is in use"):
        MockLLM(port=server.port).start()


def test_stop_closes_port_and_cuts_responses_in_flight() -> None:
    with MockLLM() as server:
        server.reply("Hi", faults=["no_response"])
        port = server.port
        client = socket.create_connection(("127.0.0.1", port), PATIENCE)
        body = b'{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
        client.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )
        until(lambda: server.requests)
    with client:
        client.settimeout(PATIENCE)
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), PATIENCE)


def test_stopping_does_not_wait_for_idle_connections() -> None:
    with MockLLM(packs="default") as server:
        client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        for _ in range(2):
            client.request("GET", "/v1/models")
            client.getresponse().read()
        closed = Event()

        def closes() -> None:
            assert client.sock is not None
            client.sock.recv(1)
            closed.set()

        waiting = threading.Thread(target=closes)
        waiting.start()
        server.stop()
        assert closed.wait(PATIENCE)
        waiting.join()
        client.close()


def test_stopped_server_is_released_by_loop() -> None:
    def journals() -> dict[int, Journal]:
        return {id(each): each for each in gc.get_objects() if type(each) is Journal}

    before = journals()
    with MockLLM(packs="default") as server:
        ask(server.openai_url)
        seen = [weakref.ref(each) for each in journals().values() if id(each) not in before]
    assert len(seen) == 1
    del server
    until(lambda: gc.collect() >= 0 and seen[0]() is None)


def test_stopped_server_has_requests() -> None:
    with MockLLM() as server:
        server.reply("Hi")
        ask(server.openai_url)
    server.verify(times=1)
    server.stop()


def test_all_servers_of_a_process_run_on_one_thread() -> None:
    with MockLLM(), MockLLM():
        threads = [each for each in threading.enumerate() if each.name == "mockllm"]
    assert sum(each.daemon for each in threads) >= 1
    before = threading.active_count()
    with MockLLM(), MockLLM(), MockLLM():
        assert threading.active_count() == before


def test_async_with_in_a_loop_of_ones_own() -> None:
    async def main() -> str:
        async with MockLLM() as server:
            server.reply("Hi")
            return await asyncio.to_thread(text, server.openai_url)

    assert asyncio.run(main()) == "Hi"

    async def wrong() -> None:
        async with MockLLM(strict=True) as server:
            await asyncio.to_thread(ask, server.openai_url)

    with pytest.raises(AssertionError, match="1 unmatched request"):
        asyncio.run(wrong())


def test_server_accepts_limits() -> None:
    with MockLLM(packs="default", limits=ServerLimits(body=10)) as server:
        assert ask(server.openai_url)[0] == 413
