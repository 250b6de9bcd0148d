"""`citations` and `images` of a reply in each protocol."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.language.virtual_server import (
    ClientRequest,
    ClientResponse,
    chat_request,
    claude_request,
    diagnostics_of,
    raw_request,
    respond_once,
)

BOIL = """
rules:
  - reply:
      text: Water boils at 100 degrees.
      citations:
        - {url: "https://a.example/water", title: Water, quote: It boils., words: Water boils}
        - {url: "https://b.example/{{ model }}", words: 100 degrees}
"""
DOT = b64encode(b"a picture").decode()


def gemini(user: str = "hi", *, stream: bool = False) -> ClientRequest:
    call = "streamGenerateContent?alt=sse" if stream else "generateContent"
    path, _, query = f"/v1beta/models/gemini-2.5-flash:{call}".partition("?")
    return raw_request(path, {"contents": [{"role": "user", "parts": [{"text": user}]}]}, query=query)


def candidate(response: ClientResponse) -> Any:
    return response.json["candidates"][0]


def test_anthropic_citations_are_in_text_blocks() -> None:
    blocks = respond_once(BOIL, claude_request()).json["content"]
    assert [(block["text"], len(block.get("citations", ()))) for block in blocks] == [
        ("Water boils", 1),
        (" at ", 0),
        ("100 degrees", 1),
        (".", 0),
    ]
    (water,) = blocks[0]["citations"]
    assert water.pop("encrypted_index")
    assert water == {
        "type": "web_search_result_location",
        "cited_text": "It boils.",
        "url": "https://a.example/water",
        "title": "Water",
    }
    (other,) = blocks[2]["citations"]
    assert other["url"] == other["title"] == "https://b.example/claude-sonnet-4-5"
    assert other["cited_text"] == "100 degrees"


def test_anthropic_streams_citations_before_their_text() -> None:
    expected_responses = respond_once(BOIL, claude_request(stream=True))
    events = [event.json for event in expected_responses.events if event.name != "ping"]
    kinds = [event.get("delta", event).get("type") for event in events[1:5]]
    assert kinds[:2] == ["content_block_start", "citations_delta"]
    assert events[1]["content_block"] == {"citations": [], "type": "text", "text": ""}
    assert expected_responses.text == "Water boils at 100 degrees."


def test_gemini_grounding_counts_bytes() -> None:
    yaml = 'rules: [{reply: {text: "Für 3 €.", citations: [{url: "u:1", words: 3 €}, "u:2", {url: "u:1"}]}}]'
    result = candidate(respond_once(yaml, gemini()))["groundingMetadata"]
    assert result["groundingChunks"] == [
        {"web": {"uri": "u:1", "title": "u:1"}},
        {"web": {"uri": "u:2", "title": "u:2"}},
    ]
    assert result["groundingSupports"] == [
        {"segment": {"startIndex": 5, "endIndex": 10, "text": "3 €"}, "groundingChunkIndices": [0]},
        {"segment": {"endIndex": 11, "text": "Für 3 €."}, "groundingChunkIndices": [1, 0]},
    ]


def test_gemini_streams_grounding_with_finish_reason() -> None:
    expected_responses = respond_once(BOIL, gemini(stream=True))
    chunks = [line for line in expected_responses.bytes.decode().split("\r\n\r\n") if line]
    assert ["groundingChunks" in chunk for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert '"finishReason": "STOP"' in chunks[-1]


def test_same_source_twice_is_cited_once() -> None:
    yaml = 'rules: [{reply: {text: a, citations: ["u:1", "u:1"]}}]'
    result = candidate(respond_once(yaml, gemini()))["groundingMetadata"]
    assert result["groundingSupports"][0]["groundingChunkIndices"] == [0]


def test_several_texts_have_separate_sources() -> None:
    yaml = """
    rules:
      - reply:
          parts: [One., {text: " Two.", citations: ["u:2"]}, {chunks: [" Th", ree.], citations: ["u:3"]}]
    """
    supports = candidate(respond_once(yaml, gemini()))["groundingMetadata"]["groundingSupports"]
    assert [support["segment"]["text"] for support in supports] == [" Two.", " Three."]
    assert [support["segment"]["startIndex"] for support in supports] == [4, 9]
    blocks = respond_once(yaml, claude_request()).json["content"]
    assert [len(block.get("citations", ())) for block in blocks] == [0, 1, 1]


def test_citation_of_missing_words_is_noted() -> None:
    yaml = "rules: [{reply: {text: abc, citations: [{url: u, words: xyz}]}}]"
    expected_responses = respond_once(yaml, claude_request())
    assert "the text has no words 'xyz'" in expected_responses.notes
    assert len(expected_responses.json["content"]) == 1


def test_broken_script_has_citations() -> None:
    yaml = 'rules: [{reply: {chunks: [a, {error: overloaded}], citations: ["u:1"]}}]'
    expected_responses = respond_once(yaml, claude_request(stream=True))
    assert b"citations_delta" in expected_responses.bytes


def test_script_beside_text_cites_whole_text() -> None:
    yaml = 'rules: [{reply: {chunks: [a], text: A b., citations: [{url: "u:1", words: b}]}}]'
    (block,) = respond_once(yaml, claude_request()).json["content"]
    assert (block["text"], len(block["citations"])) == ("A b.", 1)


def responses(**more: Any) -> ClientRequest:
    return raw_request("/v1/responses", {"model": "gpt-4o", "input": "hi", **more})


def test_chat_annotates_message() -> None:
    (water, other) = respond_once(BOIL, chat_request()).choice["message"]["annotations"]
    assert water == {
        "type": "url_citation",
        "url_citation": {
            "end_index": 11,
            "start_index": 0,
            "title": "Water",
            "url": "https://a.example/water",
        },
    }
    assert (other["url_citation"]["start_index"], other["url_citation"]["end_index"]) == (15, 26)


def test_chat_streams_annotations_after_text() -> None:
    yaml = """
    rules:
      - reply:
          parts: [{text: One., citations: ["u:1"]}, {text: " Two.", citations: [{url: "u:2", words: Two}]}]
    """
    expected_responses = respond_once(yaml, chat_request(stream=True))
    deltas = [event.json["choices"][0]["delta"] for event in expected_responses.events[:-1]]
    reported = [each["url_citation"] for delta in deltas for each in delta.get("annotations", ())]
    assert [(each["url"], each["start_index"], each["end_index"]) for each in reported] == [
        ("u:1", 0, 4),
        ("u:2", 5, 8),
    ]
    assert expected_responses.text == "One. Two."


def test_responses_annotates_text() -> None:
    (message,) = respond_once(BOIL, responses()).json["output"]
    (part,) = message["content"]
    assert part["annotations"][0] == {
        "type": "url_citation",
        "end_index": 11,
        "start_index": 0,
        "title": "Water",
        "url": "https://a.example/water",
    }
    assert len(part["annotations"]) == 2


def test_responses_streams_event_for_each_annotation() -> None:
    events = [event.json for event in respond_once(BOIL, responses(stream=True)).events]
    kinds = [event["type"].removeprefix("response.") for event in events]
    assert kinds[-6:] == [
        *["output_text.annotation.added"] * 2,
        *("output_text.done", "content_part.done", "output_item.done", "completed"),
    ]
    assert [event["annotation_index"] for event in events[-6:-4]] == [0, 1]
    done = events[-3]["part"]["annotations"]
    assert done == [event["annotation"] for event in events[-6:-4]]
    assert events[-1]["response"]["output"][0]["content"][0]["annotations"] == done
    opened = next(event for event in events if event["type"].endswith("content_part.added"))
    assert opened["part"]["annotations"] == []


def completions() -> ClientRequest:
    return raw_request("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "hi"})


def groq() -> ClientRequest:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    return raw_request("/groq/openai/v1/chat/completions", body)


@pytest.mark.parametrize(
    ("sent", "noted"),
    [
        (
            completions(),
            ["citations left out: completions of openai has none", "images left out: completions"],
        ),
        (groq(), ["citations left out: chat of groq has none", "images left out: chat of groq"]),
        (chat_request(), ["images left out: chat of openai has none"]),
        (claude_request(), ["images left out: messages of anthropic has none"]),
        (gemini(), []),
        (responses(), []),
    ],
    ids=["completions", "groq", "chat", "anthropic", "gemini", "responses"],
)
def test_unsupported_content_is_left_out_and_noted(sent: ClientRequest, noted: list[str]) -> None:
    yaml = f"rules: [{{reply: {{text: a, citations: ['u:1'], images: [{{data: {DOT}}}]}}}}]"
    response = respond_once(yaml, sent)
    lines = response.notes.splitlines()
    assert [line.startswith(expected) for line, expected in zip(lines, noted, strict=True)] == [True] * len(
        noted
    )
    assert response.status == 200


# --- images --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "mime"),
    [
        ("[dot.png]", "image/png"),
        ("[{file: dot.jpg}]", "image/jpeg"),
        ("[dot.webp]", "image/webp"),
        ("[{file: dot.xyz}]", "image/png"),
        ("[{file: dot.xyz, mime_type: image/tiff}]", "image/tiff"),
        (f"[{{data: {DOT}}}]", "image/png"),
        (f"[{{data: {DOT}, mime_type: image/gif}}]", "image/gif"),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_gemini_sends_images_as_parts(key: str, mime: str, stream: bool) -> None:
    names = ("dot.png", "dot.jpg", "dot.webp", "dot.xyz")
    files = {
        "a.yaml": f"rules: [{{reply: {{text: Here., images: {key}}}}}]",
        **dict.fromkeys(names, "a picture"),
    }
    expected_responses = respond_once(files, gemini(stream=stream))
    expected = f'"inlineData": {{"mimeType": "{mime}","data": "{DOT}"}}'
    if stream:
        assert expected in expected_responses.bytes.decode()
    else:
        assert candidate(expected_responses)["content"]["parts"][1] == {
            "inlineData": {"mimeType": mime, "data": DOT}
        }


def test_images_are_between_text_and_calls_or_in_parts_order() -> None:
    yaml = f"rules: [{{reply: {{images: [{{data: {DOT}}}], tool_calls: [{{name: f}}], text: a}}}}]"
    parts = candidate(respond_once(yaml, gemini()))["content"]["parts"]
    assert [next(iter(part)) for part in parts] == ["text", "inlineData", "functionCall"]
    yaml = f"rules: [{{reply: {{parts: [{{images: [{{data: {DOT}}}]}}, b]}}}}]"
    parts = candidate(respond_once(yaml, gemini()))["content"]["parts"]
    assert [next(iter(part)) for part in parts] == ["inlineData", "text"]


def test_image_alone_is_reply() -> None:
    yaml = f"rules: [{{reply: {{images: [{{data: {DOT}}}]}}}}]"
    expected_responses = respond_once(yaml, gemini(stream=True))
    assert DOT in expected_responses.bytes.decode()
    assert respond_once(yaml, claude_request()).json["content"] == []


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_responses_sends_images_as_tool_output(stream: bool) -> None:
    yaml = f"rules: [{{reply: {{text: Here., images: [{{data: {DOT}, mime_type: image/webp}}]}}}}]"
    expected_responses = respond_once(yaml, responses(stream=stream))
    body = expected_responses.events[-1].json["response"] if stream else expected_responses.json
    text, picture = body["output"]
    assert (text["type"], picture["type"], picture["status"]) == (
        "message",
        "image_generation_call",
        "completed",
    )
    assert (picture["result"], picture["output_format"]) == (DOT, "webp")
    if stream:
        kinds = [event.json["type"] for event in expected_responses.events]
        assert "response.image_generation_call.generating" in kinds


# --- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("{citations: [u]}", "citations need a text"),
        ("{refusal: no, citations: [u]}", "citations need a text"),
        ("{parts: [{thinking: a, citations: [u]}]}", "citations need a text"),
        ("{parts: [{citations: [u]}]}", "a part is one of"),
        ("{parts: [a], images: [x.png]}", "parts allow no other content"),
        ("{text: a, citations: [{title: t}]}", "url"),
        ("{text: a, citations: [7]}", 'write "7"'),
        ("{images: [{mime_type: image/png}]}", "an image is one of file, data and size"),
        ("{images: [{file: a.png, data: aGk=}]}", "file and data are set; write one of them"),
        ("{audio: 7}", "expected a file or a mapping, found 7"),
        ("{video: {file: a.mp4, duration: 2s}}", "file and duration are set; write one of them"),
        ("{images: [gone.png]}", 'there is no file "gone.png"'),
        ("{text: a, citation: [u]}", 'did you mean "citations"?'),
    ],
)
def test_bad_citation_or_image_has_diagnostic(key: str, message: str) -> None:
    (result,) = diagnostics_of(f"rules: [{{reply: {key}}}]")
    assert message in result
