"""`citations` and `images` of a reply: what each protocol makes of them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from tests.language.playing import Ask, Heard, ask, claude, first, mistakes

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
    assert "it has no words 'xyz'" in heard.notes
    assert len(heard.json["content"]) == 1


def test_a_script_that_breaks_has_its_sources_too() -> None:
    yaml = 'rules: [{reply: {chunks: [a, {error: overloaded}], citations: ["u:1"]}}]'
    heard = first(yaml, claude(stream=True))
    assert b"citations_delta" in heard.bytes


def test_a_text_of_a_script_keeps_its_own_words_whole() -> None:
    yaml = 'rules: [{reply: {chunks: [a], text: A b., citations: [{url: "u:1", words: b}]}}]'
    (block,) = first(yaml, claude()).json["content"]
    assert (block["text"], len(block["citations"])) == ("A b.", 1)


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


# --- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("{citations: [u]}", "citations are of a text"),
        ("{refusal: no, citations: [u]}", "citations are of a text"),
        ("{parts: [{thinking: a, citations: [u]}]}", "citations are of a text"),
        ("{parts: [{citations: [u]}]}", "a part is one of"),
        ("{parts: [a], images: [x.png]}", "parts stand alone"),
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
