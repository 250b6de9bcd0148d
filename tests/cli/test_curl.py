"""The benchmark pack as load testers use it: curl with no body at all, steered by two variables."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.in_process import command
from tests.process import Process, serving
from tests.waiting import PATIENCE

pytestmark = pytest.mark.needs("curl")


def curl(server: Process, *arguments: str, path: str = "/v1/chat/completions") -> tuple[str, str]:
    """Head and body of the response."""
    line = ["curl", "-sS", "-i", "-N", "-X", "POST", "--noproxy", "*", *arguments, server.url + path]
    done = subprocess.run(line, capture_output=True, encoding="utf-8", timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    head, _, body = done.stdout.replace("\r\n", "\n").partition("\n\n")
    return head, body


def chunks(body: str) -> list[dict[str, Any]]:
    lines = [event.removeprefix("data: ") for event in body.strip().split("\n\n")]
    assert lines.pop() == "[DONE]"
    return [json.loads(line) for line in lines]


def reported(body: str) -> list[str]:
    """The texts of the chunks; the role's chunk has none."""
    texts = [choice["delta"].get("content") for chunk in chunks(body) for choice in chunk["choices"]]
    return [text for text in texts if text]


def test_curl_without_body_gets_stream(tmp_path: Path) -> None:
    with serving("--pack", "benchmark", cwd=tmp_path) as server:
        began = time.monotonic()
        head, body = curl(server)
        took = time.monotonic() - began
        again = curl(server)[1]
    assert head.startswith("HTTP/1.1 200")
    headers = {name.lower(): value for name, value in re.findall(r"(?m)^([\w-]+): (.*)$", head)}
    assert headers["content-type"].startswith("text/event-stream")
    assert headers["cache-control"] == "no-cache"
    assert headers["x-accel-buffering"] == "no"
    assert len(reported(body)) == 18
    assert reported(body)[:2] == ["Hello", " world"]
    assert took >= 17 * 0.05, "eighteen chunks, fifty milliseconds apart"
    assert chunks(body)[0]["id"] != chunks(again)[0]["id"]
    assert reported(body) == reported(again)


BODIES = ["{", "", "[1]", '{"model": 7}', '{"stream": false, "model": "m", "messages": []}']


@pytest.mark.full
def test_curl_with_any_body_gets_response(tmp_path: Path) -> None:
    with serving("--pack", "benchmark", cwd=tmp_path, CHUNK_DELAY_MS="0") as server:
        for body in BODIES:
            head, response = curl(server, "-d", body, "-H", "content-type: application/json")
            assert head.startswith("HTTP/1.1 200"), body
            assert len(reported(response)) == 18


@pytest.mark.parametrize("count", [0, 1, 5625])
@pytest.mark.covering(count=1)
def test_as_many_chunks_as_one_likes_at_no_delay(tmp_path: Path, count: int) -> None:
    with serving("--pack", "benchmark", cwd=tmp_path, CHUNK_COUNT=str(count), CHUNK_DELAY_MS="0") as server:
        assert len(reported(curl(server)[1])) == count
        anthropic = curl(server, path="/v1/messages")[1]
        assert anthropic.count("event: content_block_delta") == count
        assert anthropic.rstrip().endswith('{"type":"message_stop"}')


@pytest.mark.full
def test_curl_gets_second_chunk_after_its_delay(tmp_path: Path) -> None:
    with serving("--pack", "benchmark", cwd=tmp_path, CHUNK_COUNT="2", CHUNK_DELAY_MS="5625") as server:
        line = ["curl", "-sS", "-N", "-X", "POST", f"{server.url}/v1/chat/completions"]
        with subprocess.Popen(line, stdout=subprocess.PIPE) as client:
            assert client.stdout is not None
            lines, sent = iter(client.stdout.readline, b""), time.monotonic()
            first = next(line for line in lines if b'"Hello"' in line)
            began = time.monotonic()
            second = next(line for line in lines if b'" world"' in line)
            ended = time.monotonic()
            client.wait(PATIENCE)
    assert first
    assert second
    assert ended - sent > 5.0
    assert ended - began > 0.5, "a busy machine may read the first chunk late, but not with the second one"


@pytest.mark.parametrize("value", ["many", "1.5", "-1"])
def test_invalid_count_variable_is_refused_at_start(tmp_path: Path, value: str) -> None:
    done = command("serve", "--pack", "benchmark", "--port", "0", cwd=tmp_path, CHUNK_COUNT=value)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert re.search("chunk_count|CHUNK_COUNT|tokens", done.stderr)


@pytest.mark.full
def test_curl_gets_reply_of_default_pack(tmp_path: Path) -> None:
    body = '{"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}'
    with serving(cwd=tmp_path) as server:
        head, response = curl(server, "-d", body, "-H", "content-type: application/json")
        missing = curl(server)
    assert head.startswith("HTTP/1.1 200")
    assert json.loads(response)["choices"][0]["finish_reason"] == "stop"
    assert missing[0].startswith("HTTP/1.1 400"), "strict unless the pack says otherwise"
