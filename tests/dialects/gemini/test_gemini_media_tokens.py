"""The tokens of media in the usage of Google's calls: the entries of a prompt add up to its count."""

from __future__ import annotations

from typing import Any

import pytest

from mockllm.core.failure import Failure
from mockllm.core.json.codec import Json, dumps
from mockllm.core.reply.reply import Choice, Reply, Text, Usage
from mockllm.core.request.prompt_tokens import MEDIA_TOKENS
from mockllm.dialects.gemini.generate import GENERATE
from mockllm.dialects.gemini.generate_request import GenerateRequest
from tests.dialects.gemini.generate_requests import IDENTITY, VERTEX, body_of, generate, objects_of
from tests.dialects.gemini.test_gemini_embeddings import embeddings_body
from tests.engine.cached_and_rendered import compare
from tests.language.virtual_server import NOW, ClientRequest, raw_request

SOUND = MEDIA_TOKENS // 9
OLDER, NEWER = "gemini-2.5-flash", "gemini-3-flash-preview"


def inline(mime: Json) -> Json:
    return {"inlineData": {"mimeType": mime, "data": "AAAA"}}


def generate_request(*parts: Json, **more: Any) -> GenerateRequest:
    return generate({"contents": [{"role": "user", "parts": [{"text": "What is this?"}, *parts]}]}, **more)


def usage_of(request: GenerateRequest, counted: Usage | None = None) -> Any:
    reply = Reply((Choice((Text(("A dog.",)),)),), counted or Usage(request.input_tokens, 3))
    encode = GENERATE.encode_stream if request.stream else GENERATE.encode_body
    *_, last = objects_of(encode(GENERATE.supported_reply(reply, request), request, IDENTITY))
    return last["usageMetadata"]


def entries(usage: Any, name: str = "promptTokensDetails") -> dict[str, int]:
    return {entry["modality"]: entry["tokenCount"] for entry in usage.get(name, ())}


@pytest.mark.parametrize("base", ["/v1beta", VERTEX])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("model", "mime", "expected"),
    [
        (OLDER, "image/png", {"IMAGE": MEDIA_TOKENS}),
        (OLDER, "application/pdf", {"DOCUMENT": MEDIA_TOKENS}),
        (NEWER, "application/pdf", {"IMAGE": MEDIA_TOKENS}),
        (OLDER, "audio/mpeg", {"AUDIO": MEDIA_TOKENS}),
        (OLDER, "video/mp4", {"VIDEO": MEDIA_TOKENS - SOUND, "AUDIO": SOUND}),
        (OLDER, "text/plain", {}),
        (OLDER, None, {"DOCUMENT": MEDIA_TOKENS}),
    ],
)
def test_each_kind_of_media_has_its_modality(
    base: str, stream: bool, model: str, mime: Json, expected: dict[str, int]
) -> None:
    request = generate_request(inline(mime), model=model, base=base, stream=stream, query="alt=sse" * stream)
    usage = usage_of(request)
    found = entries(usage)
    assert {name: tokens for name, tokens in found.items() if name != "TEXT"} == expected
    assert sum(found.values()) == usage["promptTokenCount"]
    assert found["TEXT"] > 0


@pytest.mark.parametrize(
    "part",
    [
        {"inline_data": {"mime_type": "image/png", "data": "AAAA"}},
        {"fileData": {"mimeType": "image/png", "fileUri": "https://x"}},
        {"file_data": {"mime_type": "image/png", "file_uri": "https://x"}},
        {"functionResponse": {"name": "f", "response": {}, "parts": [inline("image/png")]}},
        {"functionResponse": {"name": "f", "response": {}, "parts": inline("image/png")}},
    ],
)
def test_media_are_found_in_each_form(part: Json) -> None:
    assert entries(usage_of(generate_request(part)))["IMAGE"] == MEDIA_TOKENS


def test_several_media_of_a_kind_are_one_entry() -> None:
    images, sound = [inline("image/png"), inline("image/jpeg")], inline("audio/wav")
    found = entries(usage_of(generate_request(*images, sound)))
    assert (found["IMAGE"], found["AUDIO"]) == (2 * MEDIA_TOKENS, MEDIA_TOKENS)


