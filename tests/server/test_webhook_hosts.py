"""Which addresses get a webhook, and what those that get none do to the server."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request
from unittest.mock import Mock

import pytest
from aiohttp import ClientResponseError, ServerDisconnectedError

from mockllm.core.webhook import Webhook
from mockllm.server import webhooks
from mockllm.server.webhooks import WebhookSender
from mockllm.testing import MockLLM
from tests.server.test_holds import ask, hook
from tests.server.webhook_endpoint import Hook
from tests.waiting import PATIENCE, until

__all__ = ["hook"]
REFUSED = {
    "http://[": "its address has no host",
    "no address": "its address has no host",
    "http://local\x1b[2Jhost/": "its address has no host",
    "http://Else.Example:80/x": "allow the host else.example with --proxy-allow else.example",
    f"http://{'x' * 5000}/": "xxx…",
}


@pytest.mark.parametrize("url", REFUSED, ids=["broken", "relative", "control character", "other", "long"])
def test_refused_address_is_logged_and_gets_nothing(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    async def schedule() -> int:
        sender = WebhookSender()
        sender.schedule([Webhook(0.0, url, "", "id", b"{}", "subject")], 0.0, "")
        return len(sender)

    assert asyncio.run(schedule()) == 0
    logged = capsys.readouterr().err
    assert REFUSED[url] in logged
    assert len(logged) < 3000


def test_webhook_replaces_those_of_its_session_only() -> None:
    """Sessions have the same ids: each is served as if it were alone."""

    async def pending() -> list[int]:
        sender, found = WebhookSender(), []
        for session in ("a", "b", "b"):
            sender.schedule([Webhook(PATIENCE, "http://localhost:9/", "", "id", b"{}", "s")], 0.0, session)
            found.append(len(sender))
        await sender.close()
        return found

    assert asyncio.run(pending()) == [1, 2, 2]


@pytest.mark.parametrize(("ends", "sent"), [("resp_1", ["resp_2", ""]), ("resp_3", ["resp_3", "resp_2", ""])])
def test_end_of_a_cancelled_response_is_not_sent(ends: str, sent: list[str]) -> None:
    """Another process may have cancelled it."""
    found, last = list[str](), asyncio.Event()

    class Noting(WebhookSender):
        async def _attempt(self, webhook: Webhook) -> str:
            found.append(webhook.ends)
            if not webhook.ends:
                last.set()
            return ""

    async def is_gone(session: str, id: str) -> bool:
        return (session, id) == ("a", "resp_1")

    async def deliver() -> None:
        sender = Noting(is_gone=is_gone)
        for id in (ends, "resp_2", ""):
            hook = Webhook(0.0, "http://localhost:9/", "", f"id {id}", b"{}", f"subject {id}", id)
            sender.schedule([hook], 0.0, "a")
        await asyncio.wait_for(last.wait(), PATIENCE)
        await sender.close()

    asyncio.run(deliver())
    assert found == sent


def test_endpoint_without_a_host_is_refused() -> None:
    body: dict[str, object] = {"name": "x", "url": "http://[", "event_types": ["response.completed"]}
    with MockLLM() as server, pytest.raises(urllib.error.HTTPError) as refused:
        called(server, "", body)
    with refused.value as response:
        assert response.code == 400


def called(server: MockLLM, path: str, body: dict[str, object]) -> dict[str, object]:
    request = urllib.request.Request(
        f"{server.base_url}/v1/webhook_endpoints{path}",
        json.dumps(body).encode(),
        {"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        result: dict[str, object] = json.load(response)
        return result


def test_control_api_takes_no_post_of_a_scenario(hook: str) -> None:
    """A pack, or a client with an endpoint, would otherwise call it as if it were a program of this machine."""
    with MockLLM() as server:
        release = f"{server.base_url}/api/release/a"
        server.reply("Done.", then_post={"to": hook})
        server.modifier(then_post={"to": release})
        assert "Done" in ask(server.base_url)
        until(lambda: Hook.received)
        (headers, body), *_ = Hook.received
        copied = {name: value for name, value in headers.items() if name.startswith(("content-", "x-mock"))}
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(urllib.request.Request(release, body, copied), timeout=60)
        with refused.value as response:
            assert response.code == 403
        assert (("", "a") in server._running.app.held_responses._released) is False


@pytest.mark.parametrize(
    ("rule", "query", "shown"),
    [
        ("a.yaml:done", "?token=hidden-1&n=2#hidden-3", "webhook of a.yaml:done to http://localhost:{}"),
        ("", "/hidden-4", "webhook to http://localhost:{}"),
    ],
)
def test_abandoned_webhook_names_rule_address_and_reason(
    rule: str, query: str, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(webhooks, "RETRY_WAITS", (0.0,))
    with socket.socket() as closed:
        closed.bind(("localhost", 0))
        port = closed.getsockname()[1]
    url = f"http://user:hidden-2@localhost:{port}/x{query}"

    async def deliver() -> None:
        sender = WebhookSender()
        sender.schedule([Webhook(0.0, url, "", "id", b"{}", "subject", rule=rule)], 0.0, "")
        await asyncio.gather(*sender._pending)
        await sender.close()

    asyncio.run(deliver())
    logged = capsys.readouterr().err
    assert f"{shown.format(port)} abandoned after 2 attempts: cannot connect to localhost:{port}: " in logged
    assert "Connection refused" in logged
    assert "hidden" not in logged


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), "no response within 10 seconds"),
        (ValueError("http://user:hidden@host"), "the address is no URL"),
        (OSError("broken"), "OSError"),
        (
            ClientResponseError(Mock(real_url="http://host/?sig=hidden"), (), status=400, message="hidden"),
            "its response is not HTTP",
        ),
        (ServerDisconnectedError("hidden"), "ServerDisconnectedError"),
    ],
)
def test_reason_of_an_abandoned_webhook_is_in_words(
    error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(webhooks, "RETRY_WAITS", ())

    def fail(*_: object, **__: object) -> None:
        raise error

    async def deliver() -> None:
        sender = WebhookSender()
        monkeypatch.setattr("aiohttp.ClientSession.post", fail)
        sender.schedule([Webhook(0.0, "http://localhost:9/", "", "id", b"{}", "subject")], 0.0, "")
        await asyncio.gather(*sender._pending)
        await sender.close()

    asyncio.run(deliver())
    assert f"webhook to http://localhost:9 abandoned after 1 attempts: {reason}\n" in capsys.readouterr().err
