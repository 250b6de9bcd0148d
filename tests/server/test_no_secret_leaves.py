"""No secret of a request leaves the process or reaches a disk, except to the client and to its provider."""

# ruff: noqa: E501 - the scenario has longer lines

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.process import Process, serving
from tests.server.control.feed_client import following
from tests.server.planted_secrets import PLANTED, send
from tests.server.traces.otlp_receiver import Receiver, receiving
from tests.waiting import until

SCENARIO = """
validation: strict
rules:
  - name: missed-model
    match: {model: [gpt-4o, "gemini*"], headers: {x-miss: {exists: true}}, user: {equals: never}}
    reply: Never.
  - name: echo
    match: {headers: {x-miss: {exists: false}}}
    reply: "{{ user }} {{ model }} {{ headers.authorization | default('') }} {{ headers.cookie | default('') }} {{ query.key | default('') }}"
    headers: {x-echo: "{{ headers.authorization | default('none') }}"}
"""


@contextmanager
def echoing() -> Iterator[str]:
    """A provider that repeats all that it receives, and sets a cookie."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            reported = json.dumps(
                {"choices": [], "path": self.path, "headers": dict(self.headers), "body": body.decode()}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reported)))
            self.send_header("Set-Cookie", f"sid={PROVIDER_COOKIE}")
            self.send_header("X-Request-Path", self.path.encode("ascii", "replace").decode())
            self.end_headers()
            self.wfile.write(reported)

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


PROVIDER_COOKIE = "kq83hDk2mZx01LsPq77"


class Outputs(dict[str, bytes]):
    """All that left a server, by where."""

    def leaks(self, secrets: Mapping[str, str]) -> list[str]:
        """Each secret that is found in an output, with its name and the place."""
        found = []
        for place, data in self.items():
            for name, secret in secrets.items():
                forms = {
                    secret,
                    quote(secret, safe=""),
                    base64.b64encode(secret.encode()).decode().rstrip("="),
                }
                found += [f"{name}: {place}: {around(data, form)}" for form in forms if form.encode() in data]
        return found


def around(data: bytes, form: str) -> str:
    at = data.index(form.encode())
    return data[max(0, at - 60) : at + len(form) + 10].decode("utf-8", "replace")


def requested(port: int, method: str, path: str, body: Any = None) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(
            method, path, None if body is None else json.dumps(body), {"content-type": "application/json"}
        )
        return connection.getresponse().read()
    finally:
        connection.close()


def of_control_api(port: int) -> Outputs:
    """What the control API shows."""
    outputs = Outputs()
    pages = [
        "/api/requests?limit=500", "/api/requests/export?format=jsonl", "/api/requests/export?format=har",
        "/api/sessions", "/api/verdicts", "/api/verdicts?format=junit", "/api/rules", "/api/metrics", "/metrics",
        "/api/detailed-metrics", "/api/detailed-metrics/export/json", "/api/detailed-metrics/export/csv",
        "/api/overlay", "/api/config", "/health", "/",
    ]  # fmt: skip
    overlay = {"match": {"user": "never"}, "reply": "Never."}
    requested(port, "PUT", f"/api/rules/of-a-key?session={SECRETS['session']}", overlay)
    for page in pages:
        outputs[page] = requested(port, "GET", page)
    assert len(json.loads(outputs["/api/requests?limit=500"])["requests"]) >= len(PLANTED)
    assert b"of-a-key" in outputs["/api/rules"], "a session with rules of its own"
    for entry in json.loads(outputs["/api/requests?limit=500"])["requests"]:
        id = entry["id"]
        outputs[f"/api/requests/{id}"] = requested(port, "GET", f"/api/requests/{id}")
        outputs[f"/api/requests/{id}/rule"] = requested(port, "POST", f"/api/requests/{id}/rule")
        for more in ("code", "conversation"):
            outputs[f"/api/requests/{id}/{more}"] = requested(port, "GET", f"/api/requests/{id}/{more}")
        outputs[f"explain {id}"] = requested(port, "POST", "/api/explain", {"request_id": id})
    outputs["verify"] = requested(
        port, "POST", "/api/verify", {"match": {"user": "nothing of it"}, "times": 1}
    )
    outputs["no session"] = requested(port, "DELETE", "/api/sessions/none")
    return outputs


def on_disk(folder: Path) -> Outputs:
    """All files with their names."""
    return Outputs(
        {str(file): str(file).encode() + file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    )


def terminal(process: Process) -> Outputs:
    return Outputs({"stdout": "\n".join(process.out).encode(), "stderr": "\n".join(process.err).encode()})


@pytest.fixture(scope="module")
def traces() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


def of_traces(traces: Receiver) -> Outputs:
    return Outputs({f"span {number}": str(span.wire).encode() for number, span in enumerate(traces.spans)})


SECRETS = {planted.name: planted.secret for planted in PLANTED} | {"cookie of the provider": PROVIDER_COOKIE}


def test_serve_all_outputs_contain_no_secret(tmp_path: Path, traces: Receiver) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "a.yaml").write_text(SCENARIO)
    more = {"OTEL_EXPORTER_OTLP_ENDPOINT": traces.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}

    async def follow(port: int) -> bytes:
        async with following(port) as feed:
            await asyncio.to_thread(lambda: [send(port, planted) for planted in PLANTED])
            seen, frames = 0, []
            while seen < len(PLANTED):
                frames.append(await feed.next("events"))
                seen += len(frames[-1]["events"]) + frames[-1]["dropped"]
            frames += [await feed.next("metrics")]
            return json.dumps(frames).encode()

    with echoing() as provider:
        misses = ("--record-misses", "out", "--upstream", f"openai={provider}")
        with serving("--verbose", "--allow-overrides", *misses, cwd=tmp_path, **more) as server:
            outputs = Outputs({"feed": asyncio.run(follow(server.port))})
            outputs |= of_control_api(server.port)
            until(lambda: len(traces.spans) >= len(PLANTED))
            outputs |= of_traces(traces) | terminal(server) | on_disk(tmp_path)
    assert any("out" in place for place in outputs if place.endswith(".yaml")), "nothing was recorded"
    leaks = outputs.leaks(SECRETS)
    assert not leaks, "\n".join(leaks)


def test_record_terminal_and_files_contain_no_secret(tmp_path: Path) -> None:
    with echoing() as provider:
        upstreams = (
            "--upstream",
            f"openai={provider}",
            "--upstream",
            f"anthropic={provider}",
            "--upstream",
            f"gemini={provider}",
            "--upstream",
            f"other={provider}",
        )
        with serving("--verbose", "--out", "out", *upstreams, cwd=tmp_path, verb="record") as server:
            for planted in PLANTED:
                send(server.port, planted)
            until(
                lambda: sum("recorded in" in line for line in server.out + server.err) > 30,
                otherwise=lambda: server.reported[-3000:],
            )
            outputs = Outputs(terminal(server) | on_disk(tmp_path))
    leaks = outputs.leaks(SECRETS)
    assert not leaks, "\n".join(leaks)
