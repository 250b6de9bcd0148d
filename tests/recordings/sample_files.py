"""Recordings of other tools for the tests of importing, their import, and their requests sent again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mockllm.core.json.codec import dumps
from mockllm.engine.known_names import KNOWN_NAMES
from mockllm.recordings.import_file import ImportFile
from mockllm.recordings.importer import ImportResult, import_recordings
from mockllm.recordings.scenario_writer import RequestParser
from mockllm.scenario import catalog_lint
from mockllm.scenario.loader import ScenarioSources, load_scenarios
from tests.language.virtual_server import ClientRequest, ClientResponse, VirtualServer, raw_request

KEY = "sk-" + "a1B2" * 8
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Name a colour."}]}
ANSWER = '{"choices": [{"index": 0, "message": {"role": "assistant", "content": "Teal ${x} é"}}]}'
SSE = 'data: {"choices":[{"index":0,"delta":{"content":"Teal"}}]}\n\ndata: [DONE]\n\n'
URL = "https://api.openai.com/v1/chat/completions"
SENT = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}", "Cookie": "session=private"}
HEADERS = {
    "content-type": "application/json",
    "set-cookie": "a=private",
    "content-length": "5",
    "x-request-id": "r1",
}


def take(data: object, name: str = "recorded.json", **more: Any) -> ImportResult:
    raw = data if isinstance(data, bytes) else data.encode() if isinstance(data, str) else dumps(data)
    return import_recordings(ImportFile(name, raw), RequestParser(), **more)


def warnings_of(result: ImportResult, folder: Path) -> list[str]:
    """Return what `mockllm check` says of an imported file."""
    file = folder / "imported.yaml"
    file.write_text(result.text, encoding="utf-8")
    sources = ScenarioSources([str(file)], known_names=KNOWN_NAMES)
    scenarios = load_scenarios(sources)
    return [each.message for each in (*scenarios.diagnostics, *catalog_lint.warnings(scenarios))]


def again(result: ImportResult, request: ClientRequest | None = None) -> ClientResponse:
    for secret in (KEY, "private"):
        assert secret not in result.text
    return VirtualServer(result.text).respond(request or raw_request("/v1/chat/completions", BODY))


def vcrpy(body: object, **response: object) -> dict[str, Any]:
    request = {
        "method": "POST",
        "uri": URL,
        "body": json.dumps(BODY),
        "headers": {k: [v] for k, v in SENT.items()},
    }
    reply = {
        "status": {"code": 200, "message": "OK"},
        "headers": {k: [v] for k, v in HEADERS.items()},
        "body": body,
    }
    return {"version": 1, "interactions": [{"request": request, "response": {**reply, **response}}]}


HAR = {
    "log": {
        "entries": [
            {
                "request": {
                    "method": "POST",
                    "url": URL,
                    "headers": [{"name": name, "value": value} for name, value in SENT.items()],
                    "postData": {"text": json.dumps(BODY)},
                },
                "response": {
                    "status": 200,
                    "headers": [{"name": name, "value": value} for name, value in HEADERS.items()],
                    "content": {"text": ANSWER, "size": len(ANSWER)},
                },
                "timings": {"wait": 1500},
            }
        ]
    }
}
LOG = {"request": BODY, "response": json.loads(ANSWER), "latency_ms": 1500, "status": 200}
LINES = f"{json.dumps(LOG)}\n\n{json.dumps({**LOG, 'request': {**BODY, 'model': 'other'}})}\n"
