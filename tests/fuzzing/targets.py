"""What the fuzzer attacks: a server with its control API on loopback, and the loader of scenario files."""

# ruff: noqa: E501 - one line for each row

from __future__ import annotations

import io
import json
import re
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, Literal

from mockllm.core.json.codec import dumps
from mockllm.core.request.request import Tool
from mockllm.core.request.response_parameters import Format
from mockllm.dialects.neutral_request import NeutralRequest
from mockllm.dialects.providers import GENERATING_CALLS
from mockllm.scenario.loader import ScenarioSources
from mockllm.server.access_log import AccessLog
from mockllm.server.app import App
from mockllm.server.engine_builder import Broken, Builder
from mockllm.server.server_limits import ServerLimits
from mockllm.state.engine_state import EngineState
from tests.server.control.live_server import steered
from tests.server.threaded_server import ThreadedServer

Kind = Literal["http", "json", "control", "scenario"]
NOT_SERVED: Final = b"Known API, not served"
"""The beginning of the response to a call of a provider that this server lacks: a 501 by design."""
STALL: Final = 1.0
"""Seconds after which a case counts as a stall."""
SCENARIO: Final = """
validation: strict
rules:
  - {name: strict, match: {user: {contains: strict}}, reply: strict}
  - {name: schema, match: {user: {contains: schema}}, reply: {json: from_schema}}
  - {name: call, match: {tools: fill}, reply: {tool_calls: from_schema}}
  - {name: deep, match: {body: {$..text: {some: {contains: deep}}}}, reply: "{{ user }}"}
  - {name: any, reply: {text: "{{ user | default('') }}", thinking: Hm.}}
"""
LIMITS: Final = ServerLimits(grace=0.1, head_time=0.3, body_idle=0.3, keepalive=0.3, linger=0.1)
YAML: Final = re.compile(r"(?ms)^```yaml\n(.*?)^```")
"""The examples of a page."""
ROOT: Final = Path(__file__).parents[2]


class FuzzFailure(Exception):
    """A case fails; the message says how."""


def seeds(kind: Kind) -> Sequence[bytes]:
    """Return the cases that mutations begin with."""
    if kind == "scenario":
        files = [*(ROOT / "scenarios").rglob("*.yaml"), *(ROOT / "deploy" / "scenarios").glob("*.yaml")]
        pages = [file.read_text("utf-8") for file in sorted((ROOT / "docs").glob("*.md"))]
        blocks = [block.encode() for page in pages for block in YAML.findall(page)]
        return [
            SCENARIO.encode(),
            *(file.read_bytes() for file in sorted(files) if file.name != "pack.yaml"),
            *blocks,
        ]
    if kind == "control":
        return control_seeds()
    tool = Tool("look", {"type": "object", "properties": {"a": {"type": "string"}}})
    fields = {
        "order": {"type": "integer"}, "city": {"type": "string"}, "day": {"type": "string", "format": "date"}, "price": {"type": "number"},
        "name": {"type": "string"}, "size": {"enum": ["small", "große"]}, "path": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}},
    }  # fmt: skip
    form = Tool("fill", {"type": "object", "properties": fields, "required": [*fields]})
    requested = [
        NeutralRequest(user="fill the form", tools=(form,)),
        NeutralRequest(
            user="strict schema",
            system="s",
            tools=(tool,),
            max_tokens=5,
            stop=("x",),
            api_key="sk-0123456789abcdefgh",
        ),
        NeutralRequest(user="schema", stream=True, response_format=Format("json")),
    ]
    wires = [call.dialect.build_request(request) for call in GENERATING_CALLS for request in requested]
    if kind == "json":
        return list(dict.fromkeys(dumps({"path": wire.path, "body": wire.body}) for wire in wires))
    return [_http(wire.path, wire.body) for wire in wires] + [
        _http("/v1/models", None, "GET"),
        _http("/s/a/v1/models", None, "GET"),
    ]


def control_seeds() -> Sequence[bytes]:
    """Return calls of the control API."""
    body = {"expect": [{"match": {"user": "hi"}, "times": 1}]}
    gets = ("/api/requests?limit=3", "/api/requests/1", "/api/sessions", "/metrics", "/api/verdicts", "/api/openapi.json", "/dashboard",
            "/api/requests/export?format=har", "/api/config", "/api/overlay.yaml")  # fmt: skip
    explain = {"method": "POST", "path": "/v1/chat/completions", "body": {"model": "m", "messages": []}}
    return [
        *(_http(path, None, "GET") for path in gets),
        _http("/api/verify", body),
        _http("/api/explain", explain),
        _http("/api/reset", {"what": ["journal"]}),
    ]


