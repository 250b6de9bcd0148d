"""The pack `recordings`: one command, and the poem is there for four providers, over HTTPS, compressed on request."""

from __future__ import annotations

import gzip
import json
import ssl
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.core.request.test_request_hash import POEM
from tests.language.virtual_server import VirtualServer, raw_request
from tests.process import serving
from tests.waiting import PATIENCE

SYSTEM, USER = (message["content"] for message in POEM["messages"])  # type: ignore[attr-defined]
GOOGLE = {
    "contents": [{"parts": [{"text": USER}], "role": "user"}],
    "systemInstruction": {"parts": [{"text": SYSTEM}], "role": "user"},
}
BARE = {"contents": GOOGLE["contents"]}
"""As the older mock's clients ask Vertex: without a system instruction."""
BARE_WITH_CONFIG = {**BARE, "generationConfig": {}}
"""As they ask Gemini."""
WHOLE = {key: value for key, value in POEM.items() if key != "stream"}
AZURE = "/azure/openai/deployments/any/chat/completions"
KGATEWAY = "/v1/projects/kgateway-project/locations"
FIRST = "A function stood before a glass"


def without_model(body: dict[str, Any]) -> dict[str, Any]:
    """As clients write it that name the deployment in the path alone."""
    return {key: value for key, value in body.items() if key != "model"}


CALLS: list[tuple[str, str, Any, str]] = [
    ("/v1/chat/completions", "", POEM, "text/event-stream"),
    ("/v1/chat/completions", "", WHOLE, "application/json"),
    (AZURE, "api-version=2024-10-21", POEM, "text/event-stream"),
    (AZURE, "api-version=2024-10-21", WHOLE, "application/json"),
    (AZURE, "api-version=2024-10-21", without_model(POEM), "text/event-stream"),
    (AZURE, "api-version=2024-10-21", without_model(WHOLE), "application/json"),
    (AZURE, "api-version=2024-10-21", {**without_model(WHOLE), "stream": False}, "application/json"),
    *(
        (f"{base}:{call}", query, body, kind)
        for base, body in (
            ("/v1beta/models/any", GOOGLE),
            ("/v1/projects/p/locations/us/publishers/google/models/any", GOOGLE),
            ("/v1/projects/p/locations/us-central1/publishers/google/models/any", GOOGLE),
            ("/v1beta/models/gemini-1.5-flash", BARE_WITH_CONFIG),
            (f"{KGATEWAY}/us/publishers/google/models/gemini-1.5-flash-001", BARE),
            (f"{KGATEWAY}/us-central1/publishers/google/models/gemini-1.5-flash-001", BARE),
        )
        for call, query, kind in (
            ("generateContent", "", "application/json"),
            ("generateContent", "alt=sse", "application/json"),
            ("streamGenerateContent", "", "application/json"),
            ("streamGenerateContent", "alt=sse", "text/event-stream"),
        )
    ),
]


@pytest.mark.parametrize(
    ("path", "query", "body", "kind"), CALLS, ids=[f"{p}?{q} {k} {len(b)} fields" for p, q, b, k in CALLS]
)
def test_poem_is_found_by_its_hash(path: str, query: str, body: Any, kind: str) -> None:
    game = VirtualServer({"empty.yaml": "rules: []"}, packs=["recordings"])
    plain = game.respond(raw_request(path, body, query=query))
    assert plain.status == 200
    assert plain.headers["content-type"].startswith(kind)
    assert FIRST in plain.bytes.decode()
    packed = game.respond(raw_request(path, body, query=query, headers={"accept-encoding": "gzip, deflate"}))
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.bytes) == plain.bytes
    if "Generate" in path or "generate" in path:
        text = plain.bytes.decode()
        values = json.loads(text) if kind == "application/json" else None
        assert values is None or isinstance(values, list) is ("stream" in path)


def test_unknown_question_is_unmatched() -> None:
    game = VirtualServer({"empty.yaml": "rules: []"}, packs=["recordings"])
    assert game.respond(raw_request("/v1/chat/completions", {**POEM, "model": "other"})).status == 404


def test_alt_sse_parameter_makes_gemini_stream_sse() -> None:
    game = VirtualServer({"empty.yaml": "rules: []"}, packs=["recordings"], sets=["gemini_stream=sse"])
    response = game.respond(raw_request("/v1beta/models/any:streamGenerateContent", GOOGLE))
    assert response.headers["content-type"].startswith("text/event-stream")


def test_one_command_serves_the_pack_over_https(tmp_path: Path) -> None:
    options = ("--pack", "recordings", "--tls-self-signed", "--tls-port", "0", "--tls-dir", str(tmp_path))
    with serving(*options, cwd=tmp_path) as server:
        secure = server.line(lambda line: "listening on" in line).rpartition(", ")[2]
        url = f"{secure}/azure/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-10-21"
        headers = {"content-type": "application/json", "accept-encoding": "gzip"}
        request = urllib.request.Request(url, json.dumps(POEM).encode(), headers)
        trust = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        with urllib.request.urlopen(request, context=trust, timeout=PATIENCE) as response:
            text = gzip.decompress(response.read()).decode()
    assert FIRST in text
    assert text.endswith("data: [DONE]\n\n")
