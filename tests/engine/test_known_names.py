"""In which protocol a recording is, for rules of other protocols."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from mockllm.cli.sources import known_names
from mockllm.dialects.listing import LISTED_CALLS
from mockllm.engine.known_names import MAX_BYTES, other_dialect
from mockllm.scenario.catalog_lint import warnings
from mockllm.scenario.language.replay import ReplaySpec
from mockllm.scenario.loader import ScenarioSources, load_scenarios

CHAT = (
    'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
    "data: [DONE]\n\n"
)
MESSAGE = (
    '{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"Hi"}],'
    '"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}'
)
GZIPPED = "H4sIAAAAAAAC/8tIzcnJBwCGphA2BQAAAA=="
CHATS = ", ".join(sorted({call.protocol for call in LISTED_CALLS if call.api == "chat"}))
"""The protocols with a call of this name."""


def replay(**more: Any) -> ReplaySpec:
    return ReplaySpec.model_validate(more)


@pytest.mark.parametrize(
    ("spec", "files", "wanted", "found"),
    [
        (replay(frames=[CHAT], headers={"content-type": "text/event-stream"}), {}, {"anthropic"}, "openai"),
        (replay(frames=[CHAT], headers={"content-type": "text/event-stream"}), {}, {"openai"}, None),
        (replay(frames=[MESSAGE]), {}, {"openai", "gemini"}, "anthropic"),
        (replay(file="a.json"), {"a.json": MESSAGE.encode()}, {"gemini"}, "anthropic"),
        (replay(file="a.json"), {"a.json": b" " * (MAX_BYTES + 1)}, {"gemini"}, None),
        (replay(frames=["What?"]), {}, {"openai"}, None),
        (replay(frames=[MESSAGE], status=500), {}, {"openai"}, None),
        (replay(frames=[MESSAGE], **{"as": "reply"}), {}, {"openai"}, None),
        (replay(frames=[{"base64": GZIPPED}], headers={"content-encoding": "gzip"}), {}, {"openai"}, None),
    ],
)
def test_other_dialect_of_recording(
    spec: ReplaySpec, files: Any, wanted: set[str], found: str | None
) -> None:
    assert other_dialect(spec, files, wanted) == found


RULE = "  - match: {{{}}}\n    replay: {{frames: ['{}']}}\n"
ONE_LINE = MESSAGE
COMPLETION = (
    '{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,"finish_reason":"stop",'
    '"message":{"role":"assistant","content":"Hi"}}]}'
)
EVENTS = 'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}'


@pytest.mark.parametrize(
    ("match", "body", "message"),
    [
        ("provider: openai", ONE_LINE, "recorded in the protocol of anthropic, for requests of openai"),
        ("dialect: [gemini]", ONE_LINE, "recorded in the protocol of anthropic, for requests of gemini"),
        ("dialect: openai, stream: false", EVENTS, "a recorded stream, for requests without a stream"),
        (
            "api: chat",
            ONE_LINE,
            f"recorded in the protocol of anthropic, for requests of {CHATS}",
        ),
        (
            "api: messages, provider: anthropic",
            COMPLETION,
            "recorded in the protocol of openai, for requests of anthropic",
        ),
        ("path: /v1/messages", COMPLETION, "recorded in the protocol of openai, for requests of anthropic"),
        ("path: '*/messages'", COMPLETION, None),
        ("api: messages", ONE_LINE, None),
        ("path: /v1/messages", ONE_LINE, None),
        ("path: /my/own", ONE_LINE, None),
        ("stream: true", ONE_LINE, "a recorded whole response, for requests of a stream"),
        ("stream: true", '{"fruit": 1}', None),
        ("dialect: anthropic", ONE_LINE, None),
        ("dialect: {exists: true}", ONE_LINE, None),
        ("stream: true", EVENTS, None),
        ("stream: false", ONE_LINE, None),
    ],
)
def test_check_warns_about_recording(tmp_path: Path, match: str, body: str, message: str | None) -> None:
    (tmp_path / "a.yaml").write_text("rules:\n" + RULE.format(match, body), "utf-8")
    loaded = load_scenarios(ScenarioSources((str(tmp_path),), known_names=known_names()))
    assert not loaded.diagnostics
    found = [str(warning) for warning in warnings(loaded) if "recorded" in str(warning)]
    assert [f"{message}; write `as: reply`" in text for text in found] == ([True] if message else [])


@pytest.mark.parametrize(("size", "count"), [(32 << 20, 0), ((32 << 20) + 1, 1)])
@pytest.mark.parametrize("form", ["bytes", "reply"])
def test_check_warns_about_long_decompressed_recording(
    tmp_path: Path, form: str, size: int, count: int
) -> None:
    (tmp_path / "a.bin").write_bytes(gzip.compress(bytes(size)))
    replay = f"{{file: a.bin, as: {form}, headers: {{Content-Encoding: gzip}}}}"
    (tmp_path / "a.yaml").write_text(f"rules: [{{match: {{}}, replay: {replay}}}]")
    found = [str(each) for each in warnings(load_scenarios(ScenarioSources((str(tmp_path),))))]
    message = "rules[0].replay: the recording has more than 32 MiB without its compression (gzip)"
    assert [message in each for each in found] == [True] * count


def test_check_knows_a_stream_by_its_type(tmp_path: Path) -> None:
    rule = (
        "rules: [{match: {stream: false}, choose: [a, {replay: {file: a.txt, headers: {Content-Type: %s}}}]}]"
    )
    for kind, count in (("text/event-stream", 1), ("application/json", 0)):
        (tmp_path / "a.txt").write_text("{}")
        (tmp_path / "a.yaml").write_text(rule % kind)
        loaded = load_scenarios(ScenarioSources((str(tmp_path),), known_names=known_names()))
        assert len([each for each in warnings(loaded) if "a recorded stream" in str(each)]) == count
