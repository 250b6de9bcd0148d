"""When the sender of webhooks sends one, and what it does with one that it cannot send."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import pytest

from mockllm.core import webhook as webhook_module
from mockllm.core.webhook import Webhook
from mockllm.server import webhooks
from mockllm.server.certificates import context, self_signed
from mockllm.server.webhooks import WebhookSender
from mockllm.testing import MockLLM
from tests.process import serving
from tests.waiting import PATIENCE, until
from tests.webhook_receiver import WebhookReceiver

URL = "http://user:hidden@localhost:9/?token=hidden"


class Noting(WebhookSender):
    """A sender that stores the payloads that it would send."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []

    async def _attempt(self, webhook: Webhook) -> str:
        self.sent.append(webhook.payload)
        return ""


async def deliver_all(sender: WebhookSender) -> None:
    """Wait until all deliveries have ended; none is pending then."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.wait(tasks, timeout=PATIENCE)
    await asyncio.sleep(0)  # what follows the end of a task
    assert len(sender) == 0


def sent_payloads(planned: Iterable[Webhook]) -> list[bytes]:
    async def deliver() -> list[bytes]:
        sender = Noting()
        for webhook in planned:
            sender.schedule([webhook], 0.0, "")
        await deliver_all(sender)
        return sorted(sender.sent)

    return asyncio.run(deliver())


@pytest.mark.parametrize(("subject", "sent"), [("", [b"1", b"2"]), ("resp_1", [b"2"])])
def test_webhook_replaces_only_those_of_its_subject(subject: str, sent: list[bytes]) -> None:
    """Equal ids are none: a replayed seed token, or a reset, makes the same ones again."""
    planned = [Webhook(0.01, URL, "", "post_1", payload, subject) for payload in (b"1", b"2")]
    assert sent_payloads(planned) == sent


def test_webhook_without_a_subject_replaces_none() -> None:
    planned = [Webhook(0.01, URL, "", "id", subject.encode(), subject) for subject in ("resp_1", "")]
    assert sent_payloads(planned) == [b"", b"resp_1"]


def test_closed_sender_cancels_webhooks_of_equal_ids() -> None:
    async def remaining() -> list[bool]:
        sender = Noting()
        sender.schedule([Webhook(PATIENCE, URL, "", "id", b"", "")] * 2, 0.0, "")
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        await sender.close()
        await asyncio.gather(*tasks, return_exceptions=True)
        return [task.cancelled() for task in tasks]

    assert asyncio.run(remaining()) == [True, True]


def ask(server: MockLLM, user: str, **headers: str) -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": user}]}).encode()
    url = f"{server.base_url}/v1/chat/completions"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=PATIENCE) as response:
        assert b"Done." in response.read()


def until_pending(server: MockLLM, count: int) -> None:
    """Wait until so many webhooks wait for their time."""
    until(lambda: server._running.app.webhooks is not None and len(server._running.app.webhooks) == count)


@pytest.mark.parametrize("reset", [False, True])
def test_post_replaces_none_of_an_equal_id(reset: bool) -> None:
    """A replayed seed makes an equal id, and so does a reset, after which the numbers of requests begin again."""
    headers = {} if reset else {"x-mockllm-seed": "7@41"}
    with MockLLM() as server:
        server.reply("Done.", then_post={"to": "http://localhost:9/", "body": "{{ user }}", "after": "10m"})
        ask(server, "one", **headers)
        until_pending(server, 1)
        if reset:
            url = f"{server.base_url}/api/reset"
            call = urllib.request.Request(url, b"{}", {"content-type": "application/json"})
            urllib.request.urlopen(call, timeout=PATIENCE).close()
        ask(server, "two", **headers)
        until_pending(server, 2)


@pytest.mark.parametrize("broken", ["headers", "state"])
def test_failed_webhook_is_reported_and_frees_its_place(
    broken: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(webhooks, "MAX_PENDING", 1)

    def fail(*_: object) -> bytes:
        raise RuntimeError("hidden")

    async def is_gone(session: str, id: str) -> bool:
        fail()
        return False

    if broken == "headers":
        monkeypatch.setattr(webhook_module, "secret_key", fail)

    async def deliver() -> None:
        sender = WebhookSender(is_gone=is_gone)
        for number in range(2):
            hook = Webhook(0.0, URL, "secret", f"id {number}", b"{}", "", ends="resp_1", rule="a.yaml:done")
            sender.schedule([hook._replace(ends="") if broken == "headers" else hook], 0.0, "")
            await deliver_all(sender)
        await sender.close()

    asyncio.run(deliver())
    line = "mockllm: webhook of a.yaml:done to http://localhost:9 not sent: RuntimeError\n"
    assert capsys.readouterr().err == line * 2


def test_endpoints_that_hang_do_not_hold_up_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of aiohttp has 100 connections by default."""
    monkeypatch.setattr(webhooks, "TIMEOUT", 10 * PATIENCE)
    hanging = 110

    async def deliver() -> None:
        began, received = asyncio.Semaphore(0), asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if b"/hang" in await reader.readuntil(b"\r\n\r\n"):
                began.release()
                await received.wait()
            received.set()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        sender = WebhookSender()
        sender.schedule([Webhook(0.0, f"{base}/hang", "", "id", b"", "")] * hanging, 0.0, "")
        async with asyncio.timeout(PATIENCE):
            for _ in range(hanging):
                await began.acquire()
            sender.schedule([Webhook(0.0, base, "", "id", b"", "")], 0.0, "")
            await received.wait()
        await sender.close()
        server.close()

    asyncio.run(deliver())


def test_webhook_goes_to_an_https_address_of_a_trusted_ca(tmp_path: Path) -> None:
    """In another process, where aiohttp's context has no CAs."""
    files = self_signed(tmp_path / "tls")
    receiver = WebhookReceiver()
    receiver.socket = context(files.server).wrap_socket(receiver.socket, server_side=True)
    threading.Thread(target=receiver.serve_forever, daemon=True).start()
    to = f"https://localhost:{receiver.server_port}/"
    (tmp_path / "a.yaml").write_text(f"rules: [{{reply: Done., then_post: {{to: '{to}', body: sent}}}}]")
    with serving("--scenarios", "a.yaml", cwd=tmp_path, SSL_CERT_FILE=str(files.ca)) as server:
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}]}).encode()
        with urllib.request.urlopen(f"{server.url}/v1/chat/completions", body, PATIENCE):
            assert receiver.received.get(timeout=PATIENCE)[0] == b"sent"
    receiver.shutdown()
    receiver.server_close()
