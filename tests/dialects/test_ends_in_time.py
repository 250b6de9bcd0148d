"""Batches, background responses and jobs end within five seconds where no scenario says otherwise."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest

from tests.golden.other_calls import RULES, WIRES
from tests.golden.test_other_calls import sent
from tests.language.virtual_server import NOW, ClientRequest, VirtualServer, raw_request

LIMIT: Final = 5.0
ENDED: Final = {
    "openai-batches": ("completed", '"status": "completed"'),
    "azure-batches": ("completed", '"status": "completed"'),
    "anthropic-batches": ("ended", '"processing_status":"ended"'),
    "gemini-batches": ("succeeded", '"state": "BATCH_STATE_SUCCEEDED"'),
    "mistral-batches": ("succeeded", '"status":"SUCCESS"'),
    "vertex-batch-jobs": ("succeeded", '"state": "JOB_STATE_SUCCEEDED"'),
    "openai-media": ("video-completed", '"status": "completed"'),
}
"""By wire: the step that reads the end, and what the body says then."""


def member(body: Any, path: str) -> str:
    for name in path.split("."):
        body = body[name]
    return str(body)


@pytest.mark.parametrize("wire", ENDED)
def test_batch_or_job_ends_within_five_seconds(wire: str) -> None:
    last, expected = ENDED[wire]
    server, stored = VirtualServer(RULES), dict[str, str]()
    for step in WIRES[wire]:
        if step.golden == last:
            body = server.respond(sent(step._replace(after=LIMIT), stored)).bytes.decode()
            assert expected in re.sub(r'": +', '": ', body)
            return
        response = server.respond(sent(step._replace(after=0.0), stored))
        if step.stores is not None:
            stored[step.stores[0]] = member(response.json, step.stores[1])
    raise AssertionError(f"{wire} has no step {last}")


@pytest.mark.parametrize("path", ["/v1/responses", "/v1beta/interactions"])
def test_background_response_ends_within_five_seconds(path: str) -> None:
    server = VirtualServer(RULES)
    sent_body = {"model": "gemini-2.5-flash", "input": "hi", "background": True, "store": True}
    created = server.respond(raw_request(path, sent_body)).json
    assert created["status"] in ("queued", "in_progress")
    read = ClientRequest(f"{path}/{created['id']}", method="GET", now=NOW + LIMIT)
    assert server.respond(read).json["status"] == "completed"