def _http(path: str, body: object, method: str = "POST") -> bytes:
    raw = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
    return head.encode() + raw


class Targets:
    """Runs cases. `check` raises FuzzFailure."""

    def __init__(self, port: int, control: int, errors: io.StringIO) -> None:
        self._port = port
        self._control = control
        self._errors = errors

    def check(self, kind: Kind, data: bytes) -> None:
        """Run a case; a stall counts only if it is one three times in a row."""
        for _ in range(3):
            start, found = time.monotonic(), None
            try:
                self._run(kind, data)
            except FuzzFailure as failure:
                found = failure
            took, trace = time.monotonic() - start, self._errors.getvalue()
            self._errors.truncate(0)
            self._errors.seek(0)
            if "Traceback" in trace:
                raise FuzzFailure(trace[-2000:])
            if found is not None:
                raise found
            if took < STALL:
                return
        raise FuzzFailure(f"it takes {took:.1f} s")

    def _run(self, kind: Kind, data: bytes) -> None:
        if kind == "scenario":
            load(data)
        elif kind == "json":
            self._post(data)
        else:
            allowed = {501, 503} if kind == "control" else set()
            _refuse_5xx(_talk(self._control if kind == "control" else self._port, data), allowed)

    def _post(self, data: bytes) -> None:
        """Send `{path, body}`, or any other bytes as the body of a chat completion."""
        try:
            case = json.loads(data)
            path, body = str(case["path"]), json.dumps(case["body"]).encode()
        except (ValueError, KeyError, TypeError, RecursionError):
            path, body = "/v1/chat/completions", data
        path = (
            path.encode("ascii", "replace").decode().replace(" ", "").replace("\r", "").replace("\n", "")
            or "/"
        )
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        _refuse_5xx(_talk(self._port, head.encode() + body), set())


def _talk(port: int, data: bytes) -> bytes:
    """Send bytes, close the sending side, and return all that comes."""
    with socket.create_connection(("127.0.0.1", port), 5) as client:
        client.settimeout(5)
        parts = []
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            while part := client.recv(1 << 18):
                parts.append(part)
        except TimeoutError:
            raise FuzzFailure("no end of the response within 5 s") from None
        except OSError:  # the server may reset what it refuses
            pass
    return b"".join(parts)


def _refuse_5xx(response: bytes, allowed: set[int]) -> None:
    line = response.split(b"\r\n", 1)[0].split(b" ")
    if line[1:2] == [b"501"] and NOT_SERVED in response:
        return
    if len(line) > 1 and line[1].isdigit() and int(line[1]) >= 500 and int(line[1]) not in allowed:
        raise FuzzFailure(f"a {int(line[1])}: {response[-500:]!r}")


def load(data: bytes) -> None:
    """Load a scenario file and respond to two requests with it. Broken scenarios are no failure, crashes are."""
    with tempfile.TemporaryDirectory(prefix="mockllm-fuzz-") as folder:
        (Path(folder) / "a.yaml").write_bytes(data)
        try:
            engine = Builder(ScenarioSources([folder]), EngineState()).first()
        except Broken:
            return
        except Exception as error:
            raise FuzzFailure(f"the loader fails: {error!r}") from error
        for stream in (b"true", b"false"):
            body = (
                b'{"model": "gpt-4o", "stream": %b, "messages": [{"role": "user", "content": "hi"}]}' % stream
            )
            try:
                engine.respond(engine.read("POST", "/v1/chat/completions", "", {}, body, "127.0.0.1", 0.0))
            except Exception as error:
                raise FuzzFailure(f"the engine fails: {error!r}") from error


@contextmanager
def targets() -> Iterator[Targets]:
    """Start the servers in this process; their tracebacks are failures."""
    errors, original = io.StringIO(), sys.stderr
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mockllm-fuzz-")))
        (folder / "own").mkdir()
        (folder / "steered").mkdir()
        (folder / "own" / "a.yaml").write_text(SCENARIO)
        app = App(Builder(ScenarioSources([str(folder / "own")]), EngineState()).first(), limits=LIMITS,
                  access_log=AccessLog(lambda line: None, verbose=True))  # fmt: skip
        server = ThreadedServer(app)
        stack.enter_context(server)
        control = stack.enter_context(steered(folder / "steered", {"a.yaml": SCENARIO}))
        sys.stderr = errors
        try:
            yield Targets(server.port, control.port, errors)
        finally:
            sys.stderr = original
