"""Webhooks of background responses that another process with the same store cancels."""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.process import Process, serving
from tests.store.redis_server import redis_server
from tests.waiting import PATIENCE
from tests.webhook_receiver import WebhookReceiver

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="several workers need Linux")

SCENARIO = "rules:\n  - {reply: Hello., pace: {in_progress: 3s}}\n"


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with WebhookReceiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def call(server: Process, path: str, **body: Any) -> Any:
    """Call on a separate connection."""
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(f"{server.url}/v1/{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        return json.load(response)


def test_response_that_another_group_cancels_has_no_other_end(
    tmp_path: Path, receiver: WebhookReceiver
) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text(SCENARIO)
    with (
        redis_server() as store,
        serving("--store", store.url, cwd=tmp_path) as one,
        serving("--store", store.url, cwd=tmp_path) as two,
    ):
        types = ["response.completed"]
        call(two, "webhook_endpoints", name="mine", url=receiver.url, event_types=types)
        first, second = [
            call(one, "responses", model="gpt-4o", input="hi", background=True)["id"] for _ in range(2)
        ]
        assert call(two, f"responses/{first}/cancel")["status"] == "cancelled"
        body, _ = receiver.received.get(timeout=PATIENCE)
        assert json.loads(body)["data"]["id"] == second
