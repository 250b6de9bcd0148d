"""A server process that gets a fixed list of requests, and what it shows of them afterwards."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import mockllm
from tests.process import Process
from tests.snapshots.commands import run_command
from tests.snapshots.snapshot import mask_keys, mask_text, to_json
from tests.waiting import PATIENCE, until

SCENARIOS: Final = """\
rules:
  - {name: greeting, match: {user: {contains: hello}}, reply: "Hi, {{ model }} here."}
  - {name: busy, match: {model: busy}, error: {type: rate_limit, retry_after: 20s}}
  - {name: recovers, match: {model: later}, sequence: [{error: overloaded}, Here.]}
  - {name: cut, match: {user: cut}, reply: One two three., faults: [{close: {after: {chunks: 1}}}]}
  - {name: call, match: {tools: look}, reply: {tool_calls: from_schema}}
  - {name: page, match: {method: GET, path: /status/*}, http: {status: 202, body: {ready: false}}}
  - {name: known, match: {hash: 00fb810485dd07be771df63f78609507b5086f6d6e69a7e67bafd133e264abc4}, reply: Known.}
modifiers:
  - {name: named, match: {headers: {x-named: "*"}}, headers: {x-answer: yes-it-is}}
"""
OPENAI: Final = {"authorization": "Bearer sk-snapshot-0123456789abcdef"}
ANTHROPIC: Final = {"x-api-key": "sk-ant-snapshot-0123456789", "anthropic-version": "2023-06-01"}
TOOL: Final = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {
    "city": {"type": "string"}}, "required": ["city"]}}}  # fmt: skip

Request = tuple[str, str, Mapping[str, str], Any]


def _chat(user: str, model: str = "gpt-4o", **fields: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": user}], **fields}


CHAT: Final = "/v1/chat/completions"
REQUESTS: Final[tuple[Request, ...]] = (
    ("GET", "/", {}, None),
    ("POST", CHAT, OPENAI, _chat("hello")),
    ("POST", CHAT, {**OPENAI, "x-named": "a"}, _chat("hello", stream=True)),
    ("POST", "/v1/messages", ANTHROPIC, {**_chat("help", "claude-x"), "max_tokens": 9}),
    ("POST", CHAT, OPENAI, {"model": "gpt-4o", "messages": "hello"}),
    ("POST", CHAT, OPENAI, '{"model": '),
    ("GET", "/v1/unknown/call?key=AIzaSnapshot0123456789&x=1", {}, None),
    ("POST", "/s/one" + CHAT, OPENAI, _chat("hello in a session")),
    ("POST", CHAT, {**OPENAI, "x-mockllm-session": "two"}, _chat("hello again")),
    ("POST", "/v1beta/models/gemini-2.5-flash:generateContent", {"x-goog-api-key": "AIzaSnapshot"},
        {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}),
    ("POST", CHAT, OPENAI, _chat("x", "busy")),
    ("POST", CHAT, {**OPENAI, "x-stainless-retry-count": "1"}, _chat("x", "busy")),
    ("POST", CHAT, OPENAI, _chat("x", "later")),
    ("POST", CHAT, OPENAI, _chat("x", "later")),
    ("POST", CHAT, OPENAI, _chat("cut", stream=True)),
    ("POST", "/groq/openai/v1/chat/completions", OPENAI, _chat("look", "llama", tools=[TOOL])),
    ("POST", "/v1/embeddings", OPENAI, {"model": "text-embedding-3-small", "input": "x", "dimensions": 2}),
    ("GET", "/v1/models/gpt-4o", OPENAI, None),
    ("GET", "/status/7", {}, None),
    ("POST", CHAT, OPENAI, _chat("hello", "line\nbreak \x1b[31m")),
    ("POST", CHAT, {**OPENAI, "x-mockllm-fault": "html_page"}, _chat("hello with a fault")),
    ("POST", CHAT, {**OPENAI, "x-mockllm-rule": "busy"}, _chat("hello by a rule")),
    ("POST", CHAT, {**OPENAI, "origin": "https://page.example"}, _chat("hello from a page")),
    ("OPTIONS", CHAT, {"origin": "https://page.example", "access-control-request-method": "POST"}, None),
    ("POST", CHAT, OPENAI, _chat("known")),
    ("POST", CHAT, {**OPENAI, "x-mockllm-seed": "7@1,r0:1:1"}, _chat("hello")),
    ("POST", CHAT, {**OPENAI, "x-mockllm-delay": "1ms", "x-mockllm-fault": "unheard_of"}, _chat("hello late")),
)  # fmt: skip
STATIC: Final = ("health", "api/rules", "api/overlay", "api/sessions", "api/config", "api/config/endpoints",
    "api/climates", "api/rate-limit/strategies", "api/verdicts?over=true", "api/nowhere", "api/requests/9999",
    "api/requests?limit=none", "api/requests?endpoint=openai-chat&status=429")  # fmt: skip
TIMES: Final = frozenset({"at", "took", "uptime", "bytes", "since", "startedDateTime", "time", "wait", "receive",
    "send", "version", "last_used", "first", "last", "used", "created"})  # fmt: skip
TEXT_MASKS: Final = (
    (r"^Date: .*$", "Date: <date>"),
    (r"\b\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\b", "<date>"),
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)", "<time>"),
    (r"\"at\":[\d.]+", '"at":<at>'),
    (r"\"took\":[\d.]+", '"took":<took>'),
    (r"\b[12]\d{9}(\.\d+)?\b", "<seconds>"),
    (r"\b(127\.0\.0\.1|localhost):\d+", "<server>"),
    (r"( came| within) [\d.]+ ?m?s( after| of)", r"\1 <wait>\2"),
    (rf"\bmockllm {re.escape(mockllm.__version__)}", "mockllm <version>"),
)
LINE_MASKS: Final = (
    (r"^(#\d+ )?\d\d:\d\d:\d\d ", r"\1<time> "),
    (r" (\d{3}) [\d.]+m?s(?=  \[|$)", r" \1 <took>"),
)


def send(port: int, request: Request) -> bytes:
    """All bytes that come back on a separate connection."""
    method, path, headers, body = request
    data = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "User-Agent: snapshot/1", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if data:
        lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    received = b""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + data)
        while part := connection.recv(65536):
            received += part
    return received


def body_of(received: bytes) -> str:
    """The body of a response that was not sent in chunks."""
    return received.partition(b"\r\n\r\n")[2].decode()


def masked(text: str) -> str:
    """Without what changes from run to run; JSON also without its times."""
    with suppress(ValueError):
        text = to_json(mask_keys(json.loads(text), TIMES))
    return mask_text(text, *TEXT_MASKS)


def requested(server: Process) -> str:
    """Send all requests, and give the whole responses with their dates masked."""
    outputs = []
    for number, request in enumerate(REQUESTS, 1):
        received = mask_text(send(server.port, request).decode().replace("\r\n", "\n"), *TEXT_MASKS)
        outputs.append(f"=== {number} {request[0]} {request[1]}\n{received}\n")
    return "".join(outputs)


def log_lines(server: Process, count: int) -> str:
    """The access log's lines, once all are written."""

    def written() -> list[str] | None:
        lines = [line for line in server.out if re.match(r"\d\d:\d\d:\d\d ", line)]
        return lines if len(lines) >= count else None

    lines = until(written, otherwise=lambda: server.reported)
    return "".join(f"{mask_text(line, *LINE_MASKS)}\n" for line in lines)


def server_command(server: Process, folder: Path, *arguments: str) -> str:
    """A command that calls the server, with its output masked."""
    code, output, errors = run_command(*arguments, "--url", server.url, folder=folder)
    if arguments[0] == "requests":  # a line for each, of JSON or of words
        lines = [masked(line) for line in mask_text(output, *LINE_MASKS).splitlines()]
        actual = "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
    else:
        actual = masked(output)
    text = f"--- standard error\n{masked(errors)}" if errors else ""
    return f"$ mockllm {' '.join(arguments)}\n{actual}{text}--- exit code {code}\n"
