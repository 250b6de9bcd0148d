"""Rules that count, and requests for them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import openai

from tests.process import Process
from tests.store.redis_server import program
from tests.waiting import PATIENCE

SCENARIO = """
rules:
  - {name: steps, match: {user: step}, per: api_key, sequence: [one, two, three]}
  - {name: open, match: {user: open}, sets_state: {door: open}, reply: Opened.}
  - {name: enter, match: {user: enter}, requires_state: {door: open}, sets_state: {door: null}, reply: Entered.}
  - {name: draw, match: {user: draw}, choose: [a, b, c]}
  - {name: luck, match: {user: luck}, chance: 0.4, reply: Lucky.}
  - {name: second, match: {turn: 2}, reply: "Second: {{ user }}"}
  - {name: late, match: {user: late}, skip: 1, reply: Late.}
  - {name: ends, match: {user: end}, sequence: [one, two], then: error}
  - {name: search, match: {user: search}, reply: {server_tools: [{file_search: n3}]}}
  - {name: rest, reply: Hello.}
modifiers:
  - {name: rare, match: {user: late}, every: 3, delay: 1ms}
  - {name: few, match: {model: limited}, limit: {strategy: fixed-window, requests: 10, window: 1h}}
  - {name: places, match: {model: busy}, limit: {strategy: fixed-window, concurrent: 2}}
  - {name: slow, match: {model: busy}, faults: [{stall: {for: 10m}}]}
"""


def scenario_folder(path: Path) -> Path:
    """Write the scenario below a path, and return the path. Skip without a program for a store."""
    program()
    folder = path / "scenarios"
    folder.mkdir()
    (folder / "a.yaml").write_text(SCENARIO)
    return path


def ask(server: Process, user: str, model: str = "gpt-4o", **headers: str) -> tuple[int, str]:
    """The status of a response, and its text or the code of its error."""
    request = urllib.request.Request(
        f"{server.url}/v1/chat/completions",
        json.dumps({"model": model, "messages": [{"role": "user", "content": user}]}).encode(),
        {
            "content-type": "application/json",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return 200, json.load(response)["choices"][0]["message"]["content"]
    except urllib.error.HTTPError as error:
        return error.code, str(json.load(error)["error"]["message"])


def served_text(server: Process, user: str) -> str | None:
    """The text of a response; None of an error."""
    status, text = ask(server, user)
    return text if status == 200 else None


def ask_all(server: Process, users: list[str], **more: Any) -> list[tuple[int, str]]:
    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(lambda user: ask(server, user, **more), users))


def statuses(server: Process, count: int, model: str) -> Counter[int]:
    """The statuses of so many responses, all in flight at once: no body is read before the last status has come."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}]})
    with ExitStack() as connections:
        opened = [
            connections.enter_context(closing(HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)))
            for _ in range(count)
        ]
        for connection in opened:
            connection.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
        return Counter(connection.getresponse().status for connection in opened)


def texts(answers: list[tuple[int, str]]) -> Counter[str]:
    return Counter(text for _, text in answers)


def openai_client(server: Process) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0)


def response(server: Process) -> Any:
    request = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
    return server.post("/v1/chat/completions", request)


def end_session(server: Process, id: str) -> None:
    request = urllib.request.Request(f"{server.url}/api/sessions/{id}", method="DELETE")
    with urllib.request.urlopen(request):
        pass
