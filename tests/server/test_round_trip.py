"""Serve A, record A through B, replay what B recorded: A's bytes. With recordings of live providers, where they are
at hand, and with this server's own responses."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from mockllm.core.json.codec import dumps
from mockllm.dialects.provider_facts import PROVIDERS
from mockllm.dialects.providers import REGISTERED
from mockllm.recordings.import_file import ImportFile
from mockllm.recordings.importer import import_recordings
from mockllm.recordings.interaction import OTHER, RecordedRequest
from mockllm.recordings.raw_responses import exchange
from mockllm.recordings.scenario_writer import RequestParser
from tests.live import live
from tests.recordings.replay_check import transcripts
from tests.server.raw_client import Got, Raw
from tests.server.recording import recording


def send(url: str, requested: RecordedRequest, session: str) -> Got:
    """This request, in a separate session."""
    target = requested.path + (f"?{requested.query_string}" if requested.query_string else "")
    own = ("content-length", "host", "connection", "accept-encoding", "transfer-encoding", "content-encoding")
    lines = [f"{name}: {value}" for name, value in requested.headers if name.lower() not in own]
    head = [f"{requested.method} {target} HTTP/1.1", "Host: x", f"x-mockllm-session: {session}", *lines]
    with Raw.to(url) as client:
        client.send(
            "\r\n".join([*head, f"Content-Length: {len(requested.body)}", "", ""]).encode() + requested.body
        )
        return client.answer(head_only=requested.method == "HEAD")


def upstreams(url: str) -> dict[str, str]:
    """One server as every provider there is."""
    prefixed = {
        each.name for each in REGISTERED if each.needs_prefix or each.hosts or each.unprefixed_hosts
    }  # as each host serves one provider
    return {name: f"{url}/{name}" if name in prefixed else url for name in (*PROVIDERS, OTHER)}


def there_and_back(
    first: Path, out: Path, requests: Iterable[tuple[str, RecordedRequest]], *, fixed: bool
) -> tuple[int, list[str]]:
    """How many requests went there and back, and which came back otherwise; `fixed`: the provider sends the same
    when it gets the request again, without the recorder."""
    requested = list(requests)
    with live(first) as provider:
        with recording(out, True, **upstreams(provider.url)) as (url, recorder, stated):
            reported = [send(url, each, f"s{number}") for number, (_, each) in enumerate(requested)]
        direct = (
            [send(provider.url, each, f"s{number}") for number, (_, each) in enumerate(requested)]
            if fixed
            else reported
        )
    assert recorder.failed == 0, stated
    with live(out) as replayer:
        again = [send(replayer.url, each, f"s{number}") for number, (_, each) in enumerate(requested)]
    bad = [
        f"{name}: {third.status} {third.body[:200]!r} for {one.status} {one.body[:200]!r}"
        for (name, _), one, two, third in zip(requested, direct, reported, again, strict=True)
        if not (one.status, one.body) == (two.status, two.body) == (third.status, third.body)
        or not third.headers.get("x-mockllm-rule", "").startswith("s")
    ]
    return len(requested), bad


@pytest.mark.full
@pytest.mark.timeout(300)
def test_provider_recordings_are_recorded_again_unchanged(tmp_path: Path) -> None:
    reader, requests = RequestParser(), []
    for number, (name, recorded) in enumerate(transcripts()):
        first = tmp_path / "first" / f"{number}.yaml"
        first.parent.mkdir(exist_ok=True)
        file = ImportFile(name, dumps(recorded))
        first.write_text(import_recordings(file, reader).text, encoding="utf-8")
        requests.append((name, exchange(file).request))
    if not requests:
        pytest.skip(
            "0 recordings of live providers at hand; what this server says goes there and back instead"
        )
    count, bad = there_and_back(tmp_path / "first", tmp_path / "out", requests, fixed=True)
    print(f"{count} recordings went there and back, all but {len(bad)} of them unchanged")
    assert bad == []


OURS = """
rules:
  - match: {user: {contains: fail}}
    error: {type: rate_limit, retry_after: 2s}
  - match: {user: {contains: call}}
    reply: {tool_calls: [{name: f, arguments: {a: "é"}}]}
  - reply: {text: "One, two,\\n\\nthree é.", thinking: Hm.}
"""
BASES = (
    "",
    "/groq/openai",
    "/azure/openai",
    "/deepseek",
    "/mistral",
    "/xai",
    "/openrouter/api",
    "/ollama",
    "/huggingface",
    "/vllm",
)
CLAUDE = "/model/us.anthropic.claude-sonnet-4-5-20250929-v1:0"


def ours() -> Iterable[tuple[str, RecordedRequest]]:
    """Requests to every protocol, streamed and not, whose responses are text, a call and an error."""
    for word in ("Say it.", "call", "fail"):
        messages: list[Any] = [{"role": "user", "content": word}]
        contents = {"contents": [{"parts": [{"text": word}]}]}
        for streamed in (False, True):
            reported = {"stream": streamed, "model": "gpt-4o"}
            for base in BASES:
                yield requested(f"{base}/v1/chat/completions", {**reported, "messages": messages})
            yield requested("/v1/responses", {**reported, "input": word})
            yield requested("/v1/messages", {**reported, "max_tokens": 99, "messages": messages})
            verb = "streamGenerateContent" if streamed else "generateContent"
            for at in ("/v1beta/models/g", "/v1/projects/p/locations/us/publishers/google/models/g"):
                yield requested(f"{at}:{verb}", contents)
                yield requested(f"{at}:{verb}", contents, "alt=sse")
            yield from of_other_protocols(word, streamed)
    yield requested("/v1/embeddings", {"model": "text-embedding-3-small", "input": "x"})
    yield "GET /v1/models", RecordedRequest("GET", "/v1/models")
    yield "no body", RecordedRequest("POST", "/v1/chat/completions")


def of_other_protocols(word: str, streamed: bool) -> Iterable[tuple[str, RecordedRequest]]:
    """Requests to the protocols with paths or frames of their own."""
    chat = {"model": "m", "stream": streamed, "messages": [{"role": "user", "content": word}]}
    yield requested("/perplexity/chat/completions", chat)
    yield requested("/zai/api/paas/v4/chat/completions", chat)
    yield requested("/cohere/v2/chat", chat)
    yield requested("/api/chat", chat)
    yield requested("/api/generate", {"model": "m", "stream": streamed, "prompt": word})
    yield requested("/v1beta/interactions", {"model": "g", "stream": streamed, "input": word})
    verbs = ("converse-stream", "invoke-with-response-stream") if streamed else ("converse", "invoke")
    yield requested(f"{CLAUDE}/{verbs[0]}", {"messages": [{"role": "user", "content": [{"text": word}]}]})
    messages = {"max_tokens": 99, "messages": chat["messages"]}
    yield requested(f"{CLAUDE}/{verbs[1]}", {"anthropic_version": "bedrock-2023-05-31", **messages})


def requested(path: str, body: Any, query: str = "") -> tuple[str, RecordedRequest]:
    headers = (("anthropic-version", "2023-06-01"), ("Content-Type", "application/json"))
    return f"{path}?{query}", RecordedRequest("POST", path, query, headers, dumps(body))


def test_own_responses_are_recorded_and_replayed_unchanged(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(OURS, encoding="utf-8")
    count, bad = there_and_back(tmp_path / "a.yaml", tmp_path / "out", ours(), fixed=False)
    assert count > 140
    assert bad == []