def test_media_of_earlier_turns_count() -> None:
    turns: list[Json] = [
        {"role": "user", "parts": [{"text": f"Turn {number}. " + "word " * 200}]} for number in range(20)
    ]
    turns[3]["parts"].append(inline("image/png"))
    for end in (10, 20):
        request = generate({"contents": turns[:end]})
        assert entries(usage_of(request))["IMAGE"] == MEDIA_TOKENS


@pytest.mark.parametrize("stated", [0, 1, 50, 84, 85])
def test_stated_tokens_fewer_than_the_media_still_add_up(stated: int) -> None:
    usage = usage_of(generate_request(inline("video/mp4")), Usage(stated, 3))
    assert sum(entries(usage).values()) == usage.get("promptTokenCount", 0) == stated


@pytest.mark.parametrize("cached", [1, 50, 93])
def test_cached_tokens_have_the_same_proportions(cached: int) -> None:
    request = generate_request(inline("application/pdf"), model=OLDER)
    counted = Usage(request.input_tokens, 3, cache_read=cached)
    usage = usage_of(request, counted)
    found = entries(usage, "cacheTokensDetails")
    assert sum(found.values()) == usage["cachedContentTokenCount"] == cached
    assert found.get("DOCUMENT", 0) == MEDIA_TOKENS * cached // request.input_tokens


def test_cached_tokens_without_media_are_text() -> None:
    usage = usage_of(generate_request(), Usage(40, 3, cache_read=30))
    assert entries(usage, "cacheTokensDetails") == {"TEXT": 30}


def test_numbers_of_modalities() -> None:
    request = generate_request(inline("image/png"), query="$alt=json;enum-encoding=int")
    details = usage_of(request)["promptTokensDetails"]
    assert [entry["modality"] for entry in details] == [1, 2]


def test_blocked_prompt_has_its_media() -> None:
    request = generate_request(inline("image/png"))
    usage = body_of(GENERATE.error(Failure("content_filter"), request, IDENTITY))["usageMetadata"]
    assert entries(usage)["IMAGE"] == MEDIA_TOKENS
    assert sum(entries(usage).values()) == usage["promptTokenCount"]


def test_encoding_keys_differ_by_media() -> None:
    requests = [
        generate_request(),
        generate_request(inline("image/png")),
        generate_request(inline("audio/wav")),
    ]
    assert len({GENERATE.encoding_key(request) for request in requests}) == 3


@pytest.mark.parametrize("base", ["/v1beta", VERTEX])
def test_embedded_media_have_their_modality(base: str) -> None:
    parts: Json = [{"text": "The logo"}, {"inline_data": {"mime_type": "image/png", "data": "AAAA"}}]
    body = {"requests": [{"content": {"parts": parts}}]}
    usage = embeddings_body("batchEmbedContents", body, model="gemini-embedding-2", base=base)[
        "usageMetadata"
    ]
    found = entries(usage, "promptTokensDetails" if base == VERTEX else "promptTokenDetails")
    assert found["IMAGE"] == 258
    assert sum(found.values()) == usage["promptTokenCount"] == 260


@pytest.mark.parametrize("call", ["generateContent", "streamGenerateContent"])
@pytest.mark.parametrize("usage", ["{}", "{cached_tokens: 40}", "{input_tokens: 30}"])
def test_cached_responses_equal_rendered_ones(call: str, usage: str) -> None:
    def ask(turn: int) -> ClientRequest:
        media = [inline(mime) for mime in ("image/png", "video/mp4")[: turn % 3]]
        parts: list[Json] = [{"text": "word " * (turn // 3 + 1)}, *media]
        body = dumps({"contents": [{"role": "user", "parts": parts}]})
        return raw_request(f"/v1beta/models/{OLDER}:{call}", body, now=NOW + turn)

    server = compare(
        f"rules: [{{reply: {{text: A dog., usage: {usage}}}}}]", [ask(turn) for turn in range(12)]
    )
    assert server.engine._planner.response_cache.entries
