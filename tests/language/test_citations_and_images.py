"""`citations` and `images` of a reply: what each protocol makes of them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.language.playing import Ask, Heard, ask, chat, claude, first, mistakes

BOIL = """
rules:
  - reply:
      text: Water boils at 100 degrees.
      citations:
        - {url: "https://a.example/water", title: Water, quote: It boils., words: Water boils}
        - {url: "https://b.example/{{ model }}", words: 100 degrees}
"""
DOT = b64encode(b"a picture").decode()


def gemini(user: str = "hi", *, stream: bool = False) -> Ask:
    call = "streamGenerateContent?alt=sse" if stream else "generateContent"
    path, _, query = f"/v1beta/models/gemini-2.5-flash:{call}".partition("?")
    return ask(path, {"contents": [{"role": "user", "parts": [{"text": user}]}]}, query=query)


def candidate(heard: Heard) -> Any:
    return heard.json["candidates"][0]


def test_anthropic_cites_by_text_blocks() -> None:
    blocks = first(BOIL, claude()).json["content"]
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
    heard = first(BOIL, claude(stream=True))
    events = [event.json for event in heard.events if event.name != "ping"]
    kinds = [event.get("delta", event).get("type") for event in events[1:5]]
    assert kinds[:2] == ["content_block_start", "citations_delta"]
    assert events[1]["content_block"] == {"citations": [], "type": "text", "text": ""}
    assert heard.text == "Water boils at 100 degrees."


def test_gemini_grounds_the_candidate_in_bytes() -> None:
    yaml = 'rules: [{reply: {text: "Für 3 €.", citations: [{url: "u:1", words: 3 €}, "u:2", {url: "u:1"}]}}]'
    found = candidate(first(yaml, gemini()))["groundingMetadata"]
    assert found["groundingChunks"] == [
        {"web": {"uri": "u:1", "title": "u:1"}},
        {"web": {"uri": "u:2", "title": "u:2"}},
    ]
    assert found["groundingSupports"] == [
        {"segment": {"startIndex": 5, "endIndex": 10, "text": "3 €"}, "groundingChunkIndices": [0]},
        {"segment": {"endIndex": 11, "text": "Für 3 €."}, "groundingChunkIndices": [1, 0]},
    ]


def test_gemini_streams_it_with_the_finish_reason() -> None:
    heard = first(BOIL, gemini(stream=True))
    chunks = [line for line in heard.bytes.decode().split("\r\n\r\n") if line]
    assert ["groundingMetadata" in chunk for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert '"finishReason": "STOP"' in chunks[-1]


def test_the_same_source_twice_stands_behind_one_segment_once() -> None:
    yaml = 'rules: [{reply: {text: a, citations: ["u:1", "u:1"]}}]'
    found = candidate(first(yaml, gemini()))["groundingMetadata"]
    assert found["groundingSupports"][0]["groundingChunkIndices"] == [0]


def test_several_texts_each_with_its_sources() -> None:
    yaml = """
    rules:
      - reply:
          parts: [One., {text: " Two.", citations: ["u:2"]}, {chunks: [" Th", ree.], citations: ["u:3"]}]
    """
    supports = candidate(first(yaml, gemini()))["groundingMetadata"]["groundingSupports"]
    assert [support["segment"]["text"] for support in supports] == [" Two.", " Three."]
    assert [support["segment"]["startIndex"] for support in supports] == [4, 9]
    blocks = first(yaml, claude()).json["content"]
    assert [len(block.get("citations", ())) for block in blocks] == [0, 1, 1]


def test_words_that_the_text_does_not_have_are_told() -> None:
    yaml = "rules: [{reply: {text: abc, citations: [{url: u, words: xyz}]}}]"
    heard = first(yaml, claude())
    assert "the text has no words 'xyz'" in heard.notes
    assert len(heard.json["content"]) == 1


def test_a_script_that_breaks_has_its_sources_too() -> None:
    yaml = 'rules: [{reply: {chunks: [a, {error: overloaded}], citations: ["u:1"]}}]'
    heard = first(yaml, claude(stream=True))
    assert b"citations_delta" in heard.bytes


def test_a_text_of_a_script_keeps_its_own_words_whole() -> None:
    yaml = 'rules: [{reply: {chunks: [a], text: A b., citations: [{url: "u:1", words: b}]}}]'
    (block,) = first(yaml, claude()).json["content"]
    assert (block["text"], len(block["citations"])) == ("A b.", 1)


def responses(**more: Any) -> Ask:
    return ask("/v1/responses", {"model": "gpt-4o", "input": "hi", **more})


def test_openais_chat_annotates_the_message() -> None:
    (water, other) = first(BOIL, chat()).choice["message"]["annotations"]
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


def test_openais_chat_streams_annotations_behind_their_text() -> None:
    yaml = """
    rules:
      - reply:
          parts: [{text: One., citations: ["u:1"]}, {text: " Two.", citations: [{url: "u:2", words: Two}]}]
    """
    heard = first(yaml, chat(stream=True))
    deltas = [event.json["choices"][0]["delta"] for event in heard.events[:-1]]
    told = [each["url_citation"] for delta in deltas for each in delta.get("annotations", ())]
    assert [(each["url"], each["start_index"], each["end_index"]) for each in told] == [
        ("u:1", 0, 4),
        ("u:2", 5, 8),
    ]
    assert heard.text == "One. Two."


def test_responses_annotate_the_text() -> None:
    (message,) = first(BOIL, responses()).json["output"]
    (part,) = message["content"]
    assert part["annotations"][0] == {
        "type": "url_citation",
        "end_index": 11,
        "start_index": 0,
        "title": "Water",
        "url": "https://a.example/water",
    }
    assert len(part["annotations"]) == 2


def test_responses_stream_an_event_for_each_annotation() -> None:
    events = [event.json for event in first(BOIL, responses(stream=True)).events]
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


def completions() -> Ask:
    return ask("/v1/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "hi"})


def groq() -> Ask:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    return ask("/groq/openai/v1/chat/completions", body)


@pytest.mark.parametrize(
    ("asked", "noted"),
    [
        (
            completions(),
            ["citations left out: completions of openai has none", "images left out: completions"],
        ),
        (groq(), ["citations left out: chat of groq has none", "images left out: chat of groq"]),
        (chat(), ["images left out: chat of openai has none"]),
        (claude(), ["images left out: messages of anthropic has none"]),
        (gemini(), []),
        (responses(), []),
    ],
    ids=["completions", "groq", "chat", "anthropic", "gemini", "responses"],
)
def test_what_a_protocol_has_no_form_for_is_left_out_and_noted(asked: Ask, noted: list[str]) -> None:
    yaml = f"rules: [{{reply: {{text: a, citations: ['u:1'], images: [{{data: {DOT}}}]}}}}]"
    heard = first(yaml, asked)
    lines = heard.notes.splitlines()
    assert [line.startswith(wanted) for line, wanted in zip(lines, noted, strict=True)] == [True] * len(noted)
    assert heard.status == 200


# --- images --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "mime"),
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
def test_gemini_sends_pictures_as_parts(word: str, mime: str, stream: bool) -> None:
    names = ("dot.png", "dot.jpg", "dot.webp", "dot.xyz")
    files = {
        "a.yaml": f"rules: [{{reply: {{text: Here., images: {word}}}}}]",
        **dict.fromkeys(names, "a picture"),
    }
    heard = first(files, gemini(stream=stream))
    wanted = f'"inlineData": {{"mimeType": "{mime}","data": "{DOT}"}}'
    if stream:
        assert wanted in heard.bytes.decode()
    else:
        assert candidate(heard)["content"]["parts"][1] == {"inlineData": {"mimeType": mime, "data": DOT}}


def test_pictures_stand_behind_the_text_and_before_calls_or_in_an_order_of_ones_own() -> None:
    yaml = f"rules: [{{reply: {{images: [{{data: {DOT}}}], tool_calls: [{{name: f}}], text: a}}}}]"
    parts = candidate(first(yaml, gemini()))["content"]["parts"]
    assert [next(iter(part)) for part in parts] == ["text", "inlineData", "functionCall"]
    yaml = f"rules: [{{reply: {{parts: [{{images: [{{data: {DOT}}}]}}, b]}}}}]"
    parts = candidate(first(yaml, gemini()))["content"]["parts"]
    assert [next(iter(part)) for part in parts] == ["inlineData", "text"]


def test_a_picture_alone_is_an_answer() -> None:
    yaml = f"rules: [{{reply: {{images: [{{data: {DOT}}}]}}}}]"
    heard = first(yaml, gemini(stream=True))
    assert DOT in heard.bytes.decode()
    assert first(yaml, claude()).json["content"] == []


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_responses_send_pictures_as_what_their_tool_made(stream: bool) -> None:
    yaml = f"rules: [{{reply: {{text: Here., images: [{{data: {DOT}, mime_type: image/webp}}]}}}}]"
    heard = first(yaml, responses(stream=stream))
    body = heard.events[-1].json["response"] if stream else heard.json
    text, picture = body["output"]
    assert (text["type"], picture["type"], picture["status"]) == (
        "message",
        "image_generation_call",
        "completed",
    )
    assert (picture["result"], picture["output_format"]) == (DOT, "webp")
    if stream:
        kinds = [event.json["type"] for event in heard.events]
        assert "response.image_generation_call.generating" in kinds


# --- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("{citations: [u]}", "citations need a text"),
        ("{refusal: no, citations: [u]}", "citations need a text"),
        ("{parts: [{thinking: a, citations: [u]}]}", "citations need a text"),
        ("{parts: [{citations: [u]}]}", "a part is one of"),
        ("{parts: [a], images: [x.png]}", "parts allow no other content"),
        ("{text: a, citations: [{title: t}]}", "url"),
        ("{text: a, citations: [7]}", 'write "7"'),
        ("{images: [{mime_type: image/png}]}", "an image is one of file and data"),
        ("{images: [{file: a.png, data: aGk=}]}", "an image is one of file and data"),
        ("{images: [gone.png]}", 'there is no file "gone.png"'),
        ("{text: a, citation: [u]}", 'did you mean "citations"?'),
    ],
)
def test_mistakes(word: str, said: str) -> None:
    (found,) = mistakes(f"rules: [{{reply: {word}}}]")
    assert said in found
