"""Every fault on the calls beside those that generate, by a client of raw bytes: files, batches, media, caches,
interactions, text completions and tools of an MCP server. The faults that concern no content do what the matrix
says; a fault that concerns it is played, or the log says why it is not."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest

from mockllm.core.faults import FAULTS
from mockllm.dialects.neutral_request import WireRequest
from tests.faults import expected
from tests.faults.expected_variation import VARIATION
from tests.faults.live_bench import Bench
from tests.faults.matrix_cell import (
    CHUNKS,
    PATIENCE,
    QUIET,
    Expect,
    Plain,
    ReceivedResponse,
    ask,
    assert_seen,
)
from tests.faults.test_matrix import ROWS, SPACING
from tests.golden.other_calls import WIRES, Step
from tests.waiting import until

SHOP: Final[dict[str, Any]] = {
    "name": "shop",
    "sessions": False,
    "tools": [
        {"name": "hours", "reply": "From nine to five."},
        {"name": "news", "reply": {"text": "News.", "mcp": {"events": [{"log": chunk} for chunk in CHUNKS]}}},
    ],
}
TOOL_HEADERS: Final = {
    "content-type": "application/json",
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": "2025-06-18",
}


def _tool(name: str) -> Step:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": {}}}
    return Step(name, "POST", "/mcp/shop", body, headers=TOOL_HEADERS)


CALLS: Final = {
    f"{wire} {step.golden}": step
    for wire, golden in (
        ("openai-files", "created"),
        ("openai-files", "list"),
        ("openai-uploads", "created"),
        ("openai-vector-stores", "created"),
        ("azure-uploads", "created"),
        ("azure-batches", "file"),
        ("azure-batches", "list"),
        ("bedrock-embeddings", "titan"),
        ("mistral-own", "fim"),
        ("mistral-own", "fim-stream"),
        ("mistral-own", "ocr"),
        ("mistral-own", "moderation"),
        ("mistral-conversations", "text"),
        ("mistral-conversations", "text-stream"),
        ("mistral-agents", "created"),
        ("mistral-files", "list"),
        ("mistral-batches", "created"),
        ("mistral-audio", "transcript"),
        ("mistral-audio", "transcript-stream"),
        ("mistral-audio", "speech-stream"),
        ("openrouter-own", "ranks"),
        ("openrouter-own", "image"),
        ("together-own", "image"),
        ("xai-own", "image"),
        ("huggingface-own", "text"),
        ("huggingface-own", "text-stream"),
        ("huggingface-own", "vectors"),
        ("huggingface-own", "ranks"),
        ("ollama-models", "pulled"),
        ("ollama-models", "pulled-whole"),
        ("ollama-models", "copied"),
        ("openai-media", "image"),
        ("openai-media", "image-stream"),
        ("openai-media", "speech"),
        ("openai-media", "speech-stream"),
        ("openai-media", "transcript"),
        ("openai-media", "transcript-stream"),
        ("openai-media", "video"),
        ("anthropic-batches", "created"),
        ("anthropic-complete", "text"),
        ("anthropic-complete", "text-stream"),
        ("gemini-files", "created"),
        ("gemini-file-search", "created"),
        ("gemini-batches", "created"),
        ("vertex-batch-jobs", "created"),
        ("vertex-batch-jobs", "list"),
        ("gemini-caches", "created"),
        ("gemini-interactions", "text"),
        ("gemini-interactions", "text-stream"),
    )
    for step in WIRES[wire]
    if step.golden == golden
} | {"mcp tool": _tool("hours"), "mcp tool-stream": _tool("news")}
REPLIES: Final[dict[str, Any]] = {
    "/v1/audio/transcriptions": {"chunks": list(CHUNKS)},
    "/v1/fim/completions": {"chunks": list(CHUNKS)},
    "/v1/conversations": {"chunks": list(CHUNKS)},
    "/generate": {"chunks": list(CHUNKS)},
    "/generate_stream": {"chunks": list(CHUNKS)},
    "/v1/complete": {"chunks": list(CHUNKS)},
    "/v1beta/interactions": {"chunks": list(CHUNKS)},
    "/v1/images/generations": {"images": [{"size": "8x8"}]},
}
CUTS: Final = {
    "reset": "rst",
    "close": "fin",
    "silence": "silent",
    "truncate": "kept",
    "broken_chunking": "fin",
}
"""The faults that cut a response in the middle, and what follows."""
CONTENTLESS: Final = {
    name: row
    for name, row in {**expected.CONNECTION, **expected.HTTP, **VARIATION}.items()
    if name not in CUTS and name != "no_space"
}
CELLS: Final = [
    pytest.param(fault, call, id=f"{fault}-{call}", marks=() if (i + j) % SPACING == 0 else pytest.mark.full)
    for i, fault in enumerate(FAULTS)
    for j, call in enumerate(CALLS)
]


def bare(path: str) -> str:
    """The path without the prefix of its provider, as rules see it."""
    return re.sub("^/(mistral|openrouter|together|xai|huggingface|mcp)", "", path)


def seen(bench: Bench, call: str, faults: list[Any], patience: float = PATIENCE) -> ReceivedResponse:
    """The result of a request to a separate engine."""
    step = CALLS[call]
    path = bare(step.path)
    reply = REPLIES.get(path)
    scenario: dict[str, Any] = {"modifiers": [{"match": {"path": path}, "faults": faults}]} if faults else {}
    if path == "/shop":
        scenario["mcp"] = [SHOP]
    if reply is not None:
        scenario["rules"] = [{"name": "said", "match": {"path": path}, "reply": reply}]
    engine = bench.scenario_engine(scenario)
    until(lambda: not bench.serves_batch_lines)  # the new engine would count those of the call before
    bench.server.app.engine = engine
    bench.server.lines.clear()
    return ask(bench.server.port, WireRequest(step.path, step.headers, step.body, step.method), patience)


@pytest.mark.parametrize(("fault", "call"), CELLS)
def test_fault_on_other_call_is_played_or_logged(fault: str, call: str, bench: Bench) -> None:
    without = seen(bench, call, [])
    plain = Plain(without, streamed=without.chunked)
    row_of_fault = ROWS.get(fault)
    assert row_of_fault is not None, "add a row: docs/adding-a-fault.md, step 4"
    settings = dict(row_of_fault.settings)
    came = seen(bench, call, [{fault: settings}], QUIET if CUTS.get(fault) == "silent" else PATIENCE)
    line = until(lambda: next((line for line in bench.server.lines if CALLS[call].path in line), None))
    if f"{fault} not applied: " in line:
        assert (came.lines, came.body, came.end) == (plain.seen.lines, plain.body, "kept")
        return
    assert f"fault: {fault}" in line
    assert came.status < 500 if came.lines and fault not in ("html_page", "error_event") else True
    if fault in CUTS:
        assert plain.body.startswith(came.body)
        assert (len(came.body) < len(plain.body), came.end) == (True, CUTS[fault])
    elif fault in CONTENTLESS:
        row = CONTENTLESS[fault]
        wanted = (row.streamed if plain.streamed else row.whole)(plain)
        assert isinstance(wanted, Expect)
        assert_seen(came, wanted, plain)
